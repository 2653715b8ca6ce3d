package protocol

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// EventList is a list of Kubernetes events.
type EventList struct {
	Metadata metav1.ListMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Items    []Event         `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// Event is a Kubernetes event.
type Event struct {
	Metadata       metav1.ObjectMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	InvolvedObject ObjectReference   `json:"involvedObject" protobuf:"bytes,2,opt,name=involvedObject"`
	Reason         string            `json:"reason,omitempty" protobuf:"bytes,3,opt,name=reason"`
	Message        string            `json:"message,omitempty" protobuf:"bytes,4,opt,name=message"`
	Source         EventSource       `json:"source" protobuf:"bytes,5,opt,name=source"`
	FirstTimestamp metav1.Time       `json:"firstTimestamp" protobuf:"bytes,6,opt,name=firstTimestamp"`
	LastTimestamp  metav1.Time       `json:"lastTimestamp" protobuf:"bytes,7,opt,name=lastTimestamp"`
	Count          int32             `json:"count,omitempty" protobuf:"varint,8,opt,name=count"`
	Type           string            `json:"type,omitempty" protobuf:"bytes,9,opt,name=type"`
	EventTime      metav1.MicroTime  `json:"eventTime" protobuf:"bytes,10,opt,name=eventTime"`
	Action         string            `json:"action,omitempty" protobuf:"bytes,12,opt,name=action"`
}

// EventSource is who reported an event.
type EventSource struct {
	Component string `json:"component,omitempty" protobuf:"bytes,1,opt,name=component"`
	Host      string `json:"host,omitempty" protobuf:"bytes,2,opt,name=host"`
}

// ObjectReference is what an event is about.
type ObjectReference struct {
	Kind            string `json:"kind,omitempty" protobuf:"bytes,1,opt,name=kind"`
	Namespace       string `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	Name            string `json:"name,omitempty" protobuf:"bytes,3,opt,name=name"`
	UID             string `json:"uid,omitempty" protobuf:"bytes,4,opt,name=uid"`
	APIVersion      string `json:"apiVersion,omitempty" protobuf:"bytes,5,opt,name=apiVersion"`
	ResourceVersion string `json:"resourceVersion,omitempty" protobuf:"bytes,6,opt,name=resourceVersion"`
	FieldPath       string `json:"fieldPath,omitempty" protobuf:"bytes,7,opt,name=fieldPath"`
}
