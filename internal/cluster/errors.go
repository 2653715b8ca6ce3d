package cluster

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// ErrNotReady means that the cluster's state isn't known yet; a Change of the whole cluster tells when it is.
	ErrNotReady = errors.New("its state is still being read")
	// ErrUnreachable means that the cluster can't be reached at present; attempts go on.
	ErrUnreachable = errors.New("the cluster can't be reached")
	// ErrClosed means that the cluster is no longer configured, or the program ends.
	// It is also ErrNotReady: where the cluster's settings changed, a new connection takes over and tells when it is ready.
	ErrClosed = fmt.Errorf("the connection to the cluster is closed: %w", ErrNotReady)
)

// UnknownKindError says that the cluster doesn't serve a kind.
type UnknownKindError struct {
	Cluster string
	Kind    schema.GroupVersionKind
	// Served is what it serves under that name: another version, else another group's kind; empty if there is none.
	Served schema.GroupVersionKind
}

// ForObject says it of an object of that kind, as Argo CD does in the results of a sync.
func (e *UnknownKindError) ForObject(namespace, name string) string {
	group, kind := e.Kind.Group, e.Kind.Kind
	if e.Served.Empty() {
		return fmt.Sprintf("%s \"\" not found. Make sure the %q CRD is installed on the destination cluster.", e.Kind.GroupKind(), kind)
	}
	return fmt.Sprintf("The Kubernetes API could not find version %q of %s/%s for requested resource %s/%s. Version %q of %s/%s is installed on the destination cluster.",
		e.Kind.Version, group, kind, namespace, name, e.Served.Version, e.Served.Group, e.Served.Kind)
}

func (e *UnknownKindError) Error() string {
	return fmt.Sprintf("cluster %q has no kind %s: install its CustomResourceDefinition, or correct apiVersion and kind", e.Cluster, kindName(e.Kind))
}

func kindName(k schema.GroupVersionKind) string {
	if k.Version == "" {
		return k.GroupKind().String()
	}
	return k.GroupVersion().String() + " " + k.Kind
}

// unreachable is an outage: since when, and why.
type unreachable struct {
	cluster string
	since   time.Time
	cause   error
}

func (e *unreachable) Error() string {
	return fmt.Sprintf("reaching cluster %q, since %s: %v: check that its API server runs and that its credentials are valid",
		e.cluster, e.since.UTC().Format(time.RFC3339), e.cause)
}

func (e *unreachable) Is(target error) bool { return target == ErrUnreachable }
func (e *unreachable) Unwrap() error        { return e.cause }
