package object

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// TrackingAnnotation says which application an object belongs to, as TrackingID writes it.
	TrackingAnnotation = "argocd.argoproj.io/tracking-id"
	// InstanceLabel does so where tracking is by label.
	InstanceLabel = "app.kubernetes.io/instance"
)

// TrackingMethod is how objects carry the name of their application: argocd-cm's application.resourceTrackingMethod.
type TrackingMethod string

// The tracking methods.
const (
	TrackByAnnotation         TrackingMethod = "annotation"
	TrackByLabel              TrackingMethod = "label"
	TrackByAnnotationAndLabel TrackingMethod = "annotation+label"
)

// InstanceName is the name by which objects know an application: its own, with its namespace in front where that isn't
// the hub's.
func InstanceName(name, namespace, hubNamespace string) string {
	if namespace == "" || namespace == hubNamespace {
		return name
	}
	return namespace + "_" + name
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

// Track marks the object as the application's.
func Track(u *unstructured.Unstructured, instance string, method TrackingMethod) {
	if method != TrackByLabel {
		annotations := u.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[TrackingAnnotation] = TrackingID(instance, KeyOf(u))
		u.SetAnnotations(annotations)
	}
	if method == TrackByLabel || method == TrackByAnnotationAndLabel {
		labels := u.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		// A label value holds 63 characters; upstream cuts longer names so too.
		labels[InstanceLabel] = strings.TrimRight(instance[:min(len(instance), 63)], "-._")
		u.SetLabels(labels)
	}
}

// Owner is the application that the object says it belongs to, empty for none. An annotation that names another object
// doesn't count: controllers copy annotations to what they create.
func Owner(u *unstructured.Unstructured, method TrackingMethod) string {
	if method == TrackByLabel {
		return u.GetLabels()[InstanceLabel]
	}
	instance, tracked, ok := ParseTrackingID(u.GetAnnotations()[TrackingAnnotation])
	if !ok || tracked != KeyOf(u) {
		return ""
	}
	return instance
}
