package syncplan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

// OperationAnnotation is put on hooks: which operation made them. It is how a hook is found again, rather than run twice,
// after the hub was killed.
const OperationAnnotation = "fairlead.dev/operation"

// Item is one object as the comparison saw it: the manifest (nil if Git no longer has it), the live object (nil if the
// cluster doesn't have it yet), and whether an apply would change nothing.
type Item struct {
	Target, Live *unstructured.Unstructured
	InSync       bool
	// Exact objects are in sync in every field; of others, something was ignored.
	Exact bool
	// Checked says that the API server has accepted this manifest in a dry-run.
	Checked bool
}

// Input is what a plan is made of.
type Input struct {
	Items []Item
	// Hooks are the manifests that are hooks; LiveHooks the objects of them that exist.
	Hooks     []*unstructured.Unstructured
	LiveHooks map[object.Key]*unstructured.Unstructured
	// Namespace is the destination's; NamespaceLive the object, nil if it doesn't exist.
	Namespace     string
	NamespaceLive *unstructured.Unstructured
	// OperationID tells operations, and repetitions of one, apart. Revision is for the names of generated hooks.
	OperationID, Revision string
	Options               Options
}

// task is an action with its place.
type task struct {
	Action
	phase v1alpha1.SyncPhase
	wave  int
	// prune is for what Git no longer has, last for prunes that wait until everything else is healthy.
	prune, last bool
}

// Build makes the plan.
func Build(in Input) Plan {
	var tasks []task
	for _, item := range in.Items {
		if t, ok := in.itemTask(item); ok {
			tasks = append(tasks, t)
		}
	}
	if !in.Options.SkipHooks {
		tasks = append(tasks, in.hookTasks(v1alpha1.SyncPhasePreSync, v1alpha1.SyncPhaseSync, v1alpha1.SyncPhasePostSync, v1alpha1.SyncPhaseSyncFail)...)
	}
	tasks = append(in.namespaceTask(tasks), tasks...)
	plan := Plan{DryRun: in.Options.DryRun, Propagation: in.Options.Propagation, SkipMissingKinds: in.Options.SkipMissingKinds}
	var main, onFailure []task
	for _, t := range tasks {
		plan.DefinesKinds = plan.DefinesKinds || definesKind(t)
		if t.phase == v1alpha1.SyncPhaseSyncFail {
			onFailure = append(onFailure, t)
		} else {
			main = append(main, t)
		}
	}
	plan.Steps = steps(main)
	plan.OnFailure = steps(onFailure)
	in.markWaits(plan.Steps)
	return plan
}

func (in Input) itemTask(item Item) (task, bool) {
	o := in.Options
	if item.Target == nil {
		if item.Live == nil || !o.selects(object.KeyOf(item.Live)) {
			return task{}, false
		}
		return pruneTask(item.Live, o), true
	}
	key := object.KeyOf(item.Target)
	if !o.selects(key) {
		return task{}, false
	}
	a := Action{
		Verb: Apply, Key: key, Target: item.Target, Live: item.Live, Checked: item.Checked,
		Force:          switchedOn(item.Target, "Force", o.Force),
		SkipValidation: o.SkipValidation || object.HasSyncOption(item.Target, "Validate=false"),
		SkipMigration:  o.SkipMigration, MigrateFrom: o.MigrateFrom,
	}
	replace := switchedOn(item.Target, "Replace", o.Replace)
	switch {
	case item.InSync && switchedOn(item.Target, "ApplyOutOfSyncOnly", o.OutOfSyncOnly):
		return task{}, false
	case replace:
		a.Verb = Replace
	case item.InSync && item.Exact && !a.Force:
		a.Verb = Keep
	}
	return task{Action: a, phase: v1alpha1.SyncPhaseSync, wave: object.Wave(item.Target)}, true
}

func pruneTask(live *unstructured.Unstructured, o Options) task {
	t := task{
		Action: Action{Verb: Prune, Key: object.KeyOf(live), Live: live},
		phase:  v1alpha1.SyncPhaseSync, wave: object.Wave(live), prune: true,
		last: o.PruneLast || object.HasSyncOption(live, "PruneLast=true"),
	}
	skip := func(reason string) { t.Verb, t.Reason, t.last = SkipPrune, reason, false }
	word, own := object.SyncOption(live, "Prune")
	if !own {
		word = o.PruneWord
	}
	switch {
	case !o.Prune:
		skip("requires pruning")
	case word == "false", !own && object.HelmKeeps(live):
		skip("no prune")
	case word == "confirm":
		t.Confirm = true
	}
	return t
}

// BuildDeletion makes the plan of the hooks of an application's deletion, before or after what it manages goes.
func BuildDeletion(in Input, moment object.Hook) Plan {
	return Plan{Steps: waited(steps(in.hookTasks(v1alpha1.SyncPhase(moment)))), Propagation: "foreground"}
}

// waited has every step waited for.
func waited(steps []Step) []Step {
	for i := range steps {
		steps[i].Wait = true
	}
	return steps
}

// hookTasks are those of the given phases: hooks of other ones, and Skip, run at other times or never.
func (in Input) hookTasks(phases ...v1alpha1.SyncPhase) []task {
	var tasks []task
	for _, hook := range in.Hooks {
		moments, _ := object.Hooks(hook)
		for _, moment := range moments {
			phase := v1alpha1.SyncPhase(moment)
			if !slices.Contains(phases, phase) {
				continue
			}
			target := in.prepareHook(hook, phase)
			key := object.KeyOf(target)
			tasks = append(tasks, task{
				Action: Action{Verb: Run, Key: key, Target: target, Live: in.LiveHooks[key], Hook: true, Delete: object.HookDeletePolicies(hook)},
				phase:  phase, wave: object.Wave(hook),
			})
		}
	}
	return tasks
}

// prepareHook gives a hook without a name one that is the same each time the same operation is planned, and marks it.
func (in Input) prepareHook(hook *unstructured.Unstructured, phase v1alpha1.SyncPhase) *unstructured.Unstructured {
	hook = hook.DeepCopy()
	if hook.GetName() == "" {
		revision := in.Revision[:min(7, len(in.Revision))]
		hook.SetName(strings.ToLower(fmt.Sprintf("%s%s-%s-%s", hook.GetGenerateName(), revision, phase, in.OperationID)))
		hook.SetGenerateName("")
		object.Retrack(hook)
	}
	annotations := hook.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[OperationAnnotation] = HookMark(in.OperationID, phase)
	hook.SetAnnotations(annotations)
	if finalizers := hook.GetFinalizers(); !slices.Contains(finalizers, object.HookFinalizer) {
		hook.SetFinalizers(append(finalizers, object.HookFinalizer))
	}
	return hook
}

// HookMark is the value of OperationAnnotation on what an operation runs in a phase: one manifest may be a hook of several.
func HookMark(operationID string, phase v1alpha1.SyncPhase) string {
	return operationID + " " + string(phase)
}

// namespaceTask makes the destination's namespace first of all, unless the manifests have it themselves.
func (in Input) namespaceTask(tasks []task) []task {
	if !in.Options.CreateNamespace || in.Namespace == "" || in.NamespaceLive != nil && in.Options.NamespaceMetadata == nil {
		return nil
	}
	first := 0
	for _, t := range tasks {
		if t.Key == (object.Key{Kind: "Namespace", Name: in.Namespace}) {
			return nil
		}
		if t.phase == v1alpha1.SyncPhasePreSync {
			first = min(first, t.wave)
		}
	}
	namespace := &unstructured.Unstructured{}
	namespace.SetAPIVersion("v1")
	namespace.SetKind("Namespace")
	namespace.SetName(in.Namespace)
	if metadata := in.Options.NamespaceMetadata; metadata != nil {
		if len(metadata.Labels) > 0 {
			namespace.SetLabels(metadata.Labels)
		}
		if len(metadata.Annotations) > 0 {
			namespace.SetAnnotations(metadata.Annotations)
		}
	}
	// What others wrote on the namespace stays theirs.
	return []task{{
		Action: Action{Verb: Apply, Key: object.KeyOf(namespace), Target: namespace, Live: in.NamespaceLive, SkipMigration: true},
		phase:  v1alpha1.SyncPhasePreSync, wave: first - 1,
	}}
}

var phaseOrder = map[v1alpha1.SyncPhase]int{
	v1alpha1.SyncPhasePreSync: 0, v1alpha1.SyncPhaseSync: 1, v1alpha1.SyncPhasePostSync: 2, v1alpha1.SyncPhaseSyncFail: 3,
}

// compareTasks orders by phase; then prunes after the rest, and backwards; then wave, kind, and name.
func compareTasks(a, b task) int {
	if c := cmp.Compare(phaseOrder[a.phase], phaseOrder[b.phase]); c != 0 {
		return c
	}
	if a.prune != b.prune {
		if b.prune {
			return -1
		}
		return 1
	}
	if a.last != b.last {
		if b.last {
			return -1
		}
		return 1
	}
	direction := 1
	if a.prune {
		direction = -1
	}
	return cmp.Or(
		direction*cmp.Compare(a.wave, b.wave),
		direction*cmp.Compare(kindOrder[a.Key.Kind], kindOrder[b.Key.Kind]),
		a.Key.Compare(b.Key),
	)
}

func definesKind(t task) bool { return t.Key.Kind == "CustomResourceDefinition" && !t.prune }

// steps groups tasks into steps and batches. Definitions of kinds are a step of their own: their objects can't be
// applied before the cluster has established them.
func steps(tasks []task) []Step {
	slices.SortStableFunc(tasks, compareTasks)
	var all []Step
	for i, t := range tasks {
		defines := definesKind(t)
		newStep, newBatch := i == 0, i == 0
		if i > 0 {
			last := tasks[i-1]
			newStep = last.phase != t.phase || last.wave != t.wave || last.prune != t.prune || last.last != t.last || definesKind(last) && !defines
			newBatch = newStep || kindOrder[last.Key.Kind] != kindOrder[t.Key.Kind]
		}
		if newStep {
			all = append(all, Step{Phase: t.phase, Wave: t.wave, last: t.last})
		}
		step := &all[len(all)-1]
		if newBatch {
			step.Batches = append(step.Batches, nil)
		}
		step.Batches[len(step.Batches)-1] = append(step.Batches[len(step.Batches)-1], t.Action)
	}
	return all
}

// markWaits says which steps are waited for: those that another one follows. Prunes are an exception, unless they are to
// be last: a sync without waves and hooks is done when everything is sent, as in Argo CD.
func (in Input) markWaits(steps []Step) {
	for i := range steps {
		for _, later := range steps[i+1:] {
			if !later.prunesOnly() || later.last {
				steps[i].Wait = true
			}
		}
		if steps[i].prunesOnly() {
			steps[i].Wait = false
		}
	}
}

func (s Step) prunesOnly() bool {
	for _, a := range s.Actions() {
		if a.Verb != Prune && a.Verb != SkipPrune {
			return false
		}
	}
	return true
}
