package object

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// TrackingAnnotation says which application an object belongs to, as TrackingID writes it.
	TrackingAnnotation = "argocd.argoproj.io/tracking-id"
	// InstanceLabel does so where tracking is by label, unless another label is configured.
	InstanceLabel = "app.kubernetes.io/instance"
	// InstallationAnnotation says which of several installations of Argo CD the tracking annotation is of.
	InstallationAnnotation = "argocd.argoproj.io/installation-id"
)

// TrackingMethod is argocd-cm's application.resourceTrackingMethod.
type TrackingMethod string

// The tracking methods.
const (
	TrackByAnnotation         TrackingMethod = "annotation"
	TrackByLabel              TrackingMethod = "label"
	TrackByAnnotationAndLabel TrackingMethod = "annotation+label"
)

// Tracking is how objects carry the name of their application. The zero value is by annotation, with the usual names. Two
// are the same if they are equal.
type Tracking struct {
	Method TrackingMethod
	// Label is application.instanceLabelKey; empty for InstanceLabel.
	Label string
	// InstallationID tells installations apart that deploy to the same cluster; empty for the only one.
	InstallationID string
}

func (t Tracking) label() string {
	if t.Label == "" {
		return InstanceLabel
	}
	return t.Label
}

// InstanceName is the name by which objects know an application: its own, with its namespace in front where that isn't
// the hub's.
func InstanceName(name, namespace, hubNamespace string) string {
	if namespace == "" || namespace == hubNamespace {
		return name
	}
	return namespace + "_" + name
}

// ApplicationOf is the application that objects know by a name: InstanceName the other way round. Names of namespaces have
// no underscores.
func ApplicationOf(instance, hubNamespace string) (namespace, name string) {
	if namespace, name, ok := strings.Cut(instance, "_"); ok {
		return namespace, name
	}
	return hubNamespace, instance
}

// TrackingID is the value of the tracking annotation: app:group/kind:namespace/name.
func TrackingID(instance string, k Key) string {
	return instance + ":" + k.Group + "/" + k.Kind + ":" + k.Namespace + "/" + k.Name
}

// ParseTrackingID takes a tracking id apart; false if it isn't one.
func ParseTrackingID(id string) (instance string, k Key, ok bool) {
	parts := strings.SplitN(id, ":", 3)
	if len(parts) != 3 || parts[0] == "" {
		return "", Key{}, false
	}
	group, kind, ok1 := strings.Cut(parts[1], "/")
	namespace, name, ok2 := strings.Cut(parts[2], "/")
	if !ok1 || !ok2 {
		return "", Key{}, false
	}
	return parts[0], Key{Group: group, Kind: kind, Namespace: namespace, Name: name}, true
}

// Track marks the object as the application's, whose destination's namespace is in the mark of objects that have none: Argo CD,
// which doesn't know yet what has one when it marks, writes it so.
func Track(u *unstructured.Unstructured, instance, namespace string, t Tracking) {
	if t.Method != TrackByLabel {
		annotations := u.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[TrackingAnnotation] = TrackingID(instance, keyIn(u, namespace))
		if t.InstallationID != "" {
			annotations[InstallationAnnotation] = t.InstallationID
		}
		u.SetAnnotations(annotations)
	}
	if t.Method != TrackByLabel && t.Method != TrackByAnnotationAndLabel {
		return
	}
	labels := u.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	if t.Method == TrackByAnnotationAndLabel {
		// A label value holds 63 characters. Here it is only for people, so that a longer name may be cut; where the label
		// alone tells the application, the API server's refusal is better than two applications of one name.
		instance = strings.TrimRight(instance[:min(len(instance), 63)], "-._")
	}
	labels[t.label()] = instance
	u.SetLabels(labels)
}

// Retrack brings the tracking annotation of an object that was renamed after Track up to date.
func Retrack(u *unstructured.Unstructured) {
	annotations := u.GetAnnotations()
	if instance, tracked, ok := ParseTrackingID(annotations[TrackingAnnotation]); ok {
		annotations[TrackingAnnotation] = TrackingID(instance, keyIn(u, tracked.Namespace))
		u.SetAnnotations(annotations)
	}
}

// keyIn is the object's key, in a namespace if it has none of its own.
func keyIn(u *unstructured.Unstructured, namespace string) Key {
	key := KeyOf(u)
	if key.Namespace == "" {
		key.Namespace = namespace
	}
	return key
}

// Owner is the application that the object says it belongs to, empty for none. An annotation that names another object
// doesn't count: controllers copy annotations to what they create. Nor does one of another installation.
func Owner(u *unstructured.Unstructured, t Tracking) string {
	if t.Method == TrackByLabel {
		return u.GetLabels()[t.label()]
	}
	annotations := u.GetAnnotations()
	instance, tracked, ok := ParseTrackingID(annotations[TrackingAnnotation])
	if !ok || tracked != keyIn(u, tracked.Namespace) || t.InstallationID != "" && annotations[InstallationAnnotation] != t.InstallationID {
		return ""
	}
	return instance
}
