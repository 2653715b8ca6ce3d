package customization

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
)

func parse(t *testing.T, data map[string]string) *Settings {
	t.Helper()
	s, warnings := Parse(data)
	for _, warning := range warnings {
		t.Error(warning)
	}
	return s
}

func TestTracking(t *testing.T) {
	for name, c := range map[string]struct {
		data map[string]string
		want object.Tracking
	}{
		"nothing said": {nil, object.Tracking{}},
		"the defaults, written out": {map[string]string{"application.resourceTrackingMethod": "annotation", "application.instanceLabelKey": "app.kubernetes.io/instance"},
			object.Tracking{}},
		"all": {map[string]string{"application.resourceTrackingMethod": "annotation+label", "application.instanceLabelKey": "example.com/app", "installationID": "east"},
			object.Tracking{Method: object.TrackByAnnotationAndLabel, Label: "example.com/app", InstallationID: "east"}},
	} {
		if d := cmp.Diff(c.want, parse(t, c.data).Tracking); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestCompareOptions(t *testing.T) {
	for text, want := range map[string]diff.Defaults{
		"":                                     {},
		"ignoreAggregatedRoles: true":          {},
		"ignoreAggregatedRoles: false":         {CountAggregatedRules: true},
		"ignoreResourceStatusField: all":       {},
		"ignoreResourceStatusField: crd":       {Status: diff.IgnoreStatusOfCRDs},
		"ignoreResourceStatusField: none":      {Status: diff.IgnoreNoStatus},
		"ignoreResourceStatusField: false":     {Status: diff.IgnoreNoStatus},
		"ignoreResourceStatusField: \"false\"": {Status: diff.IgnoreNoStatus},
	} {
		if d := cmp.Diff(want, parse(t, map[string]string{"resource.compareoptions": text}).Compare); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

func TestLists(t *testing.T) {
	s := parse(t, map[string]string{"resource.customLabels": "team, tier", "resource.sensitive.mask.annotations": "key,", "application.allowedNodeLabels": " zone,rack"})
	got := [][]string{s.CustomLabels, s.MaskedAnnotations, s.NodeLabels}
	if d := cmp.Diff([][]string{{"team", "tier"}, {"key"}, {"zone", "rack"}}, got); d != "" {
		t.Error(d)
	}
}

func TestSelectors(t *testing.T) {
	s := parse(t, map[string]string{"resource.selectors": `
- selector: team=shop
- apiGroups: [""]
  kinds: [Pod]
  clusters: ["https://far.*"]
  selector: "!debug, tier in (a, b)"
`})
	const near, far = "https://near.example.net", "https://far.example.net"
	pods, maps := schema.GroupKind{Kind: "Pod"}, schema.GroupKind{Kind: "ConfigMap"}
	for _, c := range []struct {
		kind         schema.GroupKind
		server, want string
	}{{maps, far, "team=shop"}, {pods, near, "team=shop"}, {pods, far, "team=shop,!debug, tier in (a, b)"}} {
		if got := s.Selector(c.kind, c.server); got != c.want {
			t.Errorf("%v at %s: %q, want %q", c.kind, c.server, got, c.want)
		}
	}
	if s.Excluded(pods, far) || Default().Selector(pods, far) != "" || s.ObjectsVersion() == Default().ObjectsVersion() {
		t.Error("a selector excludes a kind, or isn't told from none")
	}
}

func TestExclusions(t *testing.T) {
	excluding := parse(t, map[string]string{"resource.exclusions": `
- apiGroups: ["*.example.com"]
- apiGroups: [""]
  kinds: [Endpoints, "Secr*"]
  clusters: ["https://far.*"]
`})
	including := parse(t, map[string]string{"resource.inclusions": "- {apiGroups: [apps], kinds: [Deployment]}"})
	const near, far = "https://near.example.net", "https://far.example.net"
	for _, c := range []struct {
		settings *Settings
		kind     schema.GroupKind
		server   string
		excluded bool
	}{
		{Default(), schema.GroupKind{Kind: "ConfigMap"}, near, false},
		{Default(), schema.GroupKind{Kind: "Event"}, near, true},
		{Default(), schema.GroupKind{Group: "events.k8s.io", Kind: "Event"}, near, true},
		{Default(), schema.GroupKind{Group: "metrics.k8s.io", Kind: "PodMetrics"}, near, true},
		{excluding, schema.GroupKind{Group: "a.example.com", Kind: "Anything"}, near, true},
		{excluding, schema.GroupKind{Group: "example.com", Kind: "Anything"}, near, false},
		{excluding, schema.GroupKind{Kind: "Secret"}, far, true},
		{excluding, schema.GroupKind{Kind: "Secret"}, near, false},
		{excluding, schema.GroupKind{Kind: "ConfigMap"}, far, false},
		{including, schema.GroupKind{Group: "apps", Kind: "Deployment"}, near, false},
		{including, schema.GroupKind{Group: "apps", Kind: "DaemonSet"}, near, true},
	} {
		if got := c.settings.Excluded(c.kind, c.server); got != c.excluded {
			t.Errorf("%s in %s: excluded %v", c.kind, c.server, got)
		}
	}
}

func TestIgnoreDifferences(t *testing.T) {
	s := parse(t, map[string]string{
		"resource.customizations": `
admissionregistration.k8s.io/MutatingWebhookConfiguration:
  ignoreDifferences: |
    jsonPointers: [/webhooks/0/clientConfig/caBundle]
"*.crossplane.io/*":
  ignoreDifferences: |
    jqPathExpressions: [.spec.x]
apps/Deployment:
  ignoreDifferences: |
    jsonPointers: [/overridden/by/the/split/key]
`,
		"resource.customizations.ignoreDifferences.apps_Deployment": "jsonPointers: [/spec/replicas]\nmanagedFieldsManagers: [scaler]",
		"resource.customizations.ignoreDifferences.all":             "managedFieldsManagers: [kube-controller-manager]",
		"resource.customizations.ignoreDifferences.Service":         "jsonPointers: [/spec/clusterIP]",
	})
	rules, err := diff.Compile(s.IgnoreDifferences, s.Compare)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[schema.GroupVersionKind]string{
		{Group: "apps", Version: "v1", Kind: "Deployment"}:                                           "/spec/replicas\nmanager kube-controller-manager\nmanager scaler\n",
		{Version: "v1", Kind: "Service"}:                                                             "/spec/clusterIP\nmanager kube-controller-manager\n",
		{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "MutatingWebhookConfiguration"}: "/webhooks/0/clientConfig/caBundle\nmanager kube-controller-manager\n",
		{Group: "s3.crossplane.io", Version: "v1", Kind: "Bucket"}:                                   "jq .spec.x\nmanager kube-controller-manager\n",
	} {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(kind)
		if d := cmp.Diff(want, rules.For(u).String()); d != "" {
			t.Errorf("%s: %s", kind, d)
		}
	}
}

func TestUpdatesThatWakeNobody(t *testing.T) {
	state := func(change func(map[string]any)) *unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": map[string]any{"name": "d", "resourceVersion": "1"}, "spec": map[string]any{"replicas": int64(1)}}}
		change(u.Object)
		return u
	}
	before := state(func(map[string]any) {})
	status := state(func(o map[string]any) { o["status"] = map[string]any{"replicas": int64(2)} })
	spec := state(func(o map[string]any) { o["spec"] = map[string]any{"replicas": int64(2)} })
	rule := map[string]string{"resource.customizations.ignoreDifferences.apps_Deployment": "jqPathExpressions: [.spec.replicas]"}
	with := func(key, value string) map[string]string {
		return map[string]string{key: value, "resource.customizations.ignoreDifferences.apps_Deployment": rule["resource.customizations.ignoreDifferences.apps_Deployment"]}
	}
	for name, c := range map[string]struct {
		data  map[string]string
		after *unstructured.Unstructured
		same  bool
	}{
		"a status":               {nil, status, true},
		"a spec":                 {nil, spec, false},
		"what doesn't differ":    {rule, spec, true},
		"what differs":           {with("resource.compareoptions", "ignoreDifferencesOnResourceUpdates: false"), spec, false},
		"what an operator wants": {map[string]string{"resource.customizations.ignoreResourceUpdates.apps_Deployment": "jsonPointers: [/spec/replicas]"}, spec, true},
	} {
		same, err := parse(t, c.data).Updates.For(c.after).Same(before, c.after)
		if err != nil || same != c.same {
			t.Errorf("%s: same %v, %v", name, same, err)
		}
	}
	if s := parse(t, map[string]string{"resource.ignoreResourceUpdatesEnabled": "false"}); s.Updates != nil {
		t.Error("switched off, and yet changes are ignored")
	}
}

func TestHealthOfCustomKinds(t *testing.T) {
	s := parse(t, map[string]string{
		"resource.customizations": `
"*.example.com/*":
  health.lua: |
    return {status = "Progressing", message = "by glob"}
a.example.com/Thing:
  health.lua.useOpenLibs: true
  health.lua: |
    return {status = "Degraded", message = "overridden by the split key"}
`,
		"resource.customizations.health.a.example.com_Thing":          `return {status = "Healthy", message = obj.metadata.name}`,
		"resource.customizations.useOpenLibs.a.example.com_Thing":     "true",
		"resource.customizations.knownTypeFields.a.example.com_Thing": "- {field: spec.x, type: core/v1/PodSpec}",
	})
	for group, want := range map[string]string{"a.example.com": "Healthy name", "b.example.com": "Progressing by glob", "example.org": "none"} {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/v1", "kind": "Thing", "metadata": map[string]any{"name": "name"}}}
		got := "none"
		if status := s.Health.Of(u); status != nil {
			got = string(status.Code) + " " + status.Message
		}
		if got != want {
			t.Errorf("%s: %s, want %s", group, got, want)
		}
	}
}

func TestBadEntriesSpoilNothingElse(t *testing.T) {
	s, warnings := Parse(map[string]string{
		"application.resourceTrackingMethod":                "telepathy",
		"resource.compareoptions":                           "[",
		"resource.exclusions":                               `[{apiGroups: ["["]}, {kinds: [Good]}]`,
		"resource.inclusions":                               "{",
		"resource.selectors":                                "[{selector: 'a=~b'}]",
		"resource.respectRBAC":                              "sometimes",
		"resource.ignoreResourceUpdatesEnabled":             "perhaps",
		"resource.customizations":                           "{bad: [], good/Kind: {ignoreDifferences: 'jsonPointers: [/spec/good]'}}",
		"resource.customizations.health.Bad":                "return (",
		"resource.customizations.actions.Bad":               "definitions: [{action.lua: return}]",
		"resource.customizations.ignoreDifferences.Bad":     "jqPathExpressions: ['.[']",
		"resource.customizations.ignoreResourceUpdates.Bad": "{",
		"resource.customizations.useOpenLibs.Bad":           "yes please",
		"resource.customizations.nonsense.Bad":              "x",
	})
	var told strings.Builder
	for _, warning := range warnings {
		told.WriteString(warning.Error() + "\n")
	}
	for _, want := range []string{
		`resourceTrackingMethod: "telepathy"`, "key resource.compareoptions", "key resource.exclusions: the pattern", "key resource.inclusions",
		`key resource.selectors: the selector "a=~b"`,
		`respectRBAC: "sometimes"`, "ignoreResourceUpdatesEnabled", "key resource.customizations: bad", "health of Bad", "a definition has no name",
		"ignoreDifferences of Bad", "ignoreResourceUpdates of Bad", "useOpenLibs.Bad", `"nonsense"`,
	} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("nobody is told of %s:\n%s", want, told.String())
		}
	}
	if s.Tracking != (object.Tracking{}) || s.Updates == nil || s.Excluded(schema.GroupKind{Kind: "ConfigMap"}, "") || !s.Excluded(schema.GroupKind{Kind: "Good"}, "") {
		t.Error("what is right doesn't count")
	}
	if d := cmp.Diff([]v1alpha1.ResourceIgnoreDifferences{{Group: "good", Kind: "Kind", JSONPointers: []string{"/spec/good"}}}, s.IgnoreDifferences); d != "" {
		t.Error(d)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("resource.customizations", "apps/Deployment: {health.lua: return, actions: 'definitions: []'}")
	f.Add("resource.customizations.health.a_b", "return {status = 'Healthy'}")
	f.Add("resource.customizations.ignoreDifferences.all", "jsonPointers: [/a]\njqPathExpressions: [.a]")
	f.Add("resource.exclusions", "- apiGroups: ['*']\n  kinds: ['{a,b}']")
	f.Add("resource.compareoptions", "ignoreResourceStatusField: crd")
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "a/v1", "kind": "b", "status": map[string]any{}}}
	f.Fuzz(func(t *testing.T, key, value string) {
		s, _ := Parse(map[string]string{key: value})
		s.Excluded(schema.GroupKind{Group: "a", Kind: "b"}, "https://c")
		s.Health.Of(u)
		if _, err := diff.Compile(s.IgnoreDifferences, s.Compare); err != nil {
			t.Errorf("a rule that no application can use was let through: %v", err)
		}
	})
}
