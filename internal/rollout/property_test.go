package rollout

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// TestBoundsHold lets random things happen in random order, among them crashes between acting and recording, and checks
// after each decision:
//
//   - No more pods are wanted than spec.replicas and maxSurge allow, unless that was so before and nothing may be scaled.
//   - No decision takes away so many available pods that fewer than spec.replicas − maxUnavailable are left.
//   - Once pods become available and people say yes, the update comes to its end.
func TestBoundsHold(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 17))
			g := &game{t: t, rand: chance, cluster: newCluster(randomRollout(chance))}
			for range 60 {
				g.turn()
			}
			g.finish()
		})
	}
}

func randomRollout(chance *rand.Rand) *v1alpha1.Rollout {
	bound := func() *intstr.IntOrString {
		switch chance.IntN(3) {
		case 0:
			return nil
		case 1:
			return ptr.To(intstr.FromInt32(1 + chance.Int32N(4)))
		default:
			return ptr.To(intstr.FromString(fmt.Sprintf("%d%%", 1+chance.IntN(100))))
		}
	}
	canary := &v1alpha1.CanaryStrategy{MaxSurge: bound(), MaxUnavailable: bound()}
	for range chance.IntN(6) {
		step := v1alpha1.CanaryStep{SetWeight: ptr.To(chance.Int32N(101))}
		if chance.IntN(2) == 0 {
			step = v1alpha1.CanaryStep{Pause: &v1alpha1.RolloutPause{}}
			if chance.IntN(2) == 0 {
				step.Pause.Duration = ptr.To(intstr.FromString("30s"))
			}
		}
		canary.Steps = append(canary.Steps, step)
	}
	labels := map[string]string{"app": "web"}
	return &v1alpha1.Rollout{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: v1alpha1.RolloutSpec{
			Replicas: ptr.To(chance.Int32N(12)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:v0"}}},
			},
			Strategy:        v1alpha1.RolloutStrategy{Canary: canary},
			RollbackWindow:  &v1alpha1.RollbackWindowSpec{Revisions: chance.Int32N(3)},
			MinReadySeconds: 0,
		},
	}
}

// game is a cluster in which random things happen.
type game struct {
	t       *testing.T
	rand    *rand.Rand
	cluster *cluster
	history []string
}

// turn lets one thing happen and decides.
func (g *game) turn() {
	c := g.cluster
	lines := []string{
		fmt.Sprintf("image v%d", g.rand.IntN(4)),
		fmt.Sprintf("set spec.replicas %d", g.rand.IntN(12)),
		"promote", "promote", "promote-full", "abort", "retry", "pause", "unpause", "unpause", "restart", "undo",
		"wait 20s", "wait 20s", "wait 15m",
		fmt.Sprintf("pods stuck v%d", g.rand.IntN(4)),
		fmt.Sprintf("pods fail v%d", g.rand.IntN(4)),
		fmt.Sprintf("pods ok v%d", g.rand.IntN(4)),
	}
	if g.rand.IntN(3) == 0 {
		line := lines[g.rand.IntN(len(lines))]
		if err := c.do(line); err == nil {
			g.history = append(g.history, line)
		}
	}
	c.lag = g.rand.IntN(3) == 0 // now and then the ReplicaSet controller is late
	g.decide(g.rand.IntN(8) == 0)
}

func (g *game) decide(crash bool) bool {
	c := g.cluster
	before := g.sets()
	r, changed := c.reconcile(crash)
	if r.invalid != nil {
		g.fail("invalid: %v", r.invalid)
	}
	g.history = append(g.history, fmt.Sprintf("  %v crash=%v lag=%v", r.decision.Actions, crash, c.lag))
	g.check(r, before, g.sets())
	return changed
}

// sets are the wanted and available pods by set.
func (g *game) sets() map[string]Set {
	sets := map[string]Set{}
	for i := range g.cluster.sets {
		set := ArgoSet(&g.cluster.sets[i])
		sets[set.Name] = set
	}
	return sets
}

func (g *game) check(r result, before, after map[string]Set) {
	var wantedBefore, wantedAfter, availableBefore, availableAfter int32
	for _, set := range before {
		wantedBefore += set.Desired
		availableBefore += set.available()
	}
	for name, set := range after {
		wantedAfter += set.Desired
		old := before[name]
		availableAfter += min(old.available(), set.Desired) // before a new pod could have become available
	}
	limit := r.plan.Replicas + r.plan.Surge
	if wantedAfter > max(limit, wantedBefore) {
		g.fail("%d pods wanted, %d allowed", wantedAfter, limit)
	}
	if free := !r.plan.Paused && !creates(r.decision) && len(before) > 0; free && !restarts(r) && wantedAfter > limit {
		g.fail("%d pods wanted, %d allowed, and not reduced", wantedAfter, limit)
	}
	if floor := r.plan.Replicas - r.plan.Slack; availableAfter < min(floor, availableBefore) {
		g.fail("%d of %d available pods left, at least %d needed", availableAfter, availableBefore, floor)
	}
}

func creates(d Decision) bool {
	for _, action := range d.Actions {
		if _, ok := action.(CreateSet); ok {
			return true
		}
	}
	return false
}

// restarts tells whether the decision only recorded that the steps begin anew.
func restarts(r result) bool {
	return r.seen.State.CurrentHash != r.plan.Hash || r.seen.State.StepsHash != r.plan.StepsHash
}

// finish lets everything go well, after which the update must be through.
func (g *game) finish() {
	c := g.cluster
	c.lag = false
	for tag := range 4 {
		if err := c.setPods("ok", fmt.Sprintf("app:v%d", tag)); err != nil {
			g.t.Fatal(err)
		}
	}
	for _, line := range []string{"unpause", "retry", "promote-full"} {
		if err := c.do(line); err != nil {
			g.history = append(g.history, "refused: "+err.Error())
		}
		for range 100 {
			if !g.decide(false) {
				break
			}
			c.syncSets()
		}
	}
	if c.ro.Status.Phase != v1alpha1.RolloutPhaseHealthy {
		g.fail("the update ends %s: %s", c.ro.Status.Phase, c.ro.Status.Message)
	}
	stable, _, old := c.pods(c.ro.Status.CurrentPodHash)
	want := fmt.Sprintf("%s %d/%d", strings.TrimPrefix(c.ro.Spec.Template.Spec.Containers[0].Image, "app:"), *c.ro.Spec.Replicas, *c.ro.Spec.Replicas)
	if stable != want || old != "" {
		g.fail("the update ends with stable %q, old %q, want %q alone", stable, old, want)
	}
}

func (g *game) fail(format string, args ...any) {
	g.t.Helper()
	g.t.Fatalf(format+"\nreplicas %d, bounds %v/%v, steps %v\nhistory:\n%s", append(args,
		*g.cluster.ro.Spec.Replicas, g.cluster.ro.Spec.Strategy.Canary.MaxSurge, g.cluster.ro.Spec.Strategy.Canary.MaxUnavailable,
		len(g.cluster.ro.Spec.Strategy.Canary.Steps), strings.Join(g.history, "\n"))...)
}
