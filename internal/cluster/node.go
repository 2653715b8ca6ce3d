package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
	"unique"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	cbor "k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
)

// lastApplied is kubectl's annotation that repeats the whole object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// node is what the cache knows of one object. There may be hundreds of thousands: what repeats is shared, and objects are
// kept encoded, which takes a third of the memory of decoded ones.
type node struct {
	kind            *kindVersion
	namespace, name string
	uid             types.UID
	resourceVersion string
	owners          []types.UID
	created         int64 // Unix seconds
	// instance is the application that manages it; empty for none.
	instance string
	// body is the trimmed object, encoded; nil unless an application manages it.
	body string
	// partial says that body holds metadata only: no application has asked for the kind's objects.
	partial bool
	// summary is what the resource tree shows of kinds that are children.
	summary *summary
}

func (n *node) key() object.Key {
	return object.Key{Group: n.kind.Group, Kind: n.kind.Kind, Namespace: n.namespace, Name: n.name}
}

// object decodes what is known of an object that an application manages; nil for others.
func (n *node) object() *unstructured.Unstructured {
	if n.body == "" {
		return nil
	}
	u := &unstructured.Unstructured{}
	if err := cbor.Unmarshal([]byte(n.body), &u.Object); err != nil {
		panic(fmt.Sprintf("decoding %s, which this program encoded: %v", n.key(), err))
	}
	return u
}

// shared returns one copy of a string that many objects have.
func shared(s string) string {
	if s == "" {
		return ""
	}
	return unique.Make(s).Value()
}

// maker turns what a watch brings into nodes.
type maker struct {
	tracking object.Tracking
	health   healthOf
	// labels are those that the tree shows.
	labels []string
}

// whole makes a node of an object, which stays as it is.
func (m maker) whole(u *unstructured.Unstructured) *node {
	n := m.identity(u.GroupVersionKind(), u)
	n.instance = shared(object.Owner(u, m.tracking))
	if n.instance != "" {
		n.body = encode(u)
	}
	if summarized(n.kind.GroupKind) || n.instance != "" {
		n.summary = m.summarize(u)
	} else {
		n.summary = m.labelled(u)
	}
	return n
}

// partial makes a node of an object's metadata.
func (m maker) partial(gvk schema.GroupVersionKind, meta *metav1.PartialObjectMetadata) *node {
	n := m.identity(gvk, meta)
	n.summary = m.labelled(meta)
	if len(meta.Annotations)+len(meta.Labels) == 0 {
		return n
	}
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(gvk)
	u.SetNamespace(meta.Namespace)
	u.SetName(meta.Name)
	u.SetLabels(meta.Labels)
	u.SetAnnotations(meta.Annotations)
	if n.instance = shared(object.Owner(u, m.tracking)); n.instance == "" {
		return n
	}
	u.SetUID(meta.UID)
	u.SetResourceVersion(meta.ResourceVersion)
	u.SetCreationTimestamp(meta.CreationTimestamp)
	u.SetDeletionTimestamp(meta.DeletionTimestamp)
	u.SetFinalizers(meta.Finalizers)
	n.body, n.partial = encode(u), true
	return n
}

func (m maker) identity(gvk schema.GroupVersionKind, meta metav1.Object) *node {
	n := &node{
		kind: sharedKind(gvk), namespace: shared(meta.GetNamespace()), name: meta.GetName(),
		uid: meta.GetUID(), resourceVersion: meta.GetResourceVersion(), created: unixOf(meta.GetCreationTimestamp()),
	}
	if owners := meta.GetOwnerReferences(); len(owners) > 0 {
		n.owners = make([]types.UID, len(owners))
		for i, owner := range owners {
			n.owners[i] = types.UID(shared(string(owner.UID)))
		}
	}
	return n
}

func unixOf(t metav1.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func timeOf(unix int64) metav1.Time {
	if unix == 0 {
		return metav1.Time{}
	}
	return metav1.Time{Time: time.Unix(unix, 0)}
}

// kindVersion is a kind and the API version that it was seen in. There is one copy of each.
type kindVersion struct {
	schema.GroupKind
	version string
}

var kindVersions sync.Map

func sharedKind(gvk schema.GroupVersionKind) *kindVersion {
	known, ok := kindVersions.Load(gvk)
	if !ok {
		known, _ = kindVersions.LoadOrStore(gvk, &kindVersion{gvk.GroupKind(), gvk.Version})
	}
	return known.(*kindVersion)
}

// encode encodes an object without what nobody here reads. The object stays as it is.
func encode(u *unstructured.Unstructured) string {
	body, err := cbor.Marshal(trimmed(u).Object)
	if err != nil {
		panic(fmt.Sprintf("encoding %s, which came decoded: %v", object.KeyOf(u), err))
	}
	return string(body)
}

func trimmed(u *unstructured.Unstructured) *unstructured.Unstructured {
	t := &unstructured.Unstructured{Object: maps.Clone(u.Object)}
	metadata, ok := t.Object["metadata"].(map[string]any)
	if !ok {
		return t
	}
	metadata = maps.Clone(metadata)
	t.Object["metadata"] = metadata
	if annotations, ok := metadata["annotations"].(map[string]any); ok && annotations[lastApplied] != nil {
		annotations = maps.Clone(annotations)
		delete(annotations, lastApplied)
		metadata["annotations"] = annotations
	}
	fields := t.GetManagedFields()
	ours := slices.DeleteFunc(slices.Clone(fields), func(e metav1.ManagedFieldsEntry) bool { return !diff.Ours(e) })
	if len(ours) < len(fields) {
		t.SetManagedFields(ours)
	}
	if len(ours) == 0 {
		delete(metadata, "managedFields")
	}
	return t
}

// newer compares resource versions, which are numbers in order (Kubernetes guarantees it since 1.35).
func newer(a, b string) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

// older tells whether a version is a number below another. What isn't a number is never older.
func older(a, b string) bool {
	x, err1 := strconv.ParseUint(a, 10, 64)
	y, err2 := strconv.ParseUint(b, 10, 64)
	return err1 == nil && err2 == nil && x < y
}
