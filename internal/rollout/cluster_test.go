package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// cluster is as much of a cluster as a decision can tell from a real one: a Rollout, its ReplicaSets and Services, a
// ReplicaSet controller that creates and deletes pods at once, and pods that become available at once unless told otherwise.
type cluster struct {
	ro       *v1alpha1.Rollout
	sets     []appsv1.ReplicaSet
	services map[string]string
	pods_    []Pod
	// stuck are images whose pods don't become available.
	stuck map[string]bool
	// podNames counts pods, so that their names are unique.
	podNames   int
	start, now time.Time
	// tags are the images' tags by pod hash, also of sets that are gone.
	tags map[string]string
	// lag, if set, leaves what the ReplicaSet controller does to the test.
	lag bool
}

func newCluster(ro *v1alpha1.Rollout) *cluster {
	start := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	ro.UID, ro.Generation, ro.Namespace = "rollout", 1, "default"
	return &cluster{
		ro: ro, start: start, now: start,
		services: map[string]string{}, stuck: map[string]bool{}, tags: map[string]string{},
	}
}

// result is what a reconciliation led to.
type result struct {
	plan     Plan
	seen     Observed
	decision Decision
	invalid  error
}

// reconcile observes, decides, acts and records. With crash, it stops before recording.
func (c *cluster) reconcile(crash bool) (result, bool) {
	var r result
	before := c.ro.Status.DeepCopy()
	r.plan, r.invalid = ArgoPlan(c.ro, c.sets)
	if r.invalid != nil {
		c.ro.Status = ArgoInvalid(c.ro, r.invalid, c.now)
		return r, !reflect.DeepEqual(before, &c.ro.Status)
	}
	r.seen = c.observe(r.plan)
	r.decision = Decide(r.plan, r.seen, c.now)
	for _, action := range r.decision.Actions {
		c.act(action)
	}
	if !c.lag {
		c.syncSets()
	}
	if crash {
		return r, true
	}
	c.ro.Status = c.stored(ArgoStatus(c.ro, r.plan, r.seen, r.decision, c.now))
	return r, len(r.decision.Actions) > 0 || !reflect.DeepEqual(before, &c.ro.Status)
}

// stored is a status as the API server gives it back.
func (c *cluster) stored(status v1alpha1.RolloutStatus) v1alpha1.RolloutStatus {
	text, err := json.Marshal(status)
	if err != nil {
		panic(err)
	}
	back := v1alpha1.RolloutStatus{}
	if err := json.Unmarshal(text, &back); err != nil {
		panic(err)
	}
	return back
}

func (c *cluster) observe(plan Plan) Observed {
	seen := Observed{State: ArgoState(&c.ro.Status), Services: c.services}
	for i := range c.sets {
		seen.Sets = append(seen.Sets, ArgoSet(&c.sets[i]))
	}
	if plan.RestartDue(seen.State, c.now) {
		seen.Pods = append(seen.Pods, c.pods_...)
	}
	return seen
}

func (c *cluster) act(action Action) {
	switch a := action.(type) {
	case CreateSet:
		c.create(a)
	case ScaleSet:
		set := c.find(a.Name)
		set.Spec.Replicas = ptr.To(a.To)
		set.Generation++
	case AdjustSet:
		set := c.find(a.Name)
		set.Annotations[v1alpha1.RolloutRevisionAnnotation] = strconv.FormatInt(a.Revision, 10)
		set.Spec.MinReadySeconds = a.MinReadySeconds
	case DeleteSet:
		for i := range c.sets {
			if c.sets[i].Name == a.Name {
				c.sets = append(c.sets[:i], c.sets[i+1:]...)
				return
			}
		}
	case SwitchService:
		c.services[a.Service] = a.To
	case EvictPod:
		for i := range c.pods_ {
			if c.pods_[i].Name == a.Name {
				c.pods_ = append(c.pods_[:i], c.pods_[i+1:]...)
				return
			}
		}
	default:
		panic(fmt.Sprintf("unknown action %T", action))
	}
}

func (c *cluster) create(a CreateSet) {
	if c.find(a.Name) != nil {
		return // as after a crash: the driver finds that it is there
	}
	template := c.ro.Spec.Template.DeepCopy()
	template.Labels[v1alpha1.RolloutPodHashLabel] = a.Hash
	template.Spec.TerminationGracePeriodSeconds = ptr.To[int64](30) // one of the API server's defaults
	c.sets = append(c.sets, appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:              a.Name,
			Labels:            template.Labels,
			Annotations:       map[string]string{v1alpha1.RolloutRevisionAnnotation: strconv.FormatInt(a.Revision, 10)},
			CreationTimestamp: metav1.NewTime(c.now.Add(time.Duration(len(c.sets)) * time.Millisecond)),
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(c.ro, v1alpha1.GroupVersion.WithKind("Rollout")),
			},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: ptr.To(a.Replicas), Template: *template, MinReadySeconds: c.ro.Spec.MinReadySeconds,
		},
	})
}

func (c *cluster) find(name string) *appsv1.ReplicaSet {
	for i := range c.sets {
		if c.sets[i].Name == name {
			return &c.sets[i]
		}
	}
	return nil
}

// syncSets is the ReplicaSet controller and the kubelet.
func (c *cluster) syncSets() {
	for i := range c.sets {
		c.syncSet(&c.sets[i])
	}
}

func (c *cluster) syncSet(set *appsv1.ReplicaSet) {
	var mine, rest []Pod
	for _, pod := range c.pods_ {
		if pod.Set == set.Name {
			mine = append(mine, pod)
		} else {
			rest = append(rest, pod)
		}
	}
	for int32(len(mine)) > *set.Spec.Replicas {
		mine = withoutLeastReady(mine)
	}
	for int32(len(mine)) < *set.Spec.Replicas {
		c.podNames++
		mine = append(mine, Pod{
			Name: fmt.Sprintf("pod-%d", c.podNames), Set: set.Name, Created: c.now, Available: !c.stuck[image(set)],
		})
	}
	c.pods_ = append(rest, mine...)
	c.report(set)
}

// report brings the set's status up to date.
func (c *cluster) report(set *appsv1.ReplicaSet) {
	set.Status = appsv1.ReplicaSetStatus{ObservedGeneration: set.Generation}
	for _, pod := range c.pods_ {
		if pod.Set != set.Name {
			continue
		}
		set.Status.Replicas++
		if pod.Available {
			set.Status.ReadyReplicas++
			set.Status.AvailableReplicas++
		}
	}
}

// withoutLeastReady deletes a pod as the ReplicaSet controller does: one that isn't available first.
func withoutLeastReady(pods []Pod) []Pod {
	for i, pod := range pods {
		if !pod.Available {
			return append(pods[:i], pods[i+1:]...)
		}
	}
	return pods[:len(pods)-1]
}

func image(set *appsv1.ReplicaSet) string { return set.Spec.Template.Spec.Containers[0].Image }

func (c *cluster) setPods(how, tag string) error {
	switch how {
	case "ok", "stuck", "fail":
	default:
		return fmt.Errorf("pods can be ok, stuck or fail, not %q", how)
	}
	c.stuck[tag] = how != "ok"
	if how == "stuck" {
		return nil
	}
	for i := range c.pods_ {
		if set := c.find(c.pods_[i].Set); set != nil && image(set) == tag {
			c.pods_[i].Available = how == "ok"
		}
	}
	c.syncSets()
	return nil
}

// control carries out a person's order as the hub does.
func (c *cluster) control(action string) error {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(c.ro)
	if err != nil {
		return err
	}
	patches, err := Control(action, &unstructured.Unstructured{Object: object}, c.now)
	if err != nil {
		return err
	}
	for _, patch := range patches {
		if patch.Subresource == "" {
			c.ro.Generation++
		}
		if err := c.mergePatch(patch.Body); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) undo(revision int64) error {
	patch, err := Undo(c.ro, c.sets, revision)
	if err != nil || patch == nil {
		return errors.Join(err)
	}
	if patch.Type != types.JSONPatchType {
		return fmt.Errorf("undo patches by %s", patch.Type)
	}
	var operations []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if err := json.Unmarshal(patch.Body, &operations); err != nil {
		return err
	}
	template := &c.ro.Spec.Template
	*template = appsv1.ReplicaSet{}.Spec.Template
	c.ro.Generation++
	return json.Unmarshal(operations[0].Value, template)
}

// mergePatch applies a JSON merge patch (RFC 7386) to the Rollout.
func (c *cluster) mergePatch(patch []byte) error {
	text, err := json.Marshal(c.ro)
	if err != nil {
		return err
	}
	var object, change map[string]any
	if err := errors.Join(json.Unmarshal(text, &object), json.Unmarshal(patch, &change)); err != nil {
		return err
	}
	mergeInto(object, change)
	if text, err = json.Marshal(object); err != nil {
		return err
	}
	ro := &v1alpha1.Rollout{}
	if err := json.Unmarshal(text, ro); err != nil {
		return err
	}
	c.ro = ro
	return nil
}

func mergeInto(object, change map[string]any) {
	for key, value := range change {
		inner, isMap := value.(map[string]any)
		old, wasMap := object[key].(map[string]any)
		switch {
		case value == nil:
			delete(object, key)
		case isMap && wasMap:
			mergeInto(old, inner)
		default:
			object[key] = value
		}
	}
}

// pods are the wanted and available pods of each role, as a table shows them.
func (c *cluster) pods(hash string) (stable, canary, old string) {
	stable, canary, old = "-", "-", ""
	for i := range c.sets {
		set := ArgoSet(&c.sets[i])
		text := fmt.Sprintf("%s %d/%d", strings.TrimPrefix(image(&c.sets[i]), "app:"), set.Desired, set.Available)
		switch {
		case set.Hash == c.ro.Status.StableRS:
			stable = text
			if set.Hash == hash {
				canary = "="
			}
		case set.Hash == hash:
			canary = text
		case set.Desired > 0 || set.Replicas > 0:
			old += text + " "
		}
	}
	return stable, canary, strings.TrimSpace(old)
}

// plain replaces the names of sets by their image's tag.
func (c *cluster) plain(text string) string {
	for i := range c.sets {
		c.tags[c.sets[i].Labels[v1alpha1.RolloutPodHashLabel]] = strings.TrimPrefix(image(&c.sets[i]), "app:")
	}
	for hash, tag := range c.tags {
		text = strings.ReplaceAll(strings.ReplaceAll(text, c.ro.Name+"-"+hash, tag), hash, tag)
	}
	return text
}

func (c *cluster) clock() string { return c.since(c.now) }

func (c *cluster) since(t time.Time) string { return "+" + t.Sub(c.start).String() }
