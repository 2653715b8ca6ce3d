package object

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func parseOne(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	objects, err := Parse([]byte(manifest))
	if err != nil || len(objects) != 1 {
		t.Fatalf("parsing %q: %d objects, error %v", manifest, len(objects), err)
	}
	return objects[0]
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		in, err string
		want    []string
	}{
		"nothing":         {in: ""},
		"only comments":   {in: "# nothing\n---\n# here\n"},
		"two documents":   {in: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ns}\n---\n\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}\n", want: []string{"ConfigMap ns/a", "apps/Deployment b"}},
		"json":            {in: `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}}`, want: []string{"Namespace n"}},
		"list":            {in: "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: s}}\n- {apiVersion: v1, kind: ConfigMapList, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}]}\n", want: []string{"Secret s", "ConfigMap c"}},
		"empty list":      {in: "apiVersion: v1\nkind: List\nitems: []\n"},
		"no kind":         {in: "apiVersion: v1\nmetadata: {name: a}\n", err: "document 1"},
		"no version":      {in: "---\nkind: ConfigMap\nmetadata: {name: a}\n", err: `"a" has no apiVersion`},
		"no mapping":      {in: "- a\n- b\n", err: "it is no object"},
		"broken":          {in: "a: b: c\n", err: "document 1"},
		"second broken":   {in: "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n---\n{\n", err: "document 2"},
		"item of no kind": {in: "apiVersion: v1\nkind: List\nitems: [{metadata: {name: c}}]\n", err: "item 0"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := Parse([]byte(c.in))
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			var got []string
			for _, u := range objects {
				got = append(got, KeyOf(u).String())
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestImages(t *testing.T) {
	u := parseOne(t, `
apiVersion: batch/v1
kind: CronJob
metadata: {name: c}
spec: {jobTemplate: {spec: {template: {spec: {initContainers: [{image: "b:1"}], containers: [{image: "a:1"}, {image: "b:1"}, {name: none}]}}}}}
`)
	if d := cmp.Diff([]string{"a:1", "b:1"}, Images(u)); d != "" {
		t.Error(d)
	}
}

func TestTracking(t *testing.T) {
	byLabel := Tracking{Method: TrackByLabel}
	u := parseOne(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: ns}\n")
	Track(u, "shop", "dest", Tracking{})
	if got := u.GetAnnotations()[TrackingAnnotation]; got != "shop:/ConfigMap:ns/c" {
		t.Errorf("tracking id %q", got)
	}
	if got := Owner(u, Tracking{Method: TrackByAnnotation}); got != "shop" {
		t.Errorf("owner %q", got)
	}
	if got := Owner(u, byLabel); got != "" {
		t.Errorf("there is no label, and yet the owner is %q", got)
	}
	u.SetName("copied-by-a-controller")
	if got := Owner(u, Tracking{}); got != "" {
		t.Errorf("a copied annotation made %q the owner", got)
	}
	if Retrack(u); Owner(u, Tracking{}) != "shop" {
		t.Error("a renamed object is no longer tracked")
	}
	if got := InstanceName("a", "team", "argocd"); got != "team_a" {
		t.Errorf("instance name %q", got)
	}
	Track(u, "web", "dest", Tracking{Method: TrackByLabel, Label: "example.com/app"})
	if got := Owner(u, Tracking{Method: TrackByLabel, Label: "example.com/app"}); got != "web" {
		t.Errorf("owner by a configured label %q", got)
	}
}

func TestTrackingOfWhatHasNoNamespace(t *testing.T) {
	u := parseOne(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: view}\n")
	Track(u, "shop", "dest", Tracking{})
	if got := u.GetAnnotations()[TrackingAnnotation]; got != "shop:rbac.authorization.k8s.io/ClusterRole:dest/view" {
		t.Errorf("tracking id %q isn't Argo CD's", got)
	}
	for id, want := range map[string]string{
		"shop:rbac.authorization.k8s.io/ClusterRole:dest/view": "shop", "shop:rbac.authorization.k8s.io/ClusterRole:/view": "shop",
		"shop:rbac.authorization.k8s.io/ClusterRole:dest/edit": "", "shop:rbac.authorization.k8s.io/Role:dest/view": "",
	} {
		u.SetAnnotations(map[string]string{TrackingAnnotation: id})
		if got := Owner(u, Tracking{}); got != want {
			t.Errorf("%s: owner %q, want %q", id, got, want)
		}
	}
	u.SetAnnotations(map[string]string{TrackingAnnotation: "shop:rbac.authorization.k8s.io/ClusterRole:dest/view"})
	u.SetName("edit")
	if Retrack(u); u.GetAnnotations()[TrackingAnnotation] != "shop:rbac.authorization.k8s.io/ClusterRole:dest/edit" {
		t.Errorf("renamed: %v", u.GetAnnotations())
	}
}

func TestTrackingByLabelOfALongName(t *testing.T) {
	long := strings.Repeat("x", 62) + "-yz"
	u := parseOne(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: ns}\n")
	Track(u, long, "dest", Tracking{Method: TrackByAnnotationAndLabel})
	if got := u.GetLabels()[InstanceLabel]; got != strings.Repeat("x", 62) {
		t.Errorf("label %q", got)
	}
	if got := Owner(u, Tracking{Method: TrackByAnnotationAndLabel}); got != long {
		t.Errorf("the annotation decides, not the cut label: %q", got)
	}
	Track(u, long, "dest", Tracking{Method: TrackByLabel})
	if got := u.GetLabels()[InstanceLabel]; got != long {
		t.Errorf("the label alone must not be cut: %q", got)
	}
}

func TestTrackingOfSeveralInstallations(t *testing.T) {
	u := parseOne(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: ns}\n")
	Track(u, "shop", "dest", Tracking{InstallationID: "east"})
	for tracking, want := range map[Tracking]string{{InstallationID: "east"}: "shop", {InstallationID: "west"}: "", {}: "shop"} {
		if got := Owner(u, tracking); got != want {
			t.Errorf("%+v: owner %q, want %q", tracking, got, want)
		}
	}
}

func FuzzTrackingID(f *testing.F) {
	f.Add("shop:apps/Deployment:dev/web")
	f.Add("team_shop:rbac.authorization.k8s.io/ClusterRole:/system:view")
	f.Add("::/")
	f.Fuzz(func(t *testing.T, id string) {
		instance, key, ok := ParseTrackingID(id)
		if ok && TrackingID(instance, key) != id {
			t.Errorf("%q comes back as %q", id, TrackingID(instance, key))
		}
	})
}

func TestHooksAndWaves(t *testing.T) {
	for name, c := range map[string]struct {
		annotations map[string]string
		hooks       []Hook
		isHook      bool
		policies    []HookDeletePolicy
		wave        int
	}{
		"plain":        {policies: []HookDeletePolicy{BeforeHookCreation}},
		"wave":         {annotations: map[string]string{WaveAnnotation: "-3"}, policies: []HookDeletePolicy{BeforeHookCreation}, wave: -3},
		"no number":    {annotations: map[string]string{WaveAnnotation: "first"}, policies: []HookDeletePolicy{BeforeHookCreation}},
		"argo":         {annotations: map[string]string{HookAnnotation: "PreSync, PostSync,PreSync", HookDeleteAnnotation: "HookSucceeded"}, hooks: []Hook{HookPreSync, HookPostSync}, isHook: true, policies: []HookDeletePolicy{HookSucceeded}},
		"unknown argo": {annotations: map[string]string{HookAnnotation: "Sometime"}, policies: []HookDeletePolicy{BeforeHookCreation}},
		"helm crd":     {annotations: map[string]string{HelmHookAnnotation: "crd-install"}, policies: []HookDeletePolicy{BeforeHookCreation}},
		"helm":         {annotations: map[string]string{HelmHookAnnotation: "pre-install,pre-upgrade", HelmWeightAnnotation: "5", HelmDeleteAnnotation: "hook-succeeded,hook-failed"}, hooks: []Hook{HookPreSync}, isHook: true, policies: []HookDeletePolicy{HookSucceeded, HookFailed}, wave: 5},
		"helm test":    {annotations: map[string]string{HelmHookAnnotation: "test"}, isHook: true, policies: []HookDeletePolicy{BeforeHookCreation}},
	} {
		t.Run(name, func(t *testing.T) {
			u := &unstructured.Unstructured{Object: map[string]any{}}
			u.SetAnnotations(c.annotations)
			hooks, isHook := Hooks(u)
			if d := cmp.Diff(c.hooks, hooks); d != "" || isHook != c.isHook {
				t.Errorf("is hook %v; %s", isHook, d)
			}
			if d := cmp.Diff(c.policies, HookDeletePolicies(u)); d != "" {
				t.Error(d)
			}
			if got := Wave(u); got != c.wave {
				t.Errorf("wave %d, want %d", got, c.wave)
			}
		})
	}
}

func TestSyncOptions(t *testing.T) {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetAnnotations(map[string]string{SyncOptionsAnnotation: "Prune=false, Replace=true"})
	if !HasSyncOption(u, "Prune=false") || !HasSyncOption(u, "Replace=true") || HasSyncOption(u, "Force=true") {
		t.Error("options not understood")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a: b", "apiVersion: v1\nkind: List\nitems: [{kind: A, apiVersion: b}]", "---\n---\n{", "kind: [1]", "&a [*a]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, err := Parse(data)
		if err != nil {
			return
		}
		for _, u := range objects {
			if u.GetKind() == "" || u.GetAPIVersion() == "" {
				t.Errorf("an object without identity from %q", data)
			}
			Images(u)
			Hooks(u)
			Owner(u, Tracking{})
		}
	})
}
