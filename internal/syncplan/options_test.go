package syncplan

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

func TestOptionsOf(t *testing.T) {
	for text, is := range map[string]func(Options) bool{
		"Force=true": func(o Options) bool { return o.Force }, "Replace=true": func(o Options) bool { return o.Replace },
		"PruneLast=true": func(o Options) bool { return o.PruneLast }, "CreateNamespace=true": func(o Options) bool { return o.CreateNamespace },
		"ApplyOutOfSyncOnly=true": func(o Options) bool { return o.OutOfSyncOnly }, "Validate=false": func(o Options) bool { return o.SkipValidation },
		"RespectIgnoreDifferences=true": func(o Options) bool { return o.RespectIgnored }, "FailOnSharedResource=true": func(o Options) bool { return o.FailOnShared },
		"SkipDryRunOnMissingResource=true": func(o Options) bool { return o.SkipMissingKinds }, "Prune=confirm": func(o Options) bool { return o.PruneWord == "confirm" },
		"ClientSideApplyMigration=false": func(o Options) bool { return o.SkipMigration }, "ClientSideApplyMigrationManager=flux": func(o Options) bool { return o.MigrateFrom == "flux" },
		"PrunePropagationPolicy=Orphan": func(o Options) bool { return o.Propagation == "orphan" },
	} {
		options := func(list ...string) Options {
			return OptionsOf(v1alpha1.SyncOperation{SyncOptions: list}, nil)
		}
		if is(options()) || !is(options(text)) {
			t.Errorf("%s isn't understood", text)
		}
		name, _, _ := strings.Cut(text, "=")
		if is(options(text, name+"=otherwise")) {
			t.Errorf("the last word on %s doesn't count", name)
		}
	}
}

// FuzzOptions sees that no annotations and options, whatever they say, make a plan that prunes without leave, prunes what
// forbids it, or loses an object.
func FuzzOptions(f *testing.F) {
	for _, seed := range [][4]string{
		{"Prune=false", "Prune=true", "PreSync", "1"}, {"Prune=confirm,PruneLast=true", "", "Sync,PostSync", "-9999999999"},
		{"Replace=true, Force=true", "Prune=false", "Skip", "x"}, {"=,=,", "Prune", ",", "0x1"}, {"Prune=true,Prune=false", "ApplyOutOfSyncOnly=true", "", " 2 "},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], true)
	}
	f.Fuzz(func(t *testing.T, annotation, option, hook, wave string, prune bool) {
		made := func(name string) *unstructured.Unstructured {
			u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
			u.SetName(name)
			u.SetAnnotations(map[string]string{object.SyncOptionsAnnotation: annotation, object.WaveAnnotation: wave})
			return u
		}
		hooked := made("hook")
		annotations := hooked.GetAnnotations()
		annotations[object.HookAnnotation], annotations[object.HookDeleteAnnotation] = hook, annotation
		hooked.SetAnnotations(annotations)
		in := Input{Items: []Item{{Target: made("new")}, {Live: made("old")}}, OperationID: "1",
			Options: OptionsOf(v1alpha1.SyncOperation{Prune: prune, SyncOptions: v1alpha1.SyncOptions{option}}, nil)}
		if _, is := object.Hooks(hooked); is {
			in.Hooks = append(in.Hooks, hooked)
		}
		seen := map[string]bool{}
		for _, step := range Build(in).Steps {
			for _, a := range step.Actions() {
				seen[a.Key.Name] = true
				if word, _ := object.SyncOption(in.Items[1].Live, "Prune"); a.Verb == Prune && (!prune || word == "false" || word == "confirm" != a.Confirm && word != "") {
					t.Errorf("%s with %q", a.Verb, annotation)
				}
			}
		}
		if !seen["new"] || !seen["old"] {
			t.Errorf("lost an object: %v", seen)
		}
	})
}

// upstream is gitops-engine's order of kinds.
var upstream = strings.Fields(`Namespace NetworkPolicy ResourceQuota LimitRange PodSecurityPolicy PodDisruptionBudget ServiceAccount Secret SecretList
	ConfigMap StorageClass PersistentVolume PersistentVolumeClaim CustomResourceDefinition ClusterRole ClusterRoleList ClusterRoleBinding
	ClusterRoleBindingList Role RoleList RoleBinding RoleBindingList Service DaemonSet Pod ReplicationController ReplicaSet Deployment
	HorizontalPodAutoscaler StatefulSet Job CronJob IngressClass Ingress APIService Anything`)

func TestOrderOfKinds(t *testing.T) {
	var in Input
	for _, kind := range slices.Backward(upstream) {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind}}
		u.SetName("x")
		in.Items = append(in.Items, Item{Target: u})
	}
	var order []string
	for _, step := range Build(in).Steps {
		for _, batch := range step.Batches {
			for _, a := range batch {
				order = append(order, a.Key.Kind)
			}
		}
	}
	if !slices.Equal(order, upstream) {
		t.Errorf("%v", order)
	}
}
