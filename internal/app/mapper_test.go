package app

import (
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// asked counts questions, and knows answers once served is set.
type asked struct {
	meta.RESTMapper
	count  int
	served bool
}

func (a *asked) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	a.count++
	if !a.served {
		return nil, errors.New("not served")
	}
	return &meta.RESTMapping{GroupVersionKind: kind.WithVersion(versions[0])}, nil
}

func TestMapperRemembersWhatIsServed(t *testing.T) {
	inner := &asked{}
	m := &rememberingMapper{RESTMapper: inner}
	kind := schema.GroupKind{Group: "argoproj.io", Kind: "Application"}
	for range 2 {
		if _, err := m.RESTMapping(kind, "v1alpha1"); err == nil {
			t.Fatal("a kind that isn't served was found")
		}
	}
	inner.served = true
	for _, version := range []string{"v1alpha1", "v1alpha1", "v1"} {
		mapping, err := m.RESTMapping(kind, version)
		if err != nil || mapping.GroupVersionKind.Version != version {
			t.Fatalf("%s: got %v, %v", version, mapping, err)
		}
	}
	if inner.count != 4 {
		t.Errorf("it was asked %d times, want 4: twice in vain, and once for each version", inner.count)
	}
}
