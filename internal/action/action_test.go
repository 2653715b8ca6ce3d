package action

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/lua"
)

var now = time.Date(2026, 11, 23, 4, 5, 6, 0, time.UTC)

func parse(t testing.TB, document string) *unstructured.Unstructured {
	t.Helper()
	text, err := yaml.YAMLToJSON([]byte(document))
	u := &unstructured.Unstructured{}
	if err == nil {
		err = u.UnmarshalJSON(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestBuiltinActions shows what an action patches, in the status and in the rest. Upstream's own cases run against all
// kinds in conformance/actions.
func TestBuiltinActions(t *testing.T) {
	const canary = `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: web, generation: 2}, spec: {strategy: {canary: {steps: [{}, {}]}}}, status: `
	for _, test := range []struct{ object, action, param, status, rest string }{
		{`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {paused: true}}`, "resume", "", "", `{"spec":{"paused":null}}`},
		{`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {paused: true}}`, "pause", "", "", ""},
		{`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {}}`, "scale", "replicas=3", "", `{"spec":{"replicas":3}}`},
		{`{apiVersion: batch/v1, kind: CronJob, metadata: {name: web}, spec: {suspend: false}}`, "resume", "", "", ""},
		{canary + `{observedGeneration: "2", currentStepIndex: 0, pauseConditions: [{}]}}`, "skip-current-step", "", `{"status":{"currentStepIndex":1,"pauseConditions":null}}`, ""},
		{canary + `{observedGeneration: "2", currentStepIndex: 2, pauseConditions: [{}]}}`, "skip-current-step", "", "", ""},
		{canary + `{observedGeneration: "2"}}`, "promote-full", "", `{"status":{"promoteFull":true}}`, ""},
		{canary + `{abort: true}}`, "promote-full", "", `{"status":{"abort":null,"currentStepIndex":2}}`, ""},
		{`{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: web}}`, "paused-replicas", "replicas=2", "", `{"metadata":{"annotations":{"autoscaling.keda.sh/paused-replicas":"2"}}}`},
		{`{apiVersion: psmdb.percona.com/v1, kind: PerconaServerMongoDB, metadata: {name: db}}`, "pause", "", "", `{"spec":{"pause":true}}`},
	} {
		live := parse(t, test.object)
		name, value, _ := strings.Cut(test.param, "=")
		changes, err := (*Catalog)(nil).Run(live, test.action, map[string]string{name: value}, now)
		if err != nil {
			t.Errorf("%s: %v", test.action, err)
			continue
		}
		status, rest, _, err := MergePatches(live, changes[0].Object)
		if err != nil || string(status) != test.status || string(rest) != test.rest {
			t.Errorf("%s of %s: status %s, rest %s, %v; want %s and %s", test.action, test.object, status, rest, err, test.status, test.rest)
		}
	}
}

// TestBareObjects runs every built-in action on objects that lack everything, or have something else in its place.
func TestBareObjects(t *testing.T) {
	for _, table := range tables {
		for key := range table {
			group, kind, _ := strings.Cut(key, "/")
			for _, rest := range []string{`{}`, `{"spec": {}, "status": {}}`, `{"spec": [], "status": "x", "metadata": {"name": "x", "annotations": 1}}`,
				`{"spec": {"strategy": [], "jobTemplate": 3, "paused": "yes"}, "status": {"conditions": {}, "instancesStatus": {"healthy": [1]}}}`} {
				u := &unstructured.Unstructured{}
				if err := json.Unmarshal([]byte(rest), &u.Object); err != nil {
					t.Fatal(err)
				}
				u.SetAPIVersion(group + "/v1")
				u.SetKind(kind)
				before := u.DeepCopy()
				if _, err := (*Catalog)(nil).Discover(u); err != nil {
					t.Errorf("%s: %v", key, err)
				}
				for _, b := range table[key] {
					_, _ = (*Catalog)(nil).Run(u, b.name, nil, now) // an error is fine, a panic isn't
				}
				if a, b := mustJSON(t, before), mustJSON(t, u); a != b {
					t.Errorf("%s changed the object it was given: %s to %s", key, a, b)
				}
			}
		}
	}
}

func mustJSON(t testing.TB, u *unstructured.Unstructured) string {
	text, err := json.Marshal(u.Object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestScriptLeavesWhatItDoesNotTouch has a script change one field of an object with what Lua can't tell apart.
func TestScriptLeavesWhatItDoesNotTouch(t *testing.T) {
	live := parse(t, `{apiVersion: v1, kind: Thing, metadata: {name: a}, spec: {none: [], empty: {}, large: 9007199254740993, nested: [{e: {}}], half: 0.5}}`)
	custom, err := ParseCustom("Thing", "definitions: [{name: touch, action.lua: 'obj.spec.args = {}; obj.spec.on = true; return obj'}]")
	if err != nil {
		t.Fatal(err)
	}
	changes, err := NewCatalog(map[string]*Custom{"Thing": custom}).Run(live, "touch", nil, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, _, err := MergePatches(live, changes[0].Object); err != nil || string(rest) != `{"spec":{"args":[],"on":true}}` {
		t.Errorf("got %s, %v", rest, err)
	}
}

func TestScriptsAreRefused(t *testing.T) {
	live := parse(t, `{apiVersion: v1, kind: Thing, metadata: {name: a, namespace: ns, uid: u}}`)
	for script, want := range map[string]string{
		`obj.metadata.namespace = "kube-system"; return obj`:                          "an action can only patch the object that it runs on",
		`obj.metadata.uid = "other"; return obj`:                                      "an action can only patch the object that it runs on",
		`obj.kind = "Secret"; return {{operation = "patch", resource = obj}}`:         "an action can only patch the object that it runs on",
		`return {{operation = "delete", resource = obj}}`:                             `unsupported operation: "delete"`,
		`return {{resource = obj}}`:                                                   `unsupported operation: ""`,
		`return {{operation = "create"}}`:                                             "entry 1 has no resource",
		`return {{operation = "create", resource = {kind = "X"}}}`:                    "no apiVersion, kind or name",
		`return {kind = "Thing"}`:                                                     "no apiVersion, kind or name",
		`local r = {}; for i = 1, 101 do r[i] = {operation = "create"} end; return r`: "101 objects are more than the 100 allowed",
		`return "text"`:              "expect table output from Lua script",
		`error("invalid number", 0)`: "invalid number",
	} {
		custom, err := ParseCustom("Thing", mustYAML(t, script))
		if err != nil {
			t.Fatal(err)
		}
		changes, err := NewCatalog(map[string]*Custom{"Thing": custom}).Run(live, "do", nil, now)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v; want %s", script, changes, err, want)
		}
	}
}

func mustYAML(t testing.TB, script string) string {
	text, err := yaml.Marshal(map[string]any{
		"discovery.lua": script, "definitions": []any{map[string]any{"name": "do", "action.lua": script}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// FuzzScripts lets scripts do what they will: what comes of it is the object itself changed, or new ones that are named.
func FuzzScripts(f *testing.F) {
	for _, script := range []string{
		`return obj`, `obj.metadata = nil; return obj`, `obj.spec = {{}}; return {{operation = "patch", resource = obj}}`,
		`return {{operation = "create", resource = {apiVersion = "v1", kind = "Pod", metadata = {name = "x", namespace = "y"}}}}`,
		`obj.metadata.name = 7; return obj`, `return {a = {params = {{name = "b"}}}, c = {}}`, `return {{}, {}}`,
	} {
		f.Add(script)
	}
	live := parse(f, `{apiVersion: v1, kind: Thing, metadata: {name: a, namespace: ns, uid: u}, spec: {list: [1], empty: {}}, status: {x: 1}}`)
	before := mustJSON(f, live)
	f.Fuzz(func(t *testing.T, script string) {
		program, err := lua.Compile("fuzz.lua", script)
		if err != nil {
			return
		}
		catalog := NewCatalog(map[string]*Custom{"Thing": {discovery: program, actions: map[string]*lua.Program{"do": program}}})
		if actions, err := catalog.Discover(live); err == nil {
			for _, a := range actions {
				if a == nil {
					t.Error("an action is nil")
				}
			}
		}
		changes, err := catalog.Run(live, "do", nil, now)
		if mustJSON(t, live) != before {
			t.Error("the script changed the live object")
		}
		if err != nil {
			return
		}
		for _, change := range changes {
			o := change.Object
			if o.GetKind() == "" || o.GetName() == "" {
				t.Errorf("%s has no kind or name", mustJSON(t, o))
			}
			if change.Operation != Patch {
				continue
			}
			if o.GetAPIVersion() != "v1" || o.GetKind() != "Thing" || o.GetName() != "a" || o.GetNamespace() != "ns" || o.GetUID() != "u" {
				t.Errorf("the script patches another object: %s", mustJSON(t, o))
			}
			_, _, all, err := MergePatches(live, o)
			if err != nil || all == nil {
				continue
			}
			merged, err := jsonpatch.MergePatch([]byte(before), all)
			if err != nil || !jsonpatch.Equal(merged, []byte(mustJSON(t, o))) && !strings.Contains(mustJSON(t, o), "null") {
				t.Errorf("the patch %s makes %s, not %s (%v)", all, merged, mustJSON(t, o), err)
			}
		}
	})
}
