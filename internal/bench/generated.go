package bench

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/controller/applicationset"
)

// setName is that of the application set.
const setName = "many"

// bareSet measures what the API server takes to make and to change as many applications as the set has.
func bareSet(ctx context.Context, w *world) error {
	timed := func(do func(ctx context.Context, app *v1alpha1.Application) error) (time.Duration, error) {
		began := time.Now()
		err := forEach(ctx, applicationset.Default().Writes, w.options.Generated, func(ctx context.Context, i int) error {
			return do(ctx, w.newMember(bareNamespace, appName(i)))
		})
		return time.Since(began), err
	}
	var err error
	w.bare.made, err = timed(func(ctx context.Context, app *v1alpha1.Application) error { return w.client.Create(ctx, app) })
	if err != nil {
		return err
	}
	w.bare.changed, err = timed(func(ctx context.Context, app *v1alpha1.Application) error {
		before := app.DeepCopy()
		app.Labels["round"] = "two"
		return w.client.Patch(ctx, app, client.MergeFrom(before))
	})
	if err != nil {
		return err
	}
	if err := w.client.DeleteAllOf(ctx, &v1alpha1.Application{}, client.InNamespace(bareNamespace)); err != nil {
		return fmt.Errorf("tidying up behind the bare client: %w", err)
	}
	return nil
}

// generated: an application set that makes an application of each folder of a repository. The hub does the rest of its work
// beside: each application is fetched, rendered and compared, though not synced.
func generated(ctx context.Context, w *world) error {
	if err := w.hub.start(); err != nil {
		return err
	}
	if _, err := w.hub.untilCounts(ctx, w.options.Patience, "the hub answers", func(counts) bool { return true }); err != nil {
		return err
	}
	if _, err := w.git.push(ctx, manifests(w.options.Generated, "start")); err != nil {
		return err
	}
	set := w.newSet()
	err := w.generation(ctx, "application set: made → all %d applications exist", "one", w.bare.made, limit{most: 10 * time.Second}, func() error {
		return w.client.Create(ctx, set)
	})
	if err != nil {
		return err
	}
	err = w.generation(ctx, "  its template changes → all %d have changed", "two", w.bare.changed, limit{ratio: 2}, func() error {
		before := set.DeepCopy()
		set.Spec.Template.Labels["round"] = "two"
		return w.client.Patch(ctx, set, client.MergeFrom(before))
	})
	if err != nil {
		return err
	}
	return w.lookAgain(ctx, set)
}

// generation does something to the set, waits until all applications are in a round, and tells what that took.
func (w *world) generation(ctx context.Context, measure, round string, bare time.Duration, l limit, do func() error) error {
	n := w.options.Generated
	before, err := w.hub.spent(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("writing the application set: %w", err)
	}
	at, err := w.seen.until(ctx, w.options.Patience, "the applications are in round "+round, func() bool { return w.seen.appsInRound(round) == n })
	if err != nil {
		return err
	}
	cpu, err := w.hub.cpu()
	if err != nil {
		return err
	}
	after, err := w.hub.spent(ctx)
	if err != nil {
		return err
	}
	w.table.time(fmt.Sprintf(measure, n), at.Sub(began), bare, l, "")
	w.table.number("    CPU of the hub per application until then", each(cpu-before.cpu, n), " ms", -1, "")
	w.table.number("    until all are compared, too", each(after.cpu-before.cpu, n), " ms", -1, "")
	w.table.number("    and API writes per application", (after.writes-before.writes)/float64(n), "", -1, "")
	return nil
}

// lookAgain has the set looked at when nothing is to be done.
func (w *world) lookAgain(ctx context.Context, set *v1alpha1.ApplicationSet) error {
	before, err := w.hub.spent(ctx)
	if err != nil {
		return err
	}
	versions := w.seen.versions()
	asked := set.DeepCopy()
	asked.Annotations = map[string]string{v1alpha1.ApplicationSetRefreshAnnotation: "true"}
	if err := w.client.Patch(ctx, asked, client.MergeFrom(set)); err != nil {
		return fmt.Errorf("asking for a look at the application set: %w", err)
	}
	after, err := w.hub.spent(ctx)
	if err != nil {
		return err
	}
	w.table.number("  a look at it that finds nothing to do: CPU of the hub", float64((after.cpu - before.cpu).Milliseconds()), " ms", -1, "")
	w.table.exactly("    applications written to", changedBut(versions, w.seen.versions(), ""), 0, "")
	w.table.exactly("    API writes (the request is taken away)", after.writes-before.writes, 1, "")
	return nil
}

func (w *world) newSet() *v1alpha1.ApplicationSet {
	app := w.newMember("", "{{.path.basename}}")
	app.Spec.Source.Path = "{{.path.path}}"
	return &v1alpha1.ApplicationSet{
		ObjectMeta: metav1.ObjectMeta{Name: setName, Namespace: hubNamespace},
		Spec: v1alpha1.ApplicationSetSpec{
			GoTemplate: true, GoTemplateOptions: []string{"missingkey=error"},
			Generators: []v1alpha1.ApplicationSetGenerator{{Git: &v1alpha1.GitGenerator{
				RepoURL: w.git.url, Revision: "main", Directories: []v1alpha1.GitDirectoryGeneratorItem{{Path: "apps/*"}},
			}}},
			Template: v1alpha1.ApplicationSetTemplate{
				ApplicationSetTemplateMeta: v1alpha1.ApplicationSetTemplateMeta{Name: app.Name, Labels: app.Labels},
				Spec:                       app.Spec,
			},
		},
	}
}

// newMember is an application of the set, which is compared but not synced.
func (w *world) newMember(namespace, name string) *v1alpha1.Application {
	app := w.newApplication(namespace, name, "apps/"+name)
	app.Labels = map[string]string{"round": "one"}
	app.Spec.SyncPolicy = nil
	return app
}
