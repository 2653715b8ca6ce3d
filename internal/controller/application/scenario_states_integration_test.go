//go:build integration

package application

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// The commands with which a scenario asks for operations and looks at what came of them.

func (s *scenario) cmdSync(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: sync NAME [FLAGS]")
	}
	name, sync, async := args[0], &v1alpha1.SyncOperation{}, false
	if policy := s.get(name).Spec.SyncPolicy; policy != nil {
		sync.SyncOptions = policy.SyncOptions
	}
	force := false
	for args = args[1:]; len(args) > 0; args = args[1:] {
		value := ""
		switch args[0] {
		case "-revision", "-strategy", "-resource", "-option", "-local":
			if len(args) < 2 {
				ts.Fatalf("%s needs a value", args[0])
			}
			value = args[1]
		}
		switch args[0] {
		case "-prune":
			sync.Prune = true
		case "-dry-run":
			sync.DryRun = true
		case "-async":
			async = true
		case "-force":
			force = true
		case "-revision":
			sync.Revisions = append(sync.Revisions, s.commitNamed(value))
		case "-local":
			sync.Manifests = append(sync.Manifests, s.read(ts, value))
		case "-strategy":
			sync.SyncStrategy = strategy(value)
		case "-option":
			sync.SyncOptions = append(sync.SyncOptions, value)
		case "-resource":
			parts := strings.SplitN(value, ":", 3)
			if len(parts) != 3 {
				ts.Fatalf("a resource is GROUP:KIND:NAME")
			}
			sync.Resources = append(sync.Resources, v1alpha1.SyncOperationResource{Group: parts[0], Kind: parts[1], Name: parts[2]})
		default:
			ts.Fatalf("sync has no flag %s", args[0])
		}
		if value != "" {
			args = args[1:]
		}
	}
	if len(sync.Revisions) == 1 {
		sync.Revision, sync.Revisions = sync.Revisions[0], nil
	}
	if force {
		if sync.SyncStrategy == nil {
			sync.SyncStrategy = strategy("hook")
		}
		if apply := sync.SyncStrategy.Apply; apply != nil {
			apply.Force = true
		} else {
			sync.SyncStrategy.Hook.Force = true
		}
	}
	s.operate(ts, neg, name, async, func(app *v1alpha1.Application) *v1alpha1.SyncOperation {
		if !sync.DryRun {
			app.ClearHold()
		}
		return sync
	})
}

func strategy(name string) *v1alpha1.SyncStrategy {
	if name == "apply" {
		return &v1alpha1.SyncStrategy{Apply: &v1alpha1.SyncStrategyApply{}}
	}
	return &v1alpha1.SyncStrategy{Hook: &v1alpha1.SyncStrategyHook{}}
}

// operate asks for an operation in one write with what prepare changes, and waits for its end.
func (s *scenario) operate(ts *testscript.TestScript, neg bool, name string, async bool, prepare func(*v1alpha1.Application) *v1alpha1.SyncOperation) {
	var before time.Time
	s.patch(name, func(app *v1alpha1.Application) {
		if state := app.Status.OperationState; state != nil {
			before = state.StartedAt.Time
		}
		app.Operation = &v1alpha1.Operation{Sync: prepare(app), InitiatedBy: v1alpha1.OperationInitiator{Username: "ops"}}
		if policy := app.Spec.SyncPolicy; policy != nil && policy.Retry != nil {
			app.Operation.Retry = *policy.Retry
		}
	})
	if async {
		return
	}
	var state *v1alpha1.OperationState
	s.until("the operation on "+name+" has ended", func(context.Context) bool {
		app := s.get(name)
		state = app.Status.OperationState
		return app.Operation == nil && state != nil && state.StartedAt.After(before) && state.Phase.Completed()
	})
	s.print(ts, fmt.Sprintf("%s: %s\n", state.Phase, state.Message))
	if state.SyncResult != nil {
		for _, r := range state.SyncResult.Resources {
			s.print(ts, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s %s", r.Kind, strings.TrimPrefix(r.Namespace+"/"+r.Name, "/"), r.HookType, r.Status, r.HookPhase, r.Message)), " ")+"\n")
		}
	}
	if succeeded := state.Phase == v1alpha1.OperationSucceeded; succeeded == neg {
		ts.Fatalf("the operation ended as %s: %s", state.Phase, state.Message)
	}
}

func (s *scenario) cmdRollback(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: rollback NAME ID")
	}
	id, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	s.operate(ts, neg, args[0], false, func(app *v1alpha1.Application) *v1alpha1.SyncOperation {
		entry := app.Status.History.ByID(id)
		if entry == nil {
			ts.Fatalf("there is no history entry %d", id)
		}
		app.SetHold(v1alpha1.Hold{HistoryID: id, Revision: entry.Revision, By: "ops", At: time.Now()})
		sync := &v1alpha1.SyncOperation{Revision: entry.Revision, Revisions: entry.Revisions, Sources: entry.Sources, SyncStrategy: strategy("apply")}
		if len(entry.Sources) == 0 {
			sync.Source = entry.Source.DeepCopy()
		}
		return sync
	})
}

func (s *scenario) cmdRelease(_ *testscript.TestScript, _ bool, args []string) {
	s.patch(args[0], func(app *v1alpha1.Application) { app.ClearHold() })
}

func (s *scenario) cmdTerminate(_ *testscript.TestScript, _ bool, args []string) {
	s.patch(args[0], func(app *v1alpha1.Application) { app.Status.OperationState.Phase = v1alpha1.OperationTerminating })
}

func (s *scenario) cmdRefresh(_ *testscript.TestScript, _ bool, args []string) {
	how := "normal"
	if len(args) > 1 {
		how = args[1]
	}
	s.patch(args[0], func(app *v1alpha1.Application) {
		if app.Annotations == nil {
			app.Annotations = map[string]string{}
		}
		app.Annotations[v1alpha1.RefreshAnnotation] = how
	})
	s.until(args[0]+" is refreshed", func(context.Context) bool { return s.get(args[0]).Annotations[v1alpha1.RefreshAnnotation] == "" })
}

func (s *scenario) cmdWait(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: await NAME STATE...")
	}
	name := args[0]
	s.until(name+" is "+strings.Join(args[1:], ", "), func(ctx context.Context) bool {
		app := &v1alpha1.Application{}
		err := s.client.Get(ctx, client.ObjectKey{Namespace: s.hub, Name: s.name(name)}, app)
		if apierrors.IsNotFound(err) {
			return args[1] == "gone"
		}
		ts.Check(err)
		for _, state := range args[1:] {
			so, err := s.is(app, state)
			ts.Check(err)
			if !so {
				return false
			}
		}
		return true
	})
}

var states = map[string]string{
	"synced": "Synced", "outofsync": "OutOfSync", "unknown": "Unknown",
	"healthy": "Healthy", "progressing": "Progressing", "degraded": "Degraded", "suspended": "Suspended", "missing": "Missing",
}

// is tells whether an application is in a state that `await` knows.
func (s *scenario) is(app *v1alpha1.Application, state string) (bool, error) {
	operation := app.Status.OperationState
	if operation == nil {
		operation = &v1alpha1.OperationState{}
	}
	if word, ok := states[state]; ok {
		return string(app.Status.Sync.Status) == word || string(app.Status.Health.Status) == word, nil
	}
	word, value, _ := strings.Cut(state, "=")
	if before, after, ok := strings.Cut(state, "~"); ok && before == "message" {
		word, value = before, after
	}
	switch word {
	case "gone":
		return false, nil
	case "idle":
		return app.Operation == nil && !running(app.Status.OperationState), nil
	case "phase":
		return string(operation.Phase) == value, nil
	case "at":
		return app.Status.Sync.Revision == s.commitNamed(value), nil
	case "ran":
		return operation.SyncResult != nil && operation.SyncResult.Revision == s.commitNamed(value), nil
	case "message":
		return regexp.MatchString(value, operation.Message)
	case "condition", "nocondition":
		kind, pattern, _ := strings.Cut(value, "~")
		found := false
		for _, c := range app.Status.Conditions {
			matches, err := regexp.MatchString(pattern, c.Message)
			if err != nil {
				return false, err
			}
			found = found || matches && (kind == "" || string(c.Type) == kind)
		}
		return found == (word == "condition"), nil
	}
	return false, fmt.Errorf("await knows no state %q", state)
}

func (s *scenario) cmdApp(ts *testscript.TestScript, _ bool, args []string) {
	s.print(ts, table(s.get(args[0])))
}

func (s *scenario) cmdHistory(ts *testscript.TestScript, _ bool, args []string) {
	history := s.get(args[0]).Status.History
	if len(history) == 0 {
		s.print(ts, "nothing yet\n")
	}
	for _, entry := range history {
		by := entry.InitiatedBy.Username
		if entry.InitiatedBy.Automated {
			by = "automated"
		}
		s.print(ts, strings.TrimSpace(fmt.Sprintf("%d %s%s %s", entry.ID, entry.Revision, strings.Join(entry.Revisions, " "), strings.Join(append([]string{by}, entry.Images...), " ")))+"\n")
	}
}

func (s *scenario) cmdLive(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 || !neg && len(args) < 2 {
		ts.Fatalf("usage: live KIND[.GROUP]/[NAMESPACE/]NAME PATH [VALUE], or ! live KIND[.GROUP]/[NAMESPACE/]NAME")
	}
	if neg {
		s.until(args[0]+" is gone", func(context.Context) bool { return s.object(ts, args[0]) == nil })
		return
	}
	path := jsonpath.New("live").AllowMissingKeys(true)
	ts.Check(path.Parse("{" + args[1] + "}"))
	var value string
	look := func(context.Context) bool {
		value = ""
		if u := s.object(ts, args[0]); u != nil {
			var b strings.Builder
			ts.Check(path.Execute(&b, u.Object))
			value = b.String()
		}
		return len(args) < 3 || value == args[2]
	}
	what := args[0]
	if len(args) > 2 {
		what = fmt.Sprintf("%s of %s is %q", args[1], args[0], args[2])
	}
	s.until(what, look)
	s.print(ts, value+"\n")
}

// object finds KIND[.GROUP]/[NAMESPACE/]NAME; nil if there is none, nor such a kind.
func (s *scenario) object(ts *testscript.TestScript, name string) *unstructured.Unstructured {
	parts := strings.Split(name, "/")
	if len(parts) == 2 {
		parts = []string{parts[0], s.target, parts[1]}
	}
	if len(parts) != 3 {
		ts.Fatalf("%q is not KIND[.GROUP]/[NAMESPACE/]NAME", name)
	}
	mapping, err := s.client.RESTMapper().RESTMapping(schema.ParseGroupKind(parts[0]))
	if err != nil {
		return nil
	}
	if mapping.Scope.Name() == "root" {
		parts[1] = ""
	}
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(mapping.GroupVersionKind)
	err = s.client.Get(s.t.Context(), client.ObjectKey{Namespace: parts[1], Name: parts[2]}, u)
	if apierrors.IsNotFound(err) {
		return nil
	}
	ts.Check(err)
	return u
}

func (s *scenario) cmdWrites(ts *testscript.TestScript, _ bool, _ []string) {
	s.print(ts, writes(s.wire.take()))
}

func (s *scenario) cmdRequests(ts *testscript.TestScript, _ bool, _ []string) {
	s.print(ts, tally(s.wire.take(), func(a asked) bool { return a.method != http.MethodGet || !strings.HasPrefix(a.object, "/") }))
}

func (s *scenario) cmdRenderings(ts *testscript.TestScript, _ bool, _ []string) {
	rendered, _ := s.renderer.Counts()
	s.print(ts, fmt.Sprintf("%d\n", rendered))
}

// cmdReconciles counts once nothing happens any more: several looks in a row find the same number.
func (s *scenario) cmdReconciles(ts *testscript.TestScript, _ bool, _ []string) {
	count, calm := s.reconciles(), 0
	s.until("the applications are left alone", func(context.Context) bool {
		if now := s.reconciles(); now != count {
			count, calm = now, 0
		}
		calm++
		return calm > 60
	})
	s.print(ts, fmt.Sprintf("%d\n", count-s.reconciled))
	s.reconciled = count
}
