package rollout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/rollout"
	"fairlead.dev/fairlead/internal/rollout/workload"
)

var key = client.ObjectKey{Namespace: "shop", Name: "web"}

// harness is a controller on an in-memory API server, with what a ReplicaSet controller and a kubelet would do.
type harness struct {
	t      *testing.T
	ctx    context.Context
	client client.Client
	clock  *clocktesting.FakePassiveClock
	events chan string
	r      *Reconciler
	pods   int
	// onWrite is called before each write of the controller; an error is what the write comes to.
	onWrite func(verb string, object client.Object) error
}

var errKilled = errors.New("killed")

func newHarness(t *testing.T, objects ...client.Object) *harness {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		object.SetUID("uid-" + object.GetUID())
	}
	h := &harness{
		t: t, ctx: t.Context(), events: make(chan string, 1000),
		clock: clocktesting.NewFakePassiveClock(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)),
	}
	h.client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithStatusSubresource(&v1alpha1.Rollout{}, &appsv1.ReplicaSet{}).Build()
	counted := h.intercepted()
	h.r = &Reconciler{
		client:   counted,
		workload: &workload.Driver{Client: counted, Live: h.client},
		recorder: &events.FakeRecorder{Events: h.events},
		clock:    h.clock,
		log:      slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	return h
}

// intercepted is the client that the controller writes through.
func (h *harness) intercepted() client.Client {
	before := func(verb string, object client.Object) error {
		if h.onWrite == nil {
			return nil
		}
		return h.onWrite(verb, object)
	}
	return interceptor.NewClient(h.client.(client.WithWatch), interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			if err := before("create", object); err != nil {
				return err
			}
			object.SetUID("uid-" + object.GetUID())
			object.SetCreationTimestamp(metav1.NewTime(h.clock.Now()))
			return c.Create(ctx, object, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
			if err := before("delete", object); err != nil {
				return err
			}
			return c.Delete(ctx, object, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if err := before("patch", object); err != nil {
				return err
			}
			return c.Patch(ctx, object, patch, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, object client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := before("patch "+sub, object); err != nil {
				return err
			}
			return c.SubResource(sub).Patch(ctx, object, patch, opts...)
		},
		SubResourceCreate: func(ctx context.Context, c client.Client, sub string, object, subject client.Object, opts ...client.SubResourceCreateOption) error {
			if err := before("create "+sub, object); err != nil {
				return err
			}
			return c.SubResource(sub).Create(ctx, object, subject, opts...)
		},
	})
}

// settle turns the crank until nothing changes any more, and returns the last result.
func (h *harness) settle() ctrl.Result {
	h.t.Helper()
	before := ""
	for range 200 {
		result, err := h.r.Reconcile(h.ctx, ctrl.Request{NamespacedName: key})
		if err != nil && !errors.Is(err, errKilled) {
			h.t.Fatalf("reconciling: %v", err)
		}
		h.runPods()
		now := h.fingerprint()
		if err == nil && now == before {
			return result
		}
		before = now
	}
	h.t.Fatalf("reconciling doesn't come to an end: %s", before)
	return ctrl.Result{}
}

// fingerprint changes if anything changes.
func (h *harness) fingerprint() string {
	var text strings.Builder
	text.WriteString(h.rollout().ResourceVersion)
	for _, set := range h.sets() {
		fmt.Fprint(&text, " ", set.Name, set.ResourceVersion)
	}
	services := &corev1.ServiceList{}
	h.must(h.client.List(h.ctx, services))
	for _, service := range services.Items {
		fmt.Fprint(&text, " ", service.Name, service.ResourceVersion)
	}
	return text.String()
}

// runPods creates and deletes pods as the ReplicaSets ask for, all available at once.
func (h *harness) runPods() {
	for _, set := range h.sets() {
		mine := h.podsOf(&set)
		for int32(len(mine)) > *set.Spec.Replicas {
			h.must(h.client.Delete(h.ctx, &mine[0]))
			mine = mine[1:]
		}
		for int32(len(mine)) < *set.Spec.Replicas {
			h.pods++
			pod := corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: set.Namespace, Name: fmt.Sprintf("pod-%d", h.pods), Labels: set.Spec.Template.Labels,
					CreationTimestamp: metav1.NewTime(h.clock.Now()),
					OwnerReferences:   []metav1.OwnerReference{*metav1.NewControllerRef(&set, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))},
				},
				Spec: set.Spec.Template.Spec,
				Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{
					Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(h.clock.Now()),
				}}},
			}
			h.must(h.client.Create(h.ctx, &pod))
			mine = append(mine, pod)
		}
		n := int32(len(mine))
		if set.Status.Replicas != n || set.Status.AvailableReplicas != n {
			set.Status = appsv1.ReplicaSetStatus{Replicas: n, ReadyReplicas: n, AvailableReplicas: n, ObservedGeneration: set.Generation}
			h.must(h.client.Status().Update(h.ctx, &set))
		}
	}
}

func (h *harness) podsOf(set *appsv1.ReplicaSet) []corev1.Pod {
	list := &corev1.PodList{}
	h.must(h.client.List(h.ctx, list, client.InNamespace(set.Namespace), client.MatchingLabels(set.Spec.Selector.MatchLabels)))
	return list.Items
}

func (h *harness) sets() []appsv1.ReplicaSet {
	list := &appsv1.ReplicaSetList{}
	h.must(h.client.List(h.ctx, list, client.InNamespace(key.Namespace)))
	return list.Items
}

func (h *harness) rollout() *v1alpha1.Rollout {
	ro := &v1alpha1.Rollout{}
	h.must(h.client.Get(h.ctx, key, ro))
	return ro
}

// edit changes the Rollout's spec as a user does.
func (h *harness) edit(change func(*v1alpha1.Rollout)) {
	ro := h.rollout()
	change(ro)
	ro.Generation++
	h.must(h.client.Update(h.ctx, ro))
}

func (h *harness) image(image string) {
	h.edit(func(ro *v1alpha1.Rollout) { ro.Spec.Template.Spec.Containers[0].Image = image })
}

// order carries a person's order out as the hub does.
func (h *harness) order(action string) {
	h.t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(h.rollout())
	h.must(err)
	patches, err := rollout.Control(action, &unstructured.Unstructured{Object: object}, h.clock.Now())
	h.must(err)
	for _, patch := range patches {
		raw := client.RawPatch(patch.Type, patch.Body)
		if patch.Subresource == "status" {
			h.must(h.client.Status().Patch(h.ctx, h.rollout(), raw))
		} else {
			h.must(h.client.Patch(h.ctx, h.rollout(), raw))
		}
	}
}

// state is what a user sees: phase, step, and the pods of each image.
func (h *harness) state() string {
	ro := h.rollout()
	text := string(ro.Status.Phase)
	if ro.Status.Message != "" {
		text += ": " + ro.Status.Message
	}
	text += fmt.Sprintf("; step %d;", ptr.Deref(ro.Status.CurrentStepIndex, -1))
	for _, set := range h.sets() {
		if *set.Spec.Replicas > 0 {
			text += fmt.Sprintf(" %s=%d", set.Spec.Template.Spec.Containers[0].Image, *set.Spec.Replicas)
		}
	}
	return text
}

func (h *harness) expect(want string) {
	h.t.Helper()
	h.settle()
	if got := h.state(); got != want {
		h.t.Fatalf("the state is\n%s, want\n%s", got, want)
	}
}

func (h *harness) sent() []string {
	var sent []string
	for {
		select {
		case event := <-h.events:
			sent = append(sent, event)
		default:
			return sent
		}
	}
}

func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// web is a Rollout of four pods with a pause at a quarter and one of a minute at half.
func web() *v1alpha1.Rollout {
	labels := map[string]string{"app": "web"}
	steps := []v1alpha1.CanaryStep{
		{SetWeight: ptr.To[int32](25)},
		{Pause: &v1alpha1.RolloutPause{}},
		{SetWeight: ptr.To[int32](50)},
		{Pause: &v1alpha1.RolloutPause{Duration: ptr.To(intstrFromString("1m"))}},
	}
	return &v1alpha1.Rollout{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: "web", Generation: 1},
		Spec: v1alpha1.RolloutSpec{
			Replicas: ptr.To[int32](4),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "v1"}}},
			},
			Strategy: v1alpha1.RolloutStrategy{Canary: &v1alpha1.CanaryStrategy{Steps: steps}},
		},
	}
}
