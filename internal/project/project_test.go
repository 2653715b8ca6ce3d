package project

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

func TestPermitsSource(t *testing.T) {
	for _, c := range []struct {
		patterns []string
		want     map[string]bool
	}{
		{nil, map[string]bool{"https://git/a/b": false}},
		{[]string{"*"}, map[string]bool{"https://git/a/b": true}},
		{[]string{"*", "!https://git/secret/*"}, map[string]bool{"https://git/a/b": true, "https://git/secret/b.git": false}},
		{[]string{"https://git/team/*"}, map[string]bool{"https://GIT/team/b.git": true, "https://git/team/b/c": false, "https://git/other/b": false}},
		{[]string{"https://git/**"}, map[string]bool{"https://git/team/b/c": true}},
	} {
		p := &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{SourceRepos: c.patterns}}
		for repository, want := range c.want {
			if got := PermitsSource(p, repository); got != want {
				t.Errorf("%v, %s: %v", c.patterns, repository, got)
			}
		}
	}
}

func TestPermitsDestination(t *testing.T) {
	dest := func(server, name, namespace string) v1alpha1.ApplicationDestination {
		return v1alpha1.ApplicationDestination{Server: server, Name: name, Namespace: namespace}
	}
	here := Destination{Server: "https://c1", Name: "one", Namespace: "dev"}
	for _, c := range []struct {
		name string
		list []v1alpha1.ApplicationDestination
		want bool
	}{
		{"nothing", nil, false},
		{"everything", []v1alpha1.ApplicationDestination{dest("*", "", "*")}, true},
		{"by name", []v1alpha1.ApplicationDestination{dest("", "o*", "dev")}, true},
		{"other namespace", []v1alpha1.ApplicationDestination{dest("*", "", "prod-*")}, false},
		{"namespace denied", []v1alpha1.ApplicationDestination{dest("*", "", "*"), dest("*", "", "!dev")}, false},
		{"cluster denied", []v1alpha1.ApplicationDestination{dest("*", "", "*"), dest("!https://c1", "", "*")}, false},
		{"another denied", []v1alpha1.ApplicationDestination{dest("*", "", "*"), dest("https://c2", "", "!dev")}, true},
	} {
		p := &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{Destinations: c.list}}
		if got := PermitsDestination(p, here); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestPermitsKind(t *testing.T) {
	deployment := object.Key{Group: "apps", Kind: "Deployment", Namespace: "dev", Name: "web"}
	namespace := object.Key{Kind: "Namespace", Name: "dev"}
	spec := v1alpha1.AppProjectSpec{}
	check := func(what string, wantDeployment, wantNamespace bool) {
		t.Helper()
		p := &v1alpha1.AppProject{Spec: spec}
		if d, n := PermitsKind(p, deployment, true), PermitsKind(p, namespace, false); d != wantDeployment || n != wantNamespace {
			t.Errorf("%s: deployment %v, namespace %v", what, d, n)
		}
	}
	check("by default", true, false)
	spec.ClusterResourceWhitelist = []v1alpha1.ClusterResourceRestrictionItem{{Group: "*", Kind: "*"}}
	spec.NamespaceResourceBlacklist = []metav1.GroupKind{{Group: "apps", Kind: "*"}}
	check("denied kind", false, true)
	spec.NamespaceResourceBlacklist = nil
	spec.NamespaceResourceWhitelist = []metav1.GroupKind{{Group: "", Kind: "ConfigMap"}}
	spec.ClusterResourceWhitelist = []v1alpha1.ClusterResourceRestrictionItem{{Kind: "Namespace", Name: "prod*"}}
	check("allowed others", false, false)
}
