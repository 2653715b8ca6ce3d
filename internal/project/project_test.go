package project

import (
	"strings"
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

func TestDenialsAlone(t *testing.T) {
	p := &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{
		SourceRepos: []string{"!https://git/secret/*"},
		Destinations: []v1alpha1.ApplicationDestination{
			{Server: "!https://c2", Namespace: "*"}, {Server: "*", Namespace: "!kube-system"},
		},
	}}
	for _, c := range []struct {
		what      string
		got, want bool
	}{
		{"another repository", PermitsSource(p, "https://git/a/b"), true},
		{"the denied repository", PermitsSource(p, "https://git/secret/b"), false},
		{"another cluster", PermitsDestination(p, Destination{Server: "https://c1", Namespace: "dev"}), true},
		{"the denied cluster", PermitsDestination(p, Destination{Server: "https://c2", Namespace: "dev"}), false},
		{"the denied namespace", PermitsDestination(p, Destination{Server: "https://c1", Namespace: "kube-system"}), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", c.what, c.got)
		}
	}
	p.Spec.SourceRepos = []string{"*", "!https://git/[secret"}
	if PermitsSource(p, "https://git/a/b") {
		t.Error("a denial that makes no sense must deny")
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		separator  byte
		want       bool
	}{
		{"a*c", "abbc", 0, true}, {"a*c", "ab/c", '/', false}, {"a**c", "ab/c", '/', true}, {"a?c", "abc", 0, true}, {"a?c", "a/c", '/', false},
		{"{dev,prod}-*", "prod-1", 0, true}, {"{dev,prod}-*", "test-1", 0, false}, {"[a-c]x", "bx", 0, true}, {"[!a-c]x", "bx", 0, false},
		{"[a", "[a", 0, false}, {"{a", "a", 0, false}, {`a\*`, "a*", 0, true}, {`a\*`, "ab", 0, false}, {"", "", 0, true}, {"*", "", 0, true},
		{"a.b", "axb", 0, false}, {"(a|b)", "a", 0, false}, {"*", "a\nb", 0, true},
	} {
		if got := Glob(c.pattern, c.s, c.separator); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.s, got)
		}
	}
}

func FuzzGlob(f *testing.F) {
	for _, seed := range []string{"*", "a{b,[c-d]}e", "[!]", `\`, "{{,}", "**/?"} {
		f.Add(seed, "abc/def")
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		Glob(pattern, s, '/')
		if !Glob("*", s, 0) {
			t.Errorf("* doesn't match %q", s)
		}
	})
}

func TestGlobalProjects(t *testing.T) {
	globals, err := ParseGlobals("- labelSelector: {matchExpressions: [{key: opt, operator: In, values: [prod]}]}\n  projectName: base\n- projectName: nobody\n")
	if err != nil || len(globals) != 2 {
		t.Fatalf("%v %v", globals, err)
	}
	prod := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"opt": "prod"}}}
	base := &v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "base", Labels: prod.Labels}, Spec: v1alpha1.AppProjectSpec{
		SourceRepos: []string{"*"}, SyncWindows: v1alpha1.SyncWindows{{Kind: "deny"}}, NamespaceResourceBlacklist: []metav1.GroupKind{{Kind: "Secret"}},
	}}
	if !globals[0].Concerns(prod) || globals[0].Concerns(base) || globals[1].Concerns(prod) || globals[0].Concerns(&v1alpha1.AppProject{}) {
		t.Error("another project inherits")
	}
	whole := Inherit(prod, base)
	if !PermitsSource(whole, "https://git/a") || len(whole.Spec.SyncWindows) != 1 || PermitsKind(whole, object.Key{Kind: "Secret", Namespace: "x"}, true) {
		t.Errorf("inherited %+v", whole.Spec)
	}
	if len(prod.Spec.SourceRepos) > 0 {
		t.Error("the project itself was changed")
	}
	for _, text := range []string{"{", "- labelSelector: {matchExpressions: [{key: a, operator: About}]}"} {
		if _, err := ParseGlobals(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestAccount(t *testing.T) {
	p := &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{DestinationServiceAccounts: []v1alpha1.ApplicationDestinationServiceAccount{
		{Server: "https://one", Namespace: "team-*", DefaultServiceAccount: "deployer"},
		{Server: "https://*", Namespace: "ops", DefaultServiceAccount: "kube-system:root"},
		{Server: "https://two", Namespace: "*", DefaultServiceAccount: "bad*"},
	}}}
	for _, c := range []struct{ server, namespace, want, err string }{
		{"https://one", "team-a", "system:serviceaccount:team-a:deployer", ""},
		{"https://one", "ops", "system:serviceaccount:kube-system:root", ""},
		{"https://two", "x", "", "invalid chars"},
		{"https://one", "x", "", "no matching service account found for destination server https://one and namespace x"},
	} {
		got, err := Account(p, Destination{Server: c.server, Namespace: c.namespace}, "argocd")
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s %s: %q %v", c.server, c.namespace, got, err)
		}
	}
}
