package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"text/tabwriter"
	"time"

	"connectrpc.com/connect"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

const (
	// againAfter is how long a broken stream rests before it is opened again.
	againAfter = time.Second
	// silence is for how long nothing may be heard of an application before it is looked for.
	silence = 3 * time.Second
)

// progressLine is a line of what is told while waiting.
const progressLine = "%s\t%5s\t%10s\t%10s\t%20s\t%8s\t%7s\t%10s\t%s\n"

// waiting is a wait for an application.
type waiting struct {
	namespace, name string
	on              conditions
	selected        []v1alpha1.SyncOperationResource
	timeout         seconds
	format          output.Format
	// since is the resource version of the answer to the request that is waited for; what was before it doesn't count.
	since string
}

func (w *waiting) ref() string { return strings.TrimPrefix(w.namespace+"/"+w.name, "/") }

// follow streams the changes of an application. A hub that goes away is asked again when it is back. An application that was gone
// before the stream began, or while there was none, is a deletion too: what isn't told of is looked for.
func follow(ctx context.Context, c *client.Client, query *protocol.ApplicationQuery) iter.Seq2[*protocol.ApplicationWatchEvent, error] {
	return func(yield func(*protocol.ApplicationWatchEvent, error) bool) {
		for {
			open, end := context.WithCancel(ctx)
			silent := time.AfterFunc(silence, end)
			for event, err := range client.Stream(open, c, protocol.ApplicationWatch, query) {
				if open.Err() != nil || err != nil && connect.CodeOf(err) == connect.CodeUnavailable {
					break
				}
				silent.Stop()
				if !yield(event, err) || err != nil {
					end()
					return
				}
				silent.Reset(silence)
			}
			wasSilent := !silent.Stop()
			end()
			if ctx.Err() == nil && vanished(ctx, c, query) {
				event := &protocol.ApplicationWatchEvent{Type: "DELETED"}
				event.Application.Name, event.Application.Namespace = query.Name, query.AppNamespace
				yield(event, nil)
				return
			}
			if ctx.Err() != nil || !wasSilent && !rested(ctx) {
				return
			}
		}
	}
}

// vanished tells that there is no such application; who can't be asked has not said so.
func vanished(ctx context.Context, c *client.Client, query *protocol.ApplicationQuery) bool {
	list, err := client.Call(ctx, c, protocol.ApplicationList, query)
	return err == nil && len(list.Items) == 0
}

// rested waits before a stream is opened again.
func rested(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(againAfter):
		return true
	}
}

// wait waits until an application is as it should be, tells meanwhile what happens, and shows how it is in the end. The
// operation is the one that was seen then: the application may be a later one.
func (r *root) wait(ctx context.Context, c *client.Client, w waiting) (*v1alpha1.Application, *v1alpha1.OperationState, error) {
	url, err := appURL(ctx, c, w.ref())
	if err != nil {
		return nil, nil, err
	}
	bounded := ctx
	if w.timeout > 0 {
		with, cancel := context.WithTimeout(ctx, time.Duration(w.timeout))
		defer cancel()
		bounded = with
	}
	told := newProgress(r, w)
	query := &protocol.ApplicationQuery{Name: w.name, AppNamespace: w.namespace}
	app, err := client.Call(bounded, c, protocol.ApplicationGet, query)
	if err != nil && bounded.Err() == nil {
		return nil, nil, err
	}
	if err == nil && w.current(app) && w.ready(app) {
		return r.waited(ctx, c, w, app, url, false)
	}
	operated := false
	for event, err := range follow(bounded, c, query) {
		if err != nil {
			return nil, nil, err
		}
		app = &event.Application
		if event.Type == "DELETED" {
			if !w.on.deletion {
				return nil, nil, fmt.Errorf("application '%s' was deleted meanwhile", w.ref())
			}
			if w.quiet() {
				return nil, nil, nil
			}
			r.printf("Application '%s' deleted\n", qualified(app))
			return nil, nil, nil
		}
		operated = operated || app.Operation != nil && (app.Operation.Sync == nil || !app.Operation.Sync.DryRun)
		if w.current(app) && w.ready(app) {
			return r.waited(ctx, c, w, app, url, operated)
		}
		if err := told.tell(app); err != nil {
			_, state, showing := r.waited(ctx, c, w, app, url, false)
			return nil, state, errors.Join(err, showing)
		}
	}
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	return nil, nil, r.waitedInVain(ctx, c, w, url)
}

// current holds for a state that isn't from before the request that is waited for.
func (w *waiting) current(app *v1alpha1.Application) bool {
	if w.since == "" {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(app.ResourceVersion, w.since)
	return err != nil || order >= 0
}

// quiet holds for formats that are for programs: they get the application alone.
func (w *waiting) quiet() bool { return w.format == output.JSON || w.format == output.YAML }

// waited shows the application in the end; refreshed asks for a comparison first, because an operation's outcome shows in
// the sync status only after one.
func (r *root) waited(ctx context.Context, c *client.Client, w waiting, app *v1alpha1.Application, url string, refreshed bool) (*v1alpha1.Application, *v1alpha1.OperationState, error) {
	state := app.Status.OperationState
	if refreshed {
		var err error
		app, err = client.Call(ctx, c, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: w.name, AppNamespace: w.namespace, Refresh: "normal"})
		if err != nil {
			return nil, nil, err
		}
	}
	if w.quiet() {
		_, err := output.Value(r.streams.Out, w.format, app)
		return app, state, err
	}
	r.printf("\n")
	r.printSummary(app, url, nil)
	r.printf("\n")
	if w.on.operation {
		r.printOperation(app.Status.OperationState)
	}
	return app, state, r.printParts(ctx, c, app, w.format)
}

// waitedInVain shows the application after the time was over.
func (r *root) waitedInVain(ctx context.Context, c *client.Client, w waiting, url string) error {
	if !w.quiet() {
		r.printf("\nThis is the state of the app after wait timed out:\n")
	}
	app, err := client.Call(ctx, c, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: w.name, AppNamespace: w.namespace})
	if err != nil {
		return errors.Join(w.timedOut(), err)
	}
	if !w.quiet() {
		r.printf("\nThe command timed out waiting for the conditions to be met.\n")
	}
	_, _, err = r.waited(ctx, c, w, app, url, false)
	return errors.Join(w.timedOut(), err)
}

// progress tells of each object what is new about it.
type progress struct {
	w     *waiting
	table *tabwriter.Writer
	known map[string]objectState
}

func newProgress(r *root, w waiting) *progress {
	p := &progress{w: &w, known: map[string]objectState{}}
	if !w.quiet() {
		p.table = tabwriter.NewWriter(r.streams.Out, 5, 0, 2, ' ', 0)
		fmt.Fprintf(p.table, progressLine, "TIMESTAMP", "GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE")
	}
	return p
}

// tell prints what is new; it is an error if an object's health got bad while Healthy is waited for.
func (p *progress) tell(app *v1alpha1.Application) error {
	for _, s := range objectStates(app, p.w.selected) {
		before, known := p.known[s.key()]
		if known && p.w.on.health && s.health == string(v1alpha1.HealthStatusDegraded) &&
			before.health != string(v1alpha1.HealthStatusUnknown) && before.health != string(v1alpha1.HealthStatusDegraded) {
			return fmt.Errorf("application '%s' health state has transitioned from %s to %s", p.w.ref(), before.health, s.health)
		}
		now := s
		if known { // what is known of an object stays known
			now.status, now.health = firstOf(s.status, before.status), firstOf(s.health, before.health)
			now.hook, now.message = firstOf(s.hook, before.hook), firstOf(s.message, before.message)
		}
		if known && now == before {
			continue
		}
		p.known[s.key()] = now
		if p.table != nil {
			fmt.Fprintf(p.table, progressLine, time.Now().Format("2006-01-02T15:04:05-07:00"),
				now.group, now.kind, now.namespace, now.name, now.status, now.health, now.hook, oneLine(now.message))
		}
	}
	if p.table == nil {
		return nil
	}
	return p.table.Flush()
}
