package protocol

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// ResourcesQuery asks for the objects of an application, all or those that the other fields name.
type ResourcesQuery struct {
	ApplicationName string `json:"applicationName" protobuf:"bytes,1,req,name=applicationName"`
	Namespace       string `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	Name            string `json:"name,omitempty" protobuf:"bytes,3,opt,name=name"`
	Version         string `json:"version,omitempty" protobuf:"bytes,4,opt,name=version"`
	Group           string `json:"group,omitempty" protobuf:"bytes,5,opt,name=group"`
	Kind            string `json:"kind,omitempty" protobuf:"bytes,6,opt,name=kind"`
	AppNamespace    string `json:"appNamespace,omitempty" protobuf:"bytes,7,opt,name=appNamespace"`
	Project         string `json:"project,omitempty" protobuf:"bytes,8,opt,name=project"`
}

// ManagedResourcesResponse are the managed objects with their desired and live states.
type ManagedResourcesResponse struct {
	Items []*ResourceDiff `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
}

// ResourceDiff is one managed object; the states are JSON, "null" where there is none.
type ResourceDiff struct {
	Group               string `json:"group,omitempty" protobuf:"bytes,1,opt,name=group"`
	Kind                string `json:"kind,omitempty" protobuf:"bytes,2,opt,name=kind"`
	Namespace           string `json:"namespace,omitempty" protobuf:"bytes,3,opt,name=namespace"`
	Name                string `json:"name,omitempty" protobuf:"bytes,4,opt,name=name"`
	TargetState         string `json:"targetState,omitempty" protobuf:"bytes,5,opt,name=targetState"`
	LiveState           string `json:"liveState,omitempty" protobuf:"bytes,6,opt,name=liveState"`
	Diff                string `json:"diff,omitempty" protobuf:"bytes,7,opt,name=diff"`
	Hook                bool   `json:"hook,omitempty" protobuf:"varint,8,opt,name=hook"`
	NormalizedLiveState string `json:"normalizedLiveState,omitempty" protobuf:"bytes,9,opt,name=normalizedLiveState"`
	PredictedLiveState  string `json:"predictedLiveState,omitempty" protobuf:"bytes,10,opt,name=predictedLiveState"`
	ResourceVersion     string `json:"resourceVersion,omitempty" protobuf:"bytes,11,opt,name=resourceVersion"`
	Modified            bool   `json:"modified,omitempty" protobuf:"varint,12,opt,name=modified"`
}

// ApplicationTree is all that an application manages, and what those objects own.
type ApplicationTree struct {
	Nodes         []ResourceNode `json:"nodes,omitempty" protobuf:"bytes,1,rep,name=nodes"`
	OrphanedNodes []ResourceNode `json:"orphanedNodes,omitempty" protobuf:"bytes,2,rep,name=orphanedNodes"`
	// Hosts are the cluster's nodes on which pods of the application run.
	Hosts []HostInfo `json:"hosts,omitempty" protobuf:"bytes,3,rep,name=hosts"`
	// ShardsCount is of use in a cache of Argo CD's that we don't have: always 0.
	ShardsCount int64 `json:"shardsCount,omitempty" protobuf:"varint,4,opt,name=shardsCount"`
}

// ResourceNode is one live object of a tree.
type ResourceNode struct {
	ResourceRef     `json:",inline" protobuf:"bytes,1,opt,name=resourceRef"`
	ParentRefs      []ResourceRef          `json:"parentRefs,omitempty" protobuf:"bytes,2,rep,name=parentRefs"`
	Info            []InfoItem             `json:"info,omitempty" protobuf:"bytes,3,rep,name=info"`
	NetworkingInfo  *NetworkingInfo        `json:"networkingInfo,omitempty" protobuf:"bytes,4,opt,name=networkingInfo"`
	ResourceVersion string                 `json:"resourceVersion,omitempty" protobuf:"bytes,5,opt,name=resourceVersion"`
	Images          []string               `json:"images,omitempty" protobuf:"bytes,6,rep,name=images"`
	Health          *v1alpha1.HealthStatus `json:"health,omitempty" protobuf:"bytes,7,opt,name=health"`
	CreatedAt       *metav1.Time           `json:"createdAt,omitempty" protobuf:"bytes,8,opt,name=createdAt"`
}

// NetworkingInfo is how traffic reaches an object and where it goes from there.
type NetworkingInfo struct {
	TargetLabels map[string]string            `json:"targetLabels,omitempty" protobuf:"bytes,1,rep,name=targetLabels"`
	TargetRefs   []ResourceRef                `json:"targetRefs,omitempty" protobuf:"bytes,2,rep,name=targetRefs"`
	Labels       map[string]string            `json:"labels,omitempty" protobuf:"bytes,3,rep,name=labels"`
	Ingress      []corev1.LoadBalancerIngress `json:"ingress,omitempty" protobuf:"bytes,4,rep,name=ingress"`
	ExternalURLs []string                     `json:"externalURLs,omitempty" protobuf:"bytes,5,rep,name=externalURLs"`
}

// HostInfo is a node of a cluster, and who asks for its resources.
type HostInfo struct {
	Name          string                `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	ResourcesInfo []HostResourceInfo    `json:"resourcesInfo,omitempty" protobuf:"bytes,2,rep,name=resourcesInfo"`
	SystemInfo    corev1.NodeSystemInfo `json:"systemInfo,omitempty" protobuf:"bytes,3,opt,name=systemInfo"`
	Labels        map[string]string     `json:"labels,omitempty" protobuf:"bytes,4,rep,name=labels"`
}

// HostResourceInfo are thousandths of a resource of a node.
type HostResourceInfo struct {
	ResourceName         string `json:"resourceName,omitempty" protobuf:"bytes,1,opt,name=resourceName"`
	RequestedByApp       int64  `json:"requestedByApp,omitempty" protobuf:"varint,2,opt,name=requestedByApp"`
	RequestedByNeighbors int64  `json:"requestedByNeighbors,omitempty" protobuf:"varint,3,opt,name=requestedByNeighbors"`
	Capacity             int64  `json:"capacity,omitempty" protobuf:"varint,4,opt,name=capacity"`
}

// ResourceRef names a live object.
type ResourceRef struct {
	Group     string `json:"group,omitempty" protobuf:"bytes,1,opt,name=group"`
	Version   string `json:"version,omitempty" protobuf:"bytes,2,opt,name=version"`
	Kind      string `json:"kind,omitempty" protobuf:"bytes,3,opt,name=kind"`
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,4,opt,name=namespace"`
	Name      string `json:"name,omitempty" protobuf:"bytes,5,opt,name=name"`
	UID       string `json:"uid,omitempty" protobuf:"bytes,6,opt,name=uid"`
}

// InfoItem is a line for people on a node.
type InfoItem struct {
	Name  string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Value string `json:"value,omitempty" protobuf:"bytes,2,opt,name=value"`
}

// ApplicationResourceRequest names one object of an application.
type ApplicationResourceRequest struct {
	Name         string `json:"name" protobuf:"bytes,1,req,name=name"`
	Namespace    string `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	ResourceName string `json:"resourceName" protobuf:"bytes,3,req,name=resourceName"`
	Version      string `json:"version" protobuf:"bytes,4,req,name=version"`
	Group        string `json:"group,omitempty" protobuf:"bytes,5,opt,name=group"`
	Kind         string `json:"kind" protobuf:"bytes,6,req,name=kind"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,7,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,8,opt,name=project"`
}

// ApplicationResourceResponse is an object as JSON.
type ApplicationResourceResponse struct {
	Manifest string `json:"manifest" protobuf:"bytes,1,req,name=manifest"`
}

// ApplicationResourcePatchRequest changes one object of an application.
type ApplicationResourcePatchRequest struct {
	Name         string `json:"name" protobuf:"bytes,1,req,name=name"`
	Namespace    string `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	ResourceName string `json:"resourceName" protobuf:"bytes,3,req,name=resourceName"`
	Version      string `json:"version" protobuf:"bytes,4,req,name=version"`
	Group        string `json:"group,omitempty" protobuf:"bytes,5,opt,name=group"`
	Kind         string `json:"kind" protobuf:"bytes,6,req,name=kind"`
	Patch        string `json:"patch" protobuf:"bytes,7,req,name=patch"`
	// PatchType is Kubernetes' media type of the patch.
	PatchType    string `json:"patchType" protobuf:"bytes,8,req,name=patchType"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,9,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,10,opt,name=project"`
}

// ApplicationResourceDeleteRequest deletes one object of an application.
type ApplicationResourceDeleteRequest struct {
	Name         string `json:"name" protobuf:"bytes,1,req,name=name"`
	Namespace    string `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	ResourceName string `json:"resourceName" protobuf:"bytes,3,req,name=resourceName"`
	Version      string `json:"version" protobuf:"bytes,4,req,name=version"`
	Group        string `json:"group,omitempty" protobuf:"bytes,5,opt,name=group"`
	Kind         string `json:"kind" protobuf:"bytes,6,req,name=kind"`
	// Force gives pods no time to end; Orphan leaves what the object owns.
	Force        bool   `json:"force,omitempty" protobuf:"varint,7,opt,name=force"`
	Orphan       bool   `json:"orphan,omitempty" protobuf:"varint,8,opt,name=orphan"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,9,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,10,opt,name=project"`
}

// ResourceActionRunRequest runs an action on one object.
type ResourceActionRunRequest struct {
	Name         string `json:"name" protobuf:"bytes,1,req,name=name"`
	Namespace    string `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	ResourceName string `json:"resourceName" protobuf:"bytes,3,req,name=resourceName"`
	Version      string `json:"version" protobuf:"bytes,4,req,name=version"`
	Group        string `json:"group,omitempty" protobuf:"bytes,5,opt,name=group"`
	Kind         string `json:"kind" protobuf:"bytes,6,req,name=kind"`
	Action       string `json:"action" protobuf:"bytes,7,req,name=action"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,8,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,9,opt,name=project"`
}

// ResourceActionRunRequestV2 is ResourceActionRunRequest with parameters.
type ResourceActionRunRequestV2 struct {
	Name                     string                      `json:"name" protobuf:"bytes,1,req,name=name"`
	Namespace                string                      `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	ResourceName             string                      `json:"resourceName" protobuf:"bytes,3,req,name=resourceName"`
	Version                  string                      `json:"version" protobuf:"bytes,4,req,name=version"`
	Group                    string                      `json:"group,omitempty" protobuf:"bytes,5,opt,name=group"`
	Kind                     string                      `json:"kind" protobuf:"bytes,6,req,name=kind"`
	Action                   string                      `json:"action" protobuf:"bytes,7,req,name=action"`
	AppNamespace             string                      `json:"appNamespace,omitempty" protobuf:"bytes,8,opt,name=appNamespace"`
	Project                  string                      `json:"project,omitempty" protobuf:"bytes,9,opt,name=project"`
	ResourceActionParameters []*ResourceActionParameters `json:"resourceActionParameters,omitempty" protobuf:"bytes,10,rep,name=resourceActionParameters"`
}

// ResourceActionParameters is one parameter of an action.
type ResourceActionParameters struct {
	Name  string `json:"name" protobuf:"bytes,1,req,name=name"`
	Value string `json:"value" protobuf:"bytes,2,req,name=value"`
}

// ResourceActionsListResponse are the actions that an object has.
type ResourceActionsListResponse struct {
	Actions []*ResourceAction `json:"actions,omitempty" protobuf:"bytes,1,rep,name=actions"`
}

// ResourceAction is an action on an object.
type ResourceAction struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	// Disabled actions exist, but not in the object's present state.
	Disabled    bool   `json:"disabled,omitempty" protobuf:"varint,3,opt,name=disabled"`
	IconClass   string `json:"iconClass,omitempty" protobuf:"bytes,4,opt,name=iconClass"`
	DisplayName string `json:"displayName,omitempty" protobuf:"bytes,5,opt,name=displayName"`
	// Params are what a run of the action asks for.
	Params []ResourceActionParam `json:"params,omitempty" protobuf:"bytes,2,rep,name=params"`
}

// ResourceActionParam is what a run of an action asks for.
type ResourceActionParam struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
}

// ApplicationPodLogsQuery asks for the logs of one pod, or of all pods below an object.
type ApplicationPodLogsQuery struct {
	Name         string       `json:"name" protobuf:"bytes,1,req,name=name"`
	Namespace    string       `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	PodName      string       `json:"podName,omitempty" protobuf:"bytes,3,opt,name=podName"`
	Container    string       `json:"container,omitempty" protobuf:"bytes,4,opt,name=container"`
	SinceSeconds int64        `json:"sinceSeconds,omitempty" protobuf:"varint,5,opt,name=sinceSeconds"`
	SinceTime    *metav1.Time `json:"sinceTime,omitempty" protobuf:"bytes,6,opt,name=sinceTime"`
	// TailLines is the number of last lines to begin with; 0 means all.
	TailLines    int64  `json:"tailLines,omitempty" protobuf:"varint,7,opt,name=tailLines"`
	Follow       bool   `json:"follow,omitempty" protobuf:"varint,8,opt,name=follow"`
	UntilTime    string `json:"untilTime,omitempty" protobuf:"bytes,9,opt,name=untilTime"`
	Filter       string `json:"filter,omitempty" protobuf:"bytes,10,opt,name=filter"`
	Kind         string `json:"kind,omitempty" protobuf:"bytes,11,opt,name=kind"`
	Group        string `json:"group,omitempty" protobuf:"bytes,12,opt,name=group"`
	ResourceName string `json:"resourceName,omitempty" protobuf:"bytes,13,opt,name=resourceName"`
	Previous     bool   `json:"previous,omitempty" protobuf:"varint,14,opt,name=previous"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,15,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,16,opt,name=project"`
	MatchCase    bool   `json:"matchCase,omitempty" protobuf:"varint,17,opt,name=matchCase"`
}

// LogEntry is one line of a log. The last entry of a stream carries no line and Last.
type LogEntry struct {
	Content      string      `json:"content" protobuf:"bytes,1,req,name=content"`
	TimeStamp    metav1.Time `json:"timeStamp" protobuf:"bytes,2,req,name=timeStamp"`
	Last         bool        `json:"last" protobuf:"varint,3,req,name=last"`
	TimeStampStr string      `json:"timeStampStr" protobuf:"bytes,4,req,name=timeStampStr"`
	PodName      string      `json:"podName" protobuf:"bytes,5,req,name=podName"`
}

// ApplicationResourceEventsQuery asks for the Kubernetes events of an application, or of one of its objects.
type ApplicationResourceEventsQuery struct {
	Name              string `json:"name" protobuf:"bytes,1,req,name=name"`
	ResourceNamespace string `json:"resourceNamespace,omitempty" protobuf:"bytes,2,opt,name=resourceNamespace"`
	ResourceName      string `json:"resourceName,omitempty" protobuf:"bytes,3,opt,name=resourceName"`
	ResourceUID       string `json:"resourceUID,omitempty" protobuf:"bytes,4,opt,name=resourceUID"`
	AppNamespace      string `json:"appNamespace,omitempty" protobuf:"bytes,5,opt,name=appNamespace"`
	Project           string `json:"project,omitempty" protobuf:"bytes,6,opt,name=project"`
}
