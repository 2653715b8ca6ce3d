package diff

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

func TestKnownFieldsAreWrittenAsKubernetesWould(t *testing.T) {
	for name, c := range map[string]struct{ field, typ, kind, content, want string }{
		"a map of quantities": {"spec", "core/v1/ResourceList", "Thing", `spec: {cpu: 2000m, memory: 1024Mi}`, `spec: {cpu: "2", memory: 1Gi}`},
		"a quantity":          {"spec.cpu", "core/Quantity", "Thing", `spec: {cpu: 1000m, other: 1000m}`, `spec: {cpu: "1", other: 1000m}`},
		"a duration":          {"spec.every", "meta/v1/Duration", "Thing", `spec: {every: 60m}`, `spec: {every: 1h0m0s}`},
		"lists on the way": {"spec.pods.spec.containers", "core/v1/Container", "Thing",
			`spec: {pods: [{spec: {containers: [{name: a, resources: {limits: {cpu: 500m, memory: 2048Ki}}}]}}]}`,
			`spec: {pods: [{spec: {containers: [{name: a, resources: {limits: {cpu: 500m, memory: 2Mi}}}]}}]}`},
		"what the type doesn't know, or has by default": {"spec", "core/v1/Container", "Thing",
			`spec: {name: a, resources: {limits: {cpu: 1000m}}, tomorrow: {cpu: 1000m}, stdin: false, ports: [{containerPort: 80}]}`,
			`spec: {name: a, resources: {limits: {cpu: "1"}}, tomorrow: {cpu: 1000m}, stdin: false, ports: [{containerPort: 80}]}`},
		"what isn't of the type": {"spec", "core/v1/ResourceList", "Thing", `spec: {cpu: much, memory: 1024Mi}`, `spec: {cpu: much, memory: 1024Mi}`},
		"another kind":           {"spec", "core/v1/ResourceList", "Other", `spec: {cpu: 2000m}`, `spec: {cpu: 2000m}`},
		"a rollout, untold": {"spec", "core/v1/ResourceList", "Rollout",
			`spec: {cpu: 2000m, template: {spec: {containers: [{name: a, resources: {limits: {cpu: 1000m}}}]}}}`,
			`spec: {cpu: 2000m, template: {spec: {containers: [{name: a, resources: {limits: {cpu: "1"}}}]}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			known, err := NewKnown(c.field, c.typ)
			if err != nil {
				t.Fatal(err)
			}
			rules, err := Compile(nil, Defaults{Known: map[schema.GroupKind][]Known{{Group: "argoproj.io", Kind: "Thing"}: {known}}})
			if err != nil {
				t.Fatal(err)
			}
			read := func(content string) map[string]any {
				u := map[string]any{}
				if err := yaml.Unmarshal([]byte("apiVersion: argoproj.io/v1\nkind: "+c.kind+"\n"+content), &u); err != nil {
					t.Fatal(err)
				}
				return u
			}
			u := &unstructured.Unstructured{Object: read(c.content)}
			view, err := rules.For(u).On(nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := view.Strip(u)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(read(c.want), got.Object); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(read(c.content), u.Object); diff != "" {
				t.Errorf("the object itself was changed: %s", diff)
			}
		})
	}
}

func TestKnownTypesAreThoseOfTheCoreGroup(t *testing.T) {
	if _, err := NewKnown("spec", "core/v1/Nonsense"); err == nil {
		t.Error("a type that doesn't exist is known")
	}
	for _, name := range []string{"core/v1/PodSpec", "core/v1/PodTemplateSpec", "core/v1/ResourceRequirements", "core/v1/Volume", "core/v1/Toleration", "core/v1/Affinity"} {
		if _, known := knownTypes()[name]; !known {
			t.Errorf("%s isn't known", name)
		}
	}
}
