package project

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

func orphansOf(ignore ...v1alpha1.OrphanedResourceKey) Orphans {
	return Orphans{
		Project: &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{
			Destinations:               []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "dev"}},
			NamespaceResourceBlacklist: []metav1.GroupKind{{Group: "", Kind: "Secret"}},
			OrphanedResources:          &v1alpha1.OrphanedResourcesMonitorSettings{Ignore: ignore},
		}},
		Destination: Destination{Server: "https://c", Namespace: "dev"},
		Excluded:    func(kind schema.GroupKind) bool { return kind.Group == "velero.io" },
	}
}

func TestIgnoredOrphans(t *testing.T) {
	o := orphansOf(
		v1alpha1.OrphanedResourceKey{Kind: "ConfigMap", Name: "left-*"},
		v1alpha1.OrphanedResourceKey{Group: "*.example.com", Kind: "Wid*"},
		v1alpha1.OrphanedResourceKey{Group: "batch"},
	)
	for name, test := range map[string]struct {
		key  object.Key
		want bool
	}{
		"by name":                       {object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "left-over"}, true},
		"another name":                  {object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "right"}, false},
		"kind and group by pattern":     {object.Key{Group: "a.example.com", Kind: "Widget", Namespace: "dev", Name: "w"}, true},
		"another kind of the group":     {object.Key{Group: "a.example.com", Kind: "Gadget", Namespace: "dev", Name: "w"}, false},
		"a group whole":                 {object.Key{Group: "batch", Kind: "Job", Namespace: "dev", Name: "j"}, true},
		"no group means the core group": {object.Key{Group: "x", Kind: "ConfigMap", Namespace: "dev", Name: "left-over"}, false},
		"the default account":           {object.Key{Kind: "ServiceAccount", Namespace: "dev", Name: "default"}, true},
		"another account":               {object.Key{Kind: "ServiceAccount", Namespace: "dev", Name: "ci"}, false},
		"the cluster's certificate":     {object.Key{Kind: "ConfigMap", Namespace: "dev", Name: "kube-root-ca.crt"}, true},
		"the API server's Service":      {object.Key{Kind: "Service", Namespace: "default", Name: "kubernetes"}, true},
		"its Endpoints":                 {object.Key{Kind: "Endpoints", Namespace: "default", Name: "kubernetes"}, true},
		"its namesake elsewhere":        {object.Key{Kind: "Service", Namespace: "dev", Name: "kubernetes"}, false},
	} {
		if got := o.Ignores(test.key); got != test.want {
			t.Errorf("%s: ignored is %v", name, got)
		}
	}
}

func TestKindsOfOrphans(t *testing.T) {
	o := orphansOf(v1alpha1.OrphanedResourceKey{Group: "batch"}, v1alpha1.OrphanedResourceKey{Kind: "ConfigMap", Name: "left-*"})
	for kind, want := range map[schema.GroupKind]bool{
		{Kind: "ConfigMap"}:                  true, // only some of them are ignored
		{Group: "batch", Kind: "Job"}:        false,
		{Kind: "Secret"}:                     false, // not permitted
		{Group: "velero.io", Kind: "Backup"}: false,
		{Group: "apps", Kind: "Deployment"}:  true,
	} {
		if got := o.MayBe(kind); got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
	if o.Permits(object.Key{Kind: "Secret", Namespace: "dev", Name: "s"}) || o.Permits(object.Key{Kind: "Pod", Namespace: "prod", Name: "p"}) ||
		!o.Permits(object.Key{Kind: "Pod", Namespace: "dev", Name: "p"}) {
		t.Error("what the project forbids is no orphan of its applications, anything else is")
	}
}

func TestMonitorsOrphans(t *testing.T) {
	off := false
	for name, test := range map[string]struct {
		settings        *v1alpha1.OrphanedResourcesMonitorSettings
		monitors, warns bool
	}{
		"nothing said": {nil, false, false},
		"empty":        {&v1alpha1.OrphanedResourcesMonitorSettings{}, true, true},
		"silent":       {&v1alpha1.OrphanedResourcesMonitorSettings{Warn: &off}, true, false},
	} {
		p := &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{OrphanedResources: test.settings}}
		if monitors, warns := MonitorsOrphans(p); monitors != test.monitors || warns != test.warns {
			t.Errorf("%s: %v %v", name, monitors, warns)
		}
	}
}
