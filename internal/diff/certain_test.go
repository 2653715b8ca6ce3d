package diff

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestCertain(t *testing.T) {
	configMap := func(data string) string {
		return fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {app: a}}, data: %s}", data)
	}
	labelled := func(label, replicas string) string {
		return fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, labels: {version: %s}}, spec: {replicas: %s}}", label, replicas)
	}
	for name, c := range map[string]struct{ before, manifest, live, want string }{
		"a value of a ConfigMap":            {configMap("{x: a}"), configMap("{x: b}"), configMap("{x: a, y: c}"), ".data.x"},
		"the first of several":              {configMap("{x: a, b: a}"), configMap("{x: b, b: b}"), configMap("{x: a, b: a}"), ".data.b"},
		"a label of any kind":               {labelled("one", "1"), labelled("two", "1"), labelled("one", "1"), ".metadata.labels.version"},
		"a number, which has many forms":    {labelled("one", "1"), labelled("one", "2"), labelled("one", "1"), ""},
		"nothing":                           {configMap("{x: a}"), configMap("{x: a}"), configMap("{x: a}"), ""},
		"an added value":                    {configMap("{x: a}"), configMap("{x: a, y: b}"), configMap("{x: a}"), ""},
		"a value that goes":                 {configMap("{x: a, y: b}"), configMap("{x: a}"), configMap("{x: a, y: b}"), ""},
		"a value that a webhook rewrites":   {configMap("{x: a}"), configMap("{x: b}"), configMap("{x: rewritten}"), ""},
		"a value that is already as wanted": {configMap("{x: a}"), configMap("{x: b}"), configMap("{x: b}"), ""},
		"a value that isn't a text":         {configMap("{x: 1}"), configMap("{x: 2}"), configMap("{x: 1}"), ""},
		"data that isn't a map":             {configMap("[a]"), configMap("[b]"), configMap("[a]"), ""},
		"no data any more":                  {configMap("{x: a}"), configMap("null"), configMap("{x: a}"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Certain(parse(t, c.before), parse(t, c.manifest), parse(t, c.live)); got != c.want {
				t.Errorf("differs in %q, want %q", got, c.want)
			}
		})
	}
	other := parse(t, labelled("two", "1"))
	other.SetAPIVersion("apps/v1beta1")
	if got := Certain(parse(t, labelled("one", "1")), other, parse(t, labelled("one", "1"))); got != "" {
		t.Errorf("in another version the manifest differs in %q, want unknown", got)
	}
}

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}
