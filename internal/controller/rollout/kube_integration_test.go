//go:build integration

package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/api/crd"
	"fairlead.dev/fairlead/internal/rollout"
	"fairlead.dev/fairlead/internal/testkube"
)

// kube is a namespace of a real API server, in which the test plays the ReplicaSet controller.
type kube struct {
	t         *testing.T
	client    client.WithWatch
	namespace string
}

func newKube(t *testing.T) *kube {
	t.Helper()
	scheme := runtime.NewScheme()
	err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewWithWatch(testkube.Config(t), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	k := &kube{t: t, client: c, namespace: testkube.Namespace(t)}
	k.install()
	return k
}

// install makes the API server know Rollouts.
func (k *kube) install() {
	definitions, err := crd.Named("rollouts.argoproj.io")
	if err != nil {
		k.t.Fatal(err)
	}
	if err := k.client.Create(k.t.Context(), definitions[0]); err != nil && !apierrors.IsAlreadyExists(err) {
		k.t.Fatal(err)
	}
	k.until("rollouts are served", func(ctx context.Context) bool {
		return k.client.List(ctx, &v1alpha1.RolloutList{}) == nil
	})
}

// until waits for something to be so.
func (k *kube) until(what string, so func(context.Context) bool) {
	k.t.Helper()
	poll := func(ctx context.Context) (bool, error) { return so(ctx), nil }
	if err := wait.PollUntilContextTimeout(k.t.Context(), 20*time.Millisecond, time.Minute, true, poll); err != nil {
		k.t.Fatalf("waiting until %s: %v", what, err)
	}
}

// agent runs the controller until stop is called.
func (k *kube) agent() (stop func()) {
	k.t.Helper()
	mgr, err := ctrl.NewManager(testkube.Config(k.t), ctrl.Options{
		Scheme:     k.client.Scheme(),
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Cache:      cache.Options{DefaultNamespaces: map[string]cache.Config{k.namespace: {}}},
		Controller: config.Controller{SkipNameValidation: ptr.To(true)}, // an agent is started twice in one process
	})
	if err != nil {
		k.t.Fatal(err)
	}
	options := Default()
	options.Log = slog.New(slog.DiscardHandler)
	if err := SetupWithManager(mgr, options); err != nil {
		k.t.Fatal(err)
	}
	return k.background(func(ctx context.Context) {
		if err := mgr.Start(ctx); err != nil {
			k.t.Errorf("running the agent: %v", err)
		}
	})
}

// background runs until stop is called or the test ends.
func (k *kube) background(run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { run(ctx) })
	stop = func() { cancel(); running.Wait() }
	k.t.Cleanup(stop)
	return stop
}

// runPods reports the pods that ReplicaSets ask for as running and available.
func (k *kube) runPods(ctx context.Context) {
	watcher, err := k.client.Watch(ctx, &appsv1.ReplicaSetList{}, client.InNamespace(k.namespace))
	if err != nil {
		k.t.Errorf("watching replica sets: %v", err)
		return
	}
	defer watcher.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-watcher.ResultChan():
			set, ok := event.Object.(*appsv1.ReplicaSet)
			if !ok || set.Status.AvailableReplicas == *set.Spec.Replicas && set.Status.ObservedGeneration == set.Generation {
				continue
			}
			n := *set.Spec.Replicas
			patch := fmt.Sprintf(`{"status":{"replicas":%d,"readyReplicas":%d,"availableReplicas":%d,"observedGeneration":%d}}`,
				n, n, n, set.Generation)
			err := k.client.Status().Patch(ctx, set, client.RawPatch("application/merge-patch+json", []byte(patch)))
			if client.IgnoreNotFound(err) != nil && ctx.Err() == nil {
				k.t.Errorf("reporting the pods of %s: %v", set.Name, err)
			}
		}
	}
}

func (k *kube) rollout() *v1alpha1.Rollout {
	ro := &v1alpha1.Rollout{}
	if err := k.client.Get(k.t.Context(), client.ObjectKey{Namespace: k.namespace, Name: "web"}, ro); err != nil {
		k.t.Fatal(err)
	}
	return ro
}

// expect waits for a state: phase and step, then the pods by image.
func (k *kube) expect(want string) {
	k.t.Helper()
	var got string
	k.t.Cleanup(func() {
		if k.t.Failed() {
			k.t.Logf("the last state was %s", got)
		}
	})
	k.until(want, func(ctx context.Context) bool {
		ro := k.rollout()
		got = fmt.Sprintf("%s %d", ro.Status.Phase, ptr.Deref(ro.Status.CurrentStepIndex, -1))
		sets := &appsv1.ReplicaSetList{}
		if err := k.client.List(ctx, sets, client.InNamespace(k.namespace)); err != nil {
			return false
		}
		for _, set := range sets.Items {
			if *set.Spec.Replicas > 0 {
				got += fmt.Sprintf(" %s=%d", set.Spec.Template.Spec.Containers[0].Image, *set.Spec.Replicas)
			}
		}
		return sortedWords(got) == sortedWords(want)
	})
}

func sortedWords(text string) string {
	words := map[string]bool{}
	for _, word := range strings.Fields(text) {
		words[word] = true
	}
	return fmt.Sprint(words) // fmt sorts maps
}

func (k *kube) image(image string) {
	k.t.Helper()
	patch := fmt.Sprintf(`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":%q}]`, image)
	if err := k.client.Patch(k.t.Context(), k.rollout(), client.RawPatch("application/json-patch+json", []byte(patch))); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kube) order(action string) {
	k.t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(k.rollout())
	if err != nil {
		k.t.Fatal(err)
	}
	patches, err := rollout.Control(action, &unstructured.Unstructured{Object: object}, time.Now())
	if err != nil {
		k.t.Fatal(err)
	}
	for _, patch := range patches {
		raw := client.RawPatch(patch.Type, patch.Body)
		if patch.Subresource == "status" {
			err = k.client.Status().Patch(k.t.Context(), k.rollout(), raw)
		} else {
			err = k.client.Patch(k.t.Context(), k.rollout(), raw)
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
}

func TestCanaryOnARealAPIServer(t *testing.T) {
	k := newKube(t)
	k.background(k.runPods)
	stop := k.agent()

	ro := web()
	ro.ObjectMeta = metav1.ObjectMeta{Namespace: k.namespace, Name: "web"}
	ro.Spec.Strategy.Canary.Steps[3].Pause.Duration = ptr.To(intstrFromString("1s"))
	if err := k.client.Create(t.Context(), ro); err != nil {
		t.Fatal(err)
	}
	k.expect("Healthy 4 v1=4")
	k.image("v2")
	k.expect("Paused 1 v1=3 v2=1")
	stop()
	k.order(rollout.ActionAbort)
	k.agent() // another process finds its place
	k.expect("Degraded 0 v1=4")
	k.order(rollout.ActionRetry)
	k.expect("Paused 1 v1=3 v2=1")
	k.order(rollout.ActionPromote)
	k.expect("Healthy 4 v2=4")

	sets := &appsv1.ReplicaSetList{}
	if err := k.client.List(t.Context(), sets, client.InNamespace(k.namespace)); err != nil {
		t.Fatal(err)
	}
	patch, err := rollout.Undo(k.rollout(), sets.Items, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.client.Patch(t.Context(), k.rollout(), client.RawPatch(patch.Type, patch.Body)); err != nil {
		t.Fatal(err)
	}
	k.expect("Paused 1 v2=3 v1=1")
	if got := len(sets.Items); got != 2 {
		t.Errorf("after an undo there are %d replica sets, want the 2 from before", got)
	}
	k.order(rollout.ActionPromoteFull)
	k.expect("Healthy 4 v1=4")

	scale := &unstructured.Unstructured{}
	if err := k.client.SubResource("scale").Get(t.Context(), k.rollout(), scale); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := unstructured.NestedInt64(scale.Object, "status", "replicas"); got != 4 {
		t.Errorf("an autoscaler sees %d pods, want 4", got)
	}
}

// everything is a Rollout with fields of each part of the API, among them some that only a later version knows.
const everything = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: everything}
spec:
  replicas: 3
  analysis: {successfulRunHistoryLimit: 2, unsuccessfulRunHistoryLimit: 3}
  minReadySeconds: 1
  revisionHistoryLimit: 4
  progressDeadlineSeconds: 100
  progressDeadlineAbort: true
  rollbackWindow: {revisions: 2}
  restartAt: "2030-01-01T00:00:00Z"
  fieldOfALaterVersion: {a: [1, two]}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {a: b}}
    spec: {containers: [{name: app, image: v1, resources: {requests: {cpu: 100m}}}]}
  strategy:
    canary:
      stableService: stable
      canaryService: canary
      maxSurge: 25%
      maxUnavailable: 1
      laterField: {x: y}
      antiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: {weight: 5}}
      canaryMetadata: {labels: {role: canary}}
      stableMetadata: {annotations: {role: stable}}
      analysis:
        startingStep: 1
        templates: [{templateName: success-rate, clusterScope: true}]
        args: [{name: hash, valueFrom: {podTemplateHashValue: Latest}}, {name: team, valueFrom: {fieldRef: {fieldPath: "metadata.labels['team']"}}}]
        dryRun: [{metricName: "*"}]
        measurementRetention: [{metricName: a, limit: 3}]
      trafficRouting:
        managedRoutes: [{name: mirror}]
        maxTrafficWeight: 1000
        istio: {virtualService: {name: vs, routes: [primary], later: true}, destinationRule: {name: d, canarySubsetName: c, stableSubsetName: s}}
        nginx: {stableIngresses: [a, b], additionalIngressAnnotations: {k: v}}
        alb: {ingress: i, servicePort: 80, stickinessConfig: {enabled: true, durationSeconds: 3}}
        smi: {rootService: r}
        plugins: {argoproj-labs/gatewayAPI: {httpRoute: route, namespace: n, list: [1, {a: b}]}}
      steps:
      - setWeight: 10
      - pause: {duration: 1h}
      - pause: {duration: 60}
      - pause: {}
      - setCanaryScale: {weight: 25}
      - setCanaryScale: {matchTrafficWeight: true}
      - analysis: {templates: [{templateName: t}], args: [{name: a, value: b}], analysisRunMetadata: {labels: {l: m}}}
      - experiment:
          duration: 10m
          templates: [{name: baseline, specRef: stable, replicas: 1, weight: 5, service: {name: s}, metadata: {labels: {a: b}}, selector: {matchLabels: {a: b}}}]
          analyses: [{name: a, templateName: t, requiredForCompletion: true, args: [{name: x, value: z}]}]
      - setHeaderRoute: {name: header, match: [{headerName: agent, headerValue: {regex: "^x"}}]}
      - setMirrorRoute: {name: mirror, percentage: 35, match: [{method: {exact: GET}, path: {prefix: /}, headers: {a: {exact: b}}}]}
      - plugin: {name: a/b, config: {deep: [{x: 1}]}}
      - replicaProgressThreshold: {type: Percent, value: 90}
      - stepOfALaterVersion: {x: 1}
`

const blueGreen = `
blueGreen:
  activeService: active
  previewService: preview
  previewReplicaCount: 1
  autoPromotionEnabled: false
  autoPromotionSeconds: 10
  maxUnavailable: 10%
  scaleDownDelaySeconds: 30
  scaleDownDelayRevisionLimit: 2
  abortScaleDownDelaySeconds: 40
  antiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}
  prePromotionAnalysis: {templates: [{templateName: t}]}
  postPromotionAnalysis: {templates: [{templateName: t}]}
  previewMetadata: {labels: {a: b}}
  activeMetadata: {labels: {c: d}}
  laterField: 1
`

func TestNoFieldOfAManifestIsLost(t *testing.T) {
	k := newKube(t)
	manifests := map[string]func(map[string]any){
		"canary": func(map[string]any) {},
		"blueGreen": func(object map[string]any) {
			strategy := map[string]any{}
			if err := yaml.Unmarshal([]byte(blueGreen), &strategy); err != nil {
				t.Fatal(err)
			}
			object["spec"].(map[string]any)["strategy"] = strategy
		},
		"workloadRef": func(object map[string]any) {
			spec := object["spec"].(map[string]any)
			delete(spec, "template")
			delete(spec, "selector")
			spec["workloadRef"] = map[string]any{
				"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": "progressively",
			}
		},
	}
	for name, change := range manifests {
		t.Run(name, func(t *testing.T) {
			object := map[string]any{}
			if err := yaml.Unmarshal([]byte(everything), &object); err != nil {
				t.Fatal(err)
			}
			change(object)
			sent := &unstructured.Unstructured{Object: object}
			sent.SetName(strings.ToLower(name))
			sent.SetNamespace(k.namespace)
			want := plainJSON(t, sent.Object["spec"])
			if err := k.client.Create(t.Context(), sent); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, plainJSON(t, sent.Object["spec"])); diff != "" {
				t.Errorf("what was sent (-) differs from what came back (+):\n%s", diff)
			}
		})
	}
}

// plainJSON is a value with all numbers of one type.
func plainJSON(t *testing.T, value any) (plain any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	if err != nil {
		t.Fatal(err)
	}
	return plain
}
