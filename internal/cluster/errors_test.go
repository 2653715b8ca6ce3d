package cluster

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestUnknownKindOfAnObject(t *testing.T) {
	asked := schema.GroupVersionKind{Group: "example.com", Version: "v2", Kind: "Gadget"}
	for served, want := range map[schema.GroupVersionKind]string{
		{}: `Gadget.example.com "" not found. Make sure the "Gadget" CRD is installed on the destination cluster.`,
		{Group: "example.com", Version: "v1", Kind: "Gadget"}: `The Kubernetes API could not find version "v2" of example.com/Gadget for requested resource shop/g. ` +
			`Version "v1" of example.com/Gadget is installed on the destination cluster.`,
	} {
		if got := (&UnknownKindError{Kind: asked, Served: served}).ForObject("shop", "g"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
