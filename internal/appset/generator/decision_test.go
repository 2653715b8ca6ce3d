package generator

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/settings"
)

func duck(name string, labels map[string]string, status any) runtime.Object {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "mallard.io/v1beta1", "kind": "Duck"}}
	u.SetNamespace("argocd")
	u.SetName(name)
	u.SetLabels(labels)
	if status != nil {
		u.Object["status"] = status
	}
	return u
}

func TestClusterDecisions(t *testing.T) {
	decided := map[string]any{"decisions": []any{
		map[string]any{"clusterName": "staging-01", "weight": int64(3), "drained": false}, map[string]any{"clusterName": "production-01"},
		map[string]any{"clusterName": "unknown"}, map[string]any{"other": "x"},
	}}
	staging := map[string]any{"clusterName": "staging-01", "name": "staging-01", "server": "https://staging", "weight": "3", "drained": "false"}
	production := map[string]any{"clusterName": "production-01", "name": "production-01", "server": "https://production"}
	config := map[string]string{"apiVersion": "mallard.io/v1beta1", "kind": "ducks", "statusListKey": "decisions", "matchKey": "clusterName"}
	without := func(key string) map[string]string {
		out := map[string]string{}
		for name, value := range config {
			if name != key {
				out[name] = value
			}
		}
		return out
	}
	labelled := metav1.LabelSelector{MatchLabels: map[string]string{"duck": "all"}}
	for _, test := range []struct {
		name       string
		objects    []runtime.Object
		generator  v1alpha1.DuckTypeGenerator
		config     map[string]string
		goTemplate bool
		clusters   error
		want       []Params
		err        string
	}{
		{name: "by name", objects: []runtime.Object{duck("quak", nil, decided)}, generator: v1alpha1.DuckTypeGenerator{Name: "quak", Values: map[string]string{"a": "{{name}}"}},
			want: []Params{joined(staging, Params{"values.a": "{{name}}"}), joined(production, Params{"values.a": "{{name}}"})}},
		{name: "by labels, with Go templates", goTemplate: true, generator: v1alpha1.DuckTypeGenerator{LabelSelector: labelled, Values: map[string]string{"a": "b"}},
			objects: []runtime.Object{duck("one", map[string]string{"duck": "all"}, map[string]any{"decisions": []any{}}), duck("two", map[string]string{"duck": "all"}, decided), duck("three", nil, nil)},
			want:    []Params{joined(staging, Params{"values": map[string]string{"a": "b"}}), joined(production, Params{"values": map[string]string{"a": "b"}})}},
		{name: "decided for none", objects: []runtime.Object{duck("quak", nil, map[string]any{"decisions": []any{}})}, generator: v1alpha1.DuckTypeGenerator{Name: "quak"}, want: []Params{}},
		{name: "not decided", objects: []runtime.Object{duck("quak", nil, nil)}, generator: v1alpha1.DuckTypeGenerator{Name: "quak"}, err: "has no list in status.decisions yet"},
		{name: "one of two not decided", generator: v1alpha1.DuckTypeGenerator{LabelSelector: labelled}, err: "clusterDecisionResource two has no list",
			objects: []runtime.Object{duck("one", map[string]string{"duck": "all"}, decided), duck("two", map[string]string{"duck": "all"}, nil)}},
		{name: "no list", objects: []runtime.Object{duck("quak", nil, map[string]any{"decisions": "x"})}, generator: v1alpha1.DuckTypeGenerator{Name: "quak"}, err: "has no list"},
		{name: "no objects in it", objects: []runtime.Object{duck("quak", nil, map[string]any{"decisions": []any{"x"}})}, generator: v1alpha1.DuckTypeGenerator{Name: "quak"}, err: "something else than objects"},
		{name: "nothing found", generator: v1alpha1.DuckTypeGenerator{Name: "quak"}, err: "no clusterDecisionResources found"},
		{name: "neither name nor labels", err: "there is a problem with the definition of the ClusterDecisionResource generator"},
		{name: "both", generator: v1alpha1.DuckTypeGenerator{Name: "quak", LabelSelector: labelled}, err: "there is a problem with the definition of the ClusterDecisionResource generator"},
		{name: "no kind", config: without("kind"), generator: v1alpha1.DuckTypeGenerator{Name: "quak"}, err: "there is a problem with the apiVersion, kind or resourceName provided"},
		{name: "no group", config: joinedText(config, "apiVersion", "v1"), generator: v1alpha1.DuckTypeGenerator{Name: "quak"}, err: "there is a problem with the apiVersion"},
		{name: "no matchKey", config: without("matchKey"), generator: v1alpha1.DuckTypeGenerator{Name: "quak"}, err: "matchKey not found"},
		{name: "clusters can't be read", clusters: errors.New("away"), generator: v1alpha1.DuckTypeGenerator{Name: "quak"}, err: "error listing clusters: away"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.config == nil {
				test.config = config
			}
			objects := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
				map[schema.GroupVersionResource]string{{Group: "mallard.io", Version: "v1beta1", Resource: "ducks"}: "DuckList"}, test.objects...)
			generator := NewDecisions(DecisionOptions{
				Reader:    fake.NewClientBuilder().WithObjects(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "ducks"}, Data: test.config}).Build(),
				Namespace: "argocd", Objects: objects, Requeue: 3 * time.Minute,
				Clusters: func(context.Context) ([]settings.Cluster, error) {
					return []settings.Cluster{{Name: "in-cluster", Server: settings.InClusterServer}, {Name: "production-01", Server: "https://production"},
						{Name: "staging-01", Server: "https://staging"}}, test.clusters
				},
			})
			test.generator.ConfigMapRef = "ducks"
			g := &v1alpha1.ApplicationSetGenerator{ClusterDecisionResource: &test.generator}
			got, err := generator.Params(context.Background(), g, aSet(test.goTemplate))
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("error is %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if every := generator.RequeueAfter(g); every != 3*time.Minute {
				t.Errorf("it is asked again after %s", every)
			}
		})
	}
}

func joinedText(values map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for key, other := range values {
		if key != name {
			out[key] = other
		}
	}
	return out
}
