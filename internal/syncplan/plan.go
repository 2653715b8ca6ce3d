package syncplan

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

// Verb is what happens to an object.
type Verb string

// The verbs.
const (
	// Apply sends the manifest by server-side apply.
	Apply Verb = "apply"
	// Replace puts the manifest in place of the object.
	Replace Verb = "replace"
	// Keep does nothing: it is known that an apply would change nothing.
	Keep Verb = "keep"
	// Run creates a hook and waits for its end.
	Run Verb = "run"
	// Prune deletes what Git no longer has.
	Prune Verb = "prune"
	// SkipPrune leaves what Git no longer has; Action.Reason says why.
	SkipPrune Verb = "leave"
)

// Action is what a step does to one object.
type Action struct {
	Verb Verb
	Key  object.Key
	// Target is the manifest; nil for Prune and SkipPrune. Live is the object when the plan was made; nil if there was none.
	Target, Live *unstructured.Unstructured
	// Force deletes and creates anew where the update is refused.
	Force bool
	// SkipValidation accepts unknown fields.
	SkipValidation bool
	// Checked says that the API server has accepted the manifest in a dry-run.
	Checked bool
	// Hook is true for what Run runs; Delete says when its object goes.
	Hook   bool
	Delete []object.HookDeletePolicy
	// Confirm says that a prune waits until a person has approved it.
	Confirm bool
	// SkipMigration leaves the fields of client-side applies to their managers; MigrateFrom is one more such manager.
	SkipMigration bool
	MigrateFrom   string
	Reason        string
}

// Step is a set of actions that may all begin once the step before is done. Batches run one after the other, the
// actions of a batch at once.
type Step struct {
	Phase   v1alpha1.SyncPhase
	Wave    int
	Batches [][]Action
	// Wait says that the step is done only when all its objects are healthy. Without it the step is done when everything
	// is sent; hooks and prunes are always waited for.
	Wait bool
	// last says that its prunes wait until everything else is healthy.
	last bool
}

// Plan is the whole of a sync.
type Plan struct {
	Steps []Step
	// OnFailure are the SyncFail hooks, run instead of the remaining steps when one fails.
	OnFailure []Step
	// Propagation of prunes: foreground, background or orphan.
	Propagation string
	DryRun      bool
	// DefinesKinds is true when the sync applies CustomResourceDefinitions: kinds that are unknown now may be known then.
	// SkipMissingKinds says that they will be known some other way.
	DefinesKinds, SkipMissingKinds bool
}

// Actions are all actions of the step, in order.
func (s Step) Actions() []Action {
	var all []Action
	for _, batch := range s.Batches {
		all = append(all, batch...)
	}
	return all
}

// Repeatable tells that nothing comes of beginning the sync anew, wherever it was left: a few applies, all at once, with no
// hooks, and nothing that is pruned, replaced or forced.
func (p Plan) Repeatable() bool {
	const few = 20
	if p.DryRun || len(p.Steps) > 1 || len(p.OnFailure) > 0 {
		return false
	}
	for _, step := range p.Steps {
		actions := step.Actions()
		if len(actions) > few {
			return false
		}
		for _, a := range actions {
			if a.Verb != Keep && a.Verb != SkipPrune && a.Verb != Apply || a.Force || a.Confirm {
				return false
			}
		}
	}
	return true
}

// Changes counts the actions that change something in the cluster.
func (p Plan) Changes() int {
	count := 0
	for _, step := range p.Steps {
		for _, a := range step.Actions() {
			if a.Verb != Keep && a.Verb != SkipPrune {
				count++
			}
		}
	}
	return count
}

// String prints the plan, a line an action, for people and tests.
func (p Plan) String() string {
	var b strings.Builder
	for _, step := range p.Steps {
		step.print(&b)
	}
	if len(p.OnFailure) > 0 {
		b.WriteString("if that fails:\n")
	}
	for _, step := range p.OnFailure {
		step.print(&b)
	}
	return b.String()
}

func (s Step) print(b *strings.Builder) {
	fmt.Fprintf(b, "%s, wave %d\n", s.Phase, s.Wave)
	for i, batch := range s.Batches {
		if i > 0 {
			b.WriteString("  then\n")
		}
		for _, a := range batch {
			fmt.Fprintf(b, "  %-7s %s", a.Verb, a.Key)
			if a.Force {
				b.WriteString(", by force")
			}
			if a.Confirm {
				b.WriteString(", once confirmed")
			}
			for _, policy := range a.Delete {
				fmt.Fprintf(b, ", %s", policy)
			}
			if a.Reason != "" {
				fmt.Fprintf(b, " (%s)", a.Reason)
			}
			b.WriteString("\n")
		}
	}
	if s.Wait {
		b.WriteString("  wait for health\n")
	}
}
