package application

import (
	"context"
	"errors"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/trace"
)

// traced begins the span of a reconcile.
func (r *Reconciler) traced(ctx context.Context, v *visit) (context.Context, func()) {
	ctx, end := r.tracer.Start(ctx, "reconcile", "application", v.app.Namespace+"/"+v.app.Name, "project", v.app.Spec.ProjectName())
	return ctx, func() {
		if v.head != nil && len(v.head.Revisions) > 0 {
			r.tracer.Note(ctx, "revision", v.head.Revisions[0])
		}
		end(v.err)
	}
}

// perform runs a phase as a span of its reconcile.
func (r *Reconciler) perform(ctx context.Context, p phase, v *visit) error {
	ctx, end := r.tracer.Start(ctx, p.name)
	err := p.run(r, ctx, v)
	end(err)
	return err
}

// observedManifests counts and traces what is done with sources.
type observedManifests struct {
	Manifests
	metrics *measures
	tracer  *trace.Tracer
}

// Fetch fetches, counted and traced under the first of the repositories.
func (t observedManifests) Fetch(ctx context.Context, project string, sources v1alpha1.ApplicationSources) error {
	var first v1alpha1.ApplicationSource
	if len(sources) > 0 {
		first = sources[0]
	}
	count := t.metrics.ask("fetch", first.RepoURL, first.TargetRevision)
	ctx, end := t.tracer.Start(ctx, "git fetch", "repository", event.NormalizeURL(first.RepoURL))
	err := t.Manifests.Fetch(ctx, project, sources)
	end(err)
	count(err)
	return err
}

// Render renders in a span.
func (t observedManifests) Render(ctx context.Context, request desired.Request) (*desired.Manifests, error) {
	ctx, end := t.tracer.Start(ctx, "render manifests")
	manifests, err := t.Manifests.Render(ctx, request)
	if err == nil {
		t.tracer.Note(ctx, "reused", strconv.FormatBool(manifests.Reused))
	}
	end(err)
	return manifests, err
}

// observed counts and traces what an application asks of its cluster.
type observed struct {
	Cluster
	r *Reconciler
	// These are equal in each reconcile of an application, so that a run knows its cluster again.
	namespace, project, server string
}

func (o observed) begin(ctx context.Context, verb string, gvk schema.GroupVersionKind, key object.Key, dryRun bool) (context.Context, func(error)) {
	name := verb
	if dryRun {
		name = "dry-run"
	}
	pending := o.r.metrics.execPending.WithLabelValues(o.r.metrics.host, name)
	pending.Inc()
	ctx, end := o.r.tracer.Start(ctx, name, "kind", gvk.Kind, "namespace", key.Namespace, "name", key.Name)
	return ctx, func(err error) {
		end(err)
		pending.Dec()
		o.r.metrics.execs.WithLabelValues(o.r.metrics.host, name).Inc()
		o.r.metrics.kubeRequests.WithLabelValues(o.namespace, "", o.project, o.server, statusCode(err), verb,
			gvk.Kind, key.Namespace, strconv.FormatBool(dryRun)).Inc()
	}
}

func statusCode(err error) string {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return "200"
	case errors.As(err, &status):
		return strconv.Itoa(int(status.Status().Code))
	}
	return "" // there was no answer
}

// Apply applies, counted and traced.
func (o observed) Apply(ctx context.Context, manifest *unstructured.Unstructured, options cluster.ApplyOptions) (*unstructured.Unstructured, error) {
	verb := "Patch"
	if options.Replace {
		verb = "Update"
	}
	ctx, end := o.begin(ctx, verb, manifest.GroupVersionKind(), object.KeyOf(manifest), options.DryRun)
	answer, err := o.Cluster.Apply(ctx, manifest, options)
	end(err)
	return answer, err
}

// Delete deletes, counted and traced.
func (o observed) Delete(ctx context.Context, gvk schema.GroupVersionKind, key object.Key, propagation string, uid types.UID) error {
	ctx, end := o.begin(ctx, "Delete", gvk, key, false)
	err := o.Cluster.Delete(ctx, gvk, key, propagation, uid)
	end(err)
	return err
}

// Get reads, counted and traced.
func (o observed) Get(ctx context.Context, gvk schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error) {
	ctx, end := o.begin(ctx, "Get", gvk, key, false)
	u, err := o.Cluster.Get(ctx, gvk, key)
	end(err)
	return u, err
}
