package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/rollout"
)

func intstrFromString(s string) intstr.IntOrString { return intstr.FromString(s) }

func TestCanaryFromStartToEnd(t *testing.T) {
	h := newHarness(t, web())
	h.expect("Healthy; step 4; v1=4")
	h.image("v2")
	h.expect("Paused: CanaryPauseStep; step 1; v1=3 v2=1")
	h.order(rollout.ActionPromote)
	if wake := h.settle().RequeueAfter; wake != time.Minute {
		t.Errorf("woken after %v, want 1m", wake)
	}
	h.expect("Paused: CanaryPauseStep; step 3; v1=2 v2=2")
	h.clock.SetTime(h.clock.Now().Add(time.Minute))
	h.expect("Healthy; step 4; v2=4")

	ro := h.rollout()
	if got := ro.Annotations[v1alpha1.RolloutRevisionAnnotation]; got != "2" {
		t.Errorf("the rollout is at revision %q, want 2", got)
	}
	for _, set := range h.sets() {
		if !metav1.IsControlledBy(&set, ro) || set.Annotations[v1alpha1.RolloutDesiredReplicasAnnotation] != "4" {
			t.Errorf("replica set %s: owners %v, annotations %v", set.Name, set.OwnerReferences, set.Annotations)
		}
	}
	var reasons []string
	for _, event := range h.sent() {
		reason := strings.Fields(event)[1]
		if reason != "ScalingReplicaSet" {
			reasons = append(reasons, reason)
		}
	}
	want := []string{
		"RolloutUpdated", "NewReplicaSetCreated", "RolloutCompleted",
		"RolloutNotCompleted", "RolloutUpdated", "NewReplicaSetCreated", "RolloutStepCompleted", "RolloutPaused",
		"RolloutStepCompleted", "RolloutResumed", "RolloutStepCompleted", "RolloutPaused",
		"RolloutStepCompleted", "RolloutResumed", "RolloutCompleted",
	}
	if !slices.Equal(reasons, want) {
		t.Errorf("events are\n%v, want\n%v", reasons, want)
	}
}

// The process is killed before each of its writes, one after the other; the update must come to the same end.
func TestKilledAtAnyWrite(t *testing.T) {
	for kill := 0; ; kill++ {
		ro := web()
		ro.Spec.Replicas = ptr.To[int32](2)
		ro.Spec.Strategy.Canary.Steps = []v1alpha1.CanaryStep{
			{SetWeight: ptr.To[int32](50)},
			{Pause: &v1alpha1.RolloutPause{}},
		}
		h := newHarness(t, ro)
		writes := 0
		h.onWrite = func(string, client.Object) error {
			writes++
			if writes == kill+1 {
				return errKilled
			}
			return nil
		}
		h.expect("Healthy; step 2; v1=2")
		h.image("v2")
		h.expect("Paused: CanaryPauseStep; step 1; v1=1 v2=1")
		h.order(rollout.ActionPromote)
		h.expect("Healthy; step 2; v2=2")
		if n := len(h.sets()); n != 2 {
			t.Fatalf("killed at write %d: %d replica sets, want 2", kill, n)
		}
		if kill >= writes {
			t.Logf("killed at each of %d writes", writes)
			return
		}
	}
}

// An order that is given between the controller's read and its write of the status must not be lost.
func TestOrderDuringReconcileIsKept(t *testing.T) {
	h := newHarness(t, web())
	h.settle()
	h.image("v2")
	aborted := false
	h.onWrite = func(verb string, object client.Object) error {
		if ro, ok := object.(*v1alpha1.Rollout); ok && verb == "patch status" && len(ro.Status.PauseConditions) > 0 && !aborted {
			aborted = true
			h.order(rollout.ActionAbort)
		}
		return nil
	}
	h.expect("Degraded: RolloutAborted: Rollout aborted update to revision 2; step 0; v1=4")
}

func TestUndo(t *testing.T) {
	h := newHarness(t, web())
	h.settle()
	h.image("v2")
	h.settle()
	patch, err := rollout.Undo(h.rollout(), h.sets(), 0)
	h.must(err)
	ro := h.rollout()
	h.must(h.client.Patch(h.ctx, ro, client.RawPatch(patch.Type, patch.Body)))
	h.expect("Healthy; step 4; v1=4")
}

func TestNameTakenBySomethingElse(t *testing.T) {
	ro := web()
	taken := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: key.Namespace, Name: key.Name + "-" + rollout.PodHash(ro.Spec.Template, nil), UID: "other",
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "x", UID: "x", Controller: ptr.To(true)}},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: ptr.To[int32](0), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}},
			Template: ro.Spec.Template,
		},
	}
	h := newHarness(t, ro, taken)
	h.expect("Healthy; step 4; v1=4")
	if got := ptr.Deref(h.rollout().Status.CollisionCount, 0); got != 1 {
		t.Errorf("collisionCount is %d, want 1", got)
	}
}

func TestTemplateThatTheServerRefuses(t *testing.T) {
	h := newHarness(t, web())
	h.settle()
	h.onWrite = func(verb string, object client.Object) error {
		set, ok := object.(*appsv1.ReplicaSet)
		if ok && verb == "create" && set.Spec.Template.Spec.Containers[0].Image == " " {
			return apierrors.NewInvalid(schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}, set.Name, nil)
		}
		return nil
	}
	h.image(" ")
	h.settle()
	if got := h.state(); !strings.HasPrefix(got, `Degraded: InvalidSpec: The Rollout "web" is invalid: shop/web: create web-`) {
		t.Errorf("the state is %s", got)
	}
	h.image("v2")
	h.expect("Paused: CanaryPauseStep; step 1; v1=3 v2=1")
}

func TestServices(t *testing.T) {
	service := func(name string) *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: name, UID: "svc"},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "web"}},
		}
	}
	ro := web()
	ro.Spec.Strategy.Canary.StableService, ro.Spec.Strategy.Canary.CanaryService = "stable", "canary"
	h := newHarness(t, ro, service("stable"))
	if wake := h.settle().RequeueAfter; wake != retryMissing {
		t.Errorf("woken after %v, want %v", wake, retryMissing)
	}
	want := `Degraded: InvalidSpec: The Rollout "web" is invalid: spec.strategy.canary.canaryService: Invalid value: "canary": service "canary" not found; step -1;`
	if got := h.state(); got != want {
		t.Fatalf("the state is\n%s, want\n%s", got, want)
	}
	h.must(h.client.Create(h.ctx, service("canary")))
	h.expect("Healthy; step 4; v1=4")
	h.image("v2")
	h.expect("Paused: CanaryPauseStep; step 1; v1=3 v2=1")

	image := map[string]string{}
	for _, set := range h.sets() {
		image[set.Labels[v1alpha1.RolloutPodHashLabel]] = set.Spec.Template.Spec.Containers[0].Image
	}
	for name, want := range map[string]string{"stable": "v1", "canary": "v2"} {
		got := &corev1.Service{}
		h.must(h.client.Get(h.ctx, client.ObjectKey{Namespace: key.Namespace, Name: name}, got))
		if image[got.Spec.Selector[v1alpha1.RolloutPodHashLabel]] != want || got.Spec.Selector["app"] != "web" {
			t.Errorf("service %s selects %v, want pods of %s", name, got.Spec.Selector, want)
		}
		requests := rolloutOfService(t.Context(), got)
		if len(requests) != 1 || requests[0].NamespacedName != key {
			t.Errorf("a change of service %s leads to %v", name, requests)
		}
	}
}

func TestAdoptsItsReplicaSetsAfterRecreation(t *testing.T) {
	h := newHarness(t, web())
	h.settle()
	ro := h.rollout()
	h.must(h.client.Delete(h.ctx, ro))
	for _, set := range h.sets() {
		set.OwnerReferences = nil // as `kubectl delete --cascade=orphan` leaves it
		h.must(h.client.Update(h.ctx, &set))
	}
	again := web()
	again.UID = "uid-web-again"
	h.must(h.client.Create(h.ctx, again))
	h.expect("Healthy; step 4; v1=4")
	if sets := h.sets(); len(sets) != 1 || !metav1.IsControlledBy(&sets[0], h.rollout()) {
		t.Errorf("the replica sets are %v", sets)
	}
}

func TestRestartEvictsAllPods(t *testing.T) {
	h := newHarness(t, web())
	h.settle()
	h.clock.SetTime(h.clock.Now().Add(time.Hour))
	h.order(rollout.ActionRestart)
	// Evictions don't change the Rollout; each of them is followed by an event of its set.
	for range 20 {
		h.settle()
	}
	h.expect("Healthy; step 4; v1=4")
	for _, set := range h.sets() {
		for _, pod := range h.podsOf(&set) {
			if pod.CreationTimestamp.Time.Before(h.rollout().Spec.RestartAt.Time) {
				t.Errorf("pod %s of %v is still there", pod.Name, pod.CreationTimestamp)
			}
		}
	}
}

func TestLeavesOthersAlone(t *testing.T) {
	foreign := web()
	foreign.Labels = map[string]string{v1alpha1.RolloutInstanceIDLabel: "another"}
	h := newHarness(t, foreign)
	if result, err := h.r.Reconcile(h.ctx, ctrl.Request{NamespacedName: key}); err != nil || !result.IsZero() || len(h.sets()) != 0 {
		t.Errorf("a rollout of another instance was touched: %v %v", result, err)
	}
	gone := ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "x", Name: "y"}}
	if result, err := h.r.Reconcile(h.ctx, gone); err != nil || !result.IsZero() {
		t.Errorf("a rollout that is gone: %v %v", result, err)
	}
}

func TestDefaultsReplicas(t *testing.T) {
	ro := web()
	ro.Spec.Replicas = nil
	h := newHarness(t, ro)
	h.expect("Healthy; step 4; v1=1")
	if got := h.rollout().Spec.Replicas; got == nil || *got != 1 {
		t.Errorf("spec.replicas is %v, want 1: an autoscaler needs it", got)
	}
}

func TestOptions(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	for name, options := range map[string]Options{
		"concurrency": func() Options { o := Default(); o.Concurrency = 0; return o }(),
		"clock":       func() Options { o := Default(); o.Clock = nil; return o }(),
	} {
		if options.Validate() == nil {
			t.Errorf("options with bad %s are valid", name)
		}
	}
	if got := shortened(strings.Repeat("x", 2000)); len(got) > 1024 {
		t.Errorf("an event's message has %d bytes", len(got))
	}
}
