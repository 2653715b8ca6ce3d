package object

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDistinct(t *testing.T) {
	for name, test := range map[string]struct{ container, want, says string }{
		"nothing repeated": {`{name: m, env: [{name: A, value: "1"}], ports: [{containerPort: 80}]}`,
			`{"env":[{"name":"A","value":"1"}],"name":"m","ports":[{"containerPort":80}]}`, ""},
		"the last variable counts, in its place": {`{name: m, env: [{name: A, value: "1"}, {name: B}, {name: A, valueFrom: {}}]}`,
			`{"env":[{"name":"B"},{"name":"A","valueFrom":{}}],"name":"m"}`, "env A of container m is repeated, the last counts"},
		"a variable used between stays": {`{name: m, env: [{name: A, value: "1"}, {name: B, value: "$(A)"}, {name: A, value: "2"}]}`,
			`{"env":[{"name":"A","value":"1"},{"name":"B","value":"$(A)"},{"name":"A","value":"2"}],"name":"m"}`, ""},
		"a variable made of itself stays": {`{name: m, env: [{name: A, value: "1"}, {name: A, value: "$(A)2"}]}`,
			`{"env":[{"name":"A","value":"1"},{"name":"A","value":"$(A)2"}],"name":"m"}`, ""},
		"a variable used afterwards is the last one": {`{name: m, env: [{name: A, value: "1"}, {name: A, value: "2"}, {name: B, value: "$(A)"}]}`,
			`{"env":[{"name":"A","value":"2"},{"name":"B","value":"$(A)"}],"name":"m"}`, "env A of container m is repeated, the last counts"},
		"ports become one": {`{name: m, ports: [{containerPort: 80, name: http}, {containerPort: 80, protocol: TCP}, {containerPort: 80, protocol: UDP}]}`,
			`{"name":"m","ports":[{"containerPort":80,"name":"http","protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]}`, "ports 80/TCP of container m is repeated, the last counts"},
		"of ports with two names one is left": {`{name: m, ports: [{containerPort: 80, name: http}, {containerPort: 80, name: metrics}, {containerPort: 81}]}`,
			`{"name":"m","ports":[{"containerPort":80,"name":"http"},{"containerPort":81}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			u := parseOne(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {containers: [`+test.container+`]}}}}`)
			before, _ := json.Marshal(u.Object)
			original, _ := json.Marshal(podSpec(u, podSpecPath(u))["containers"].([]any)[0])
			distinct, repetitions := Distinct(u)
			containers := podSpec(distinct, podSpecPath(distinct))["containers"].([]any)
			if got, _ := json.Marshal(containers[0]); string(got) != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if got := strings.Join(repetitions, "; "); got != test.says {
				t.Errorf("it says %q instead of %q", got, test.says)
			}
			if after, _ := json.Marshal(u.Object); string(after) != string(before) {
				t.Errorf("the manifest was changed to %s", after)
			}
			if distinct == u != (string(original) == test.want) {
				t.Error("a manifest is to be copied where something is left out, and only then")
			}
		})
	}
}

func FuzzDistinct(f *testing.F) {
	f.Add(`{"containers":[{"env":[{"name":"A"},{"name":"A"},null,3],"ports":[{"containerPort":1},{"containerPort":1}]}],"imagePullSecrets":[{"name":"a"},{"name":"a"}]}`)
	f.Add(`{"containers":[{"env":{},"ports":[1,1]},7],"initContainers":"x"}`)
	f.Add(`{"containers":[{"ports":[{"containerPort":1,"name":{}},{"containerPort":1,"name":"a"},{"containerPort":1,"name":"b"},1]}]}`)
	f.Fuzz(func(t *testing.T, spec string) {
		var content any
		if json.Unmarshal([]byte(spec), &content) != nil {
			return
		}
		u := parseOne(t, `{apiVersion: v1, kind: Pod, metadata: {name: web}}`)
		u.Object["spec"] = content
		distinct, _ := Distinct(u)
		if _, again := Distinct(distinct); len(again) > 0 {
			t.Errorf("what is left still repeats %v", again)
		}
		if NamesPortsTwice(distinct) {
			t.Error("what is left still names a port twice")
		}
		LackingPorts(u, WithPorts(distinct, u)) // whatever they say of invalid manifests, they mustn't panic
	})
}
