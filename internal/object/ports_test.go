package object

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPortsOfSeveralNames(t *testing.T) {
	const twoNames = `{name: m, ports: [{containerPort: 80, name: http}, {containerPort: 81, name: b}, {containerPort: 80, name: metrics}]}`
	deployment := func(container string) string {
		return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {initContainers: [{name: m}], containers: [` + container + `]}}}}`
	}
	for name, test := range map[string]struct{ manifest, live, with, lacks string }{
		"as the API server answers to the first": {twoNames, `{name: m, ports: [{containerPort: 80, name: http, protocol: TCP}, {containerPort: 81, name: b, protocol: TCP}]}`,
			`[{"containerPort":80,"name":"http","protocol":"TCP"},{"containerPort":80,"name":"metrics","protocol":"TCP"},{"containerPort":81,"name":"b","protocol":"TCP"}]`,
			`.containers[name="m"].ports`},
		"as it was written": {twoNames, `{name: m, ports: [{containerPort: 80, name: http, protocol: TCP}, {containerPort: 80, name: metrics, protocol: TCP}, {containerPort: 81, name: b, protocol: TCP}]}`,
			`[{"containerPort":80,"name":"http","protocol":"TCP"},{"containerPort":80,"name":"metrics","protocol":"TCP"},{"containerPort":81,"name":"b","protocol":"TCP"}]`, ""},
		"with a port of somebody else's": {twoNames, `{name: m, ports: [{containerPort: 9, name: theirs}, {containerPort: 80, name: http}]}`,
			`[{"containerPort":9,"name":"theirs"},{"containerPort":80,"name":"http","protocol":"TCP"},{"containerPort":80,"name":"metrics","protocol":"TCP"}]`,
			`.containers[name="m"].ports`},
		"with a name of somebody else's": {twoNames, `{name: m, ports: [{containerPort: 80, name: http}, {containerPort: 80, name: metrics}, {containerPort: 80, name: theirs}]}`,
			`[{"containerPort":80,"name":"http","protocol":"TCP"},{"containerPort":80,"name":"metrics","protocol":"TCP"}]`, `.containers[name="m"].ports`},
		"another protocol is another port": {`{name: m, ports: [{containerPort: 80, name: http}, {containerPort: 80, name: quic, protocol: UDP}]}`,
			`{name: m, ports: [{containerPort: 80}]}`, `[{"containerPort":80}]`, ""},
		"the manifest has lost a name": {`{name: m, ports: [{containerPort: 80, name: http}]}`,
			`{name: m, ports: [{containerPort: 80, name: http, protocol: TCP}, {containerPort: 80, name: metrics, protocol: TCP}, {containerPort: 81, name: b}]}`,
			`[{"containerPort":80,"name":"http","protocol":"TCP"},{"containerPort":81,"name":"b"}]`, `.containers[name="m"].ports`},
		"what the manifest doesn't have is somebody else's": {`{name: m}`,
			`{name: m, ports: [{containerPort: 80, name: http}, {containerPort: 80, name: metrics}]}`,
			`[{"containerPort":80,"name":"http"},{"containerPort":80,"name":"metrics"}]`, ""},
		"one port, twice in the manifest": {`{name: m, ports: [{containerPort: 80, name: http}, {containerPort: 80}]}`,
			`{name: m, ports: [{containerPort: 80, name: http, protocol: TCP}]}`, `[{"containerPort":80,"name":"http","protocol":"TCP"}]`, ""},
		"and it has lost a name": {`{name: m, ports: [{containerPort: 80, name: http}, {containerPort: 80}]}`,
			`{name: m, ports: [{containerPort: 80, name: http, protocol: TCP}, {containerPort: 80, name: metrics, protocol: TCP}]}`,
			`[{"containerPort":80,"name":"http","protocol":"TCP"}]`, `.containers[name="m"].ports`},
		"the container is gone": {twoNames, `{name: other}`, `null`, `.containers[name="m"].ports`},
	} {
		t.Run(name, func(t *testing.T) {
			manifest, live := parseOne(t, deployment(test.manifest)), parseOne(t, deployment(test.live))
			if got := strings.Join(LackingPorts(manifest, live), " "); got != test.lacks {
				t.Errorf("lacking are %q, want %q", got, test.lacks)
			}
			with := WithPorts(live, manifest)
			container := podSpec(with, podSpecPath(with))["containers"].([]any)[0].(map[string]any)
			if got, _ := json.Marshal(container["ports"]); string(got) != test.with {
				t.Errorf("got  %s\nwant %s", got, test.with)
			}
		})
	}
}
