package desired

import (
	"encoding/base64"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/object"
)

// Placement is where an application's objects go and how they are marked as its own.
type Placement struct {
	// Instance is the application's name on its objects (object.InstanceName).
	Instance string
	Tracking object.Tracking
	// Namespace is the destination's, for namespaced objects that name none.
	Namespace string
	// Excluded tells whether an operator lets applications have no objects of a kind; nil means that all are welcome.
	Excluded func(kind schema.GroupKind) bool
	// Namespaced tells whether a kind is; known is false for kinds that the cluster doesn't serve.
	Namespaced func(gvk schema.GroupVersionKind) (namespaced, known bool)
}

// Placed are manifests as they are to be applied.
type Placed struct {
	// Objects are ordinary manifests, Hooks those that run at moments of a sync.
	Objects, Hooks []*unstructured.Unstructured
	// Homeless are those of namespaced kinds that are to be in no namespace. The API server won't take them.
	Homeless []*unstructured.Unstructured
	// Repeated are the objects of which the manifests hold several; the last one wins.
	Repeated []object.Key
	// Excluded are manifests of kinds that applications don't have; they are in neither list.
	Excluded []*unstructured.Unstructured
	// Unknown are kinds that neither the cluster serves nor a manifest defines: they were taken for namespaced.
	Unknown []schema.GroupVersionKind
}

// Place puts rendered manifests into their namespaces and marks them as the application's. The manifests themselves stay
// as they are: renderings are shared.
func Place(objects []*unstructured.Unstructured, p Placement) Placed {
	var placed Placed
	defined := definedKinds(objects)
	index := map[object.Key]int{}
	for _, original := range objects {
		gvk := original.GroupVersionKind()
		if p.Excluded != nil && p.Excluded(gvk.GroupKind()) {
			placed.Excluded = append(placed.Excluded, original)
			continue
		}
		u := ownMetadata(original)
		clean(u)
		namespaced, known := p.Namespaced(gvk)
		if !known {
			if scope, ok := defined[gvk.GroupKind()]; ok {
				namespaced, known = scope, true
			} else {
				namespaced = true
				placed.Unknown = append(placed.Unknown, gvk)
			}
		}
		if !namespaced {
			u.SetNamespace("")
		} else if u.GetNamespace() == "" {
			u.SetNamespace(p.Namespace)
		}
		if namespaced && known && u.GetNamespace() == "" {
			placed.Homeless = append(placed.Homeless, u)
		}
		object.Track(u, p.Instance, p.Namespace, p.Tracking)
		if _, hook := object.Hooks(u); hook {
			placed.Hooks = append(placed.Hooks, u)
			continue
		}
		key := object.KeyOf(u)
		if i, repeated := index[key]; repeated {
			placed.Repeated = append(placed.Repeated, key)
			placed.Objects[i] = u
			continue
		}
		index[key] = len(placed.Objects)
		placed.Objects = append(placed.Objects, u)
	}
	return placed
}

// ownMetadata is an object whose metadata can be changed; everything below the other fields is the original's.
func ownMetadata(original *unstructured.Unstructured) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: maps.Clone(original.Object)}
	if metadata, ok := u.Object["metadata"].(map[string]any); ok {
		u.Object["metadata"] = runtime.DeepCopyJSON(metadata)
	}
	return u
}

// definedKinds are the kinds that the manifests themselves define, and whether they are namespaced.
func definedKinds(objects []*unstructured.Unstructured) map[schema.GroupKind]bool {
	defined := map[schema.GroupKind]bool{}
	for _, u := range objects {
		if u.GetKind() != "CustomResourceDefinition" {
			continue
		}
		group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
		scope, _, _ := unstructured.NestedString(u.Object, "spec", "scope")
		defined[schema.GroupKind{Group: group, Kind: kind}] = scope != "Cluster"
	}
	return defined
}

// clean takes out what only a server may write, which people leave in manifests that they have exported, and what it
// would store in another form.
func clean(u *unstructured.Unstructured) {
	for _, field := range []string{"creationTimestamp", "resourceVersion", "uid", "generation", "managedFields", "selfLink", "deletionTimestamp"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	if u.GroupVersionKind().GroupKind() == (schema.GroupKind{Kind: "Secret"}) {
		encodeStringData(u)
	}
	if status, ok := u.Object["status"].(map[string]any); ok && len(status) == 0 || u.Object["status"] == nil {
		delete(u.Object, "status")
	}
}

// encodeStringData writes a Secret's stringData as data, which is what the server keeps.
func encodeStringData(u *unstructured.Unstructured) {
	values, ok := u.Object["stringData"].(map[string]any)
	if !ok {
		return
	}
	data := map[string]any{}
	if given, ok := u.Object["data"].(map[string]any); ok {
		data = maps.Clone(given)
	}
	for key, value := range values {
		data[key] = base64.StdEncoding.EncodeToString(fmt.Append(nil, value))
	}
	u.Object["data"] = data
	delete(u.Object, "stringData")
}
