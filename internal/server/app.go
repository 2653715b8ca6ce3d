package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/project"
)

// appRef is what a request says of the application that it means.
type appRef struct {
	name, namespace, project string
}

func (s *Server) key(ref appRef) client.ObjectKey {
	if ref.namespace == "" {
		ref.namespace = s.options.Namespace
	}
	return client.ObjectKey{Namespace: ref.namespace, Name: ref.name}
}

// object is an application's name in policies.
func (s *Server) object(app *argo.Application) string {
	return access.ApplicationName(s.options.Namespace, app.Spec.ProjectName(), app.Namespace, app.Name)
}

// serves tells whether Applications of a namespace are the hub's business.
func (s *Server) serves(ctx context.Context, namespace string) bool {
	return s.options.Settings.ApplicationNamespaces(ctx).Has(namespace)
}

func errNamespace(namespace string) error {
	return fail(connect.CodePermissionDenied, fmt.Errorf("namespace '%s' is not permitted", namespace))
}

// app finds the application that a call is about, and checks the row's permission on it. Who may neither get it nor do what
// the row is for can't tell whether it exists: as upstream's, the answer is then "permission denied" (or "not found" where the
// request names the project, and there is none for the caller in it). Who may get it learns which permission is lacking.
func (s *Server) app(ctx context.Context, c *call, ref appRef) (*argo.Application, error) {
	return s.appFor(ctx, c, ref, c.row.permission.action)
}

// appFor is app with other actions than the row's, of which the caller must be allowed one.
func (s *Server) appFor(ctx context.Context, c *call, ref appRef, actions ...string) (*argo.Application, error) {
	app, err := s.visibleApp(ctx, c, ref, actions...)
	if err != nil {
		return nil, err
	}
	c.checked = true
	resource, object := c.row.permission.resource, s.object(app)
	allowed := max(0, slices.IndexFunc(actions, func(action string) bool { return c.may(resource, action, object) }))
	if c.row.streams {
		if !c.may(resource, actions[allowed], object) {
			return nil, c.require(resource, actions[allowed], object)
		}
		c.granted.add(grant{resource, actions[allowed], object, client.ObjectKeyFromObject(app)})
		return app, s.permitProject(ctx, app)
	}
	if err := c.require(resource, actions[allowed], object); err != nil {
		return nil, err
	}
	return app, s.permitProject(ctx, app)
}

// visibleApp finds an application that the caller may get, or do one of the actions to. Those are still to be checked.
func (s *Server) visibleApp(ctx context.Context, c *call, ref appRef, actions ...string) (*argo.Application, error) {
	key := s.key(ref)
	if !s.serves(ctx, key.Namespace) {
		return nil, errPermission
	}
	visible := func(object string) bool {
		return slices.ContainsFunc(append(actions, access.Get), func(action string) bool {
			return c.may(access.Applications, action, object)
		})
	}
	hidden := error(errPermission)
	if ref.project != "" {
		if !visible(access.ApplicationName(s.options.Namespace, ref.project, key.Namespace, key.Name)) {
			return nil, hidden
		}
		hidden = appNotFound(ref.name)
	}
	app := &argo.Application{}
	err := s.options.Live.Get(ctx, key, app)
	switch {
	case apierrors.IsNotFound(err):
		return nil, hidden
	case err != nil:
		return nil, fmt.Errorf("reading application '%s': %w", ref.name, err)
	case !visible(s.object(app)), ref.project != "" && app.Spec.ProjectName() != ref.project:
		return nil, hidden
	}
	return app, nil
}

// permitProject sees that an application's project exists and is meant for its namespace. The answer doesn't tell which of
// the two is wrong: it would give away the names of projects.
func (s *Server) permitProject(ctx context.Context, app *argo.Application) error {
	bounds, err := s.bounds(ctx, app.Spec.ProjectName())
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("reading project '%s': %w", app.Spec.ProjectName(), err)
	}
	if err != nil || !s.permitsNamespace(bounds, app.Namespace) {
		return invalid(fmt.Sprintf("app is not allowed in project %q, or the project does not exist", app.Spec.Project))
	}
	return nil
}

// permitsNamespace tells whether a project's applications may live in a namespace: the hub's own, or one that it names.
func (s *Server) permitsNamespace(bounds *argo.AppProject, namespace string) bool {
	return namespace == s.options.Namespace ||
		slices.ContainsFunc(bounds.Spec.SourceNamespaces, func(pattern string) bool { return project.Glob(pattern, namespace, 0) })
}

// awaitApp waits a moment until lists know of an application that was just written: who creates one expects to see it. A list
// that comes too early is no error, so neither is a wait in vain.
func (s *Server) awaitApp(ctx context.Context, app *argo.Application) {
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	s.apps.reach(ctx, app)
}

// cacheTimeout is Argo CD's.
const cacheTimeout = 2 * time.Second

// change edits an application and writes it. Where somebody else's write crosses, it takes the newest state and edits that;
// an edit that refuses ends it. Doing says what for, in the error.
func (s *Server) change(ctx context.Context, app *argo.Application, doing string, edit func() error) error {
	for attempt := 0; ; attempt++ {
		if err := edit(); err != nil {
			return err
		}
		err := s.options.Client.Update(ctx, app)
		if err == nil {
			return nil
		}
		if !apierrors.IsConflict(err) || attempt == maxConflicts {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if err := s.reread(ctx, app); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
}

// maxConflicts is how often a change is tried again that somebody else's crossed.
const maxConflicts = 10

// reread takes an application's newest state in place of one that was too old to write.
func (s *Server) reread(ctx context.Context, app *argo.Application) error {
	fresh := &argo.Application{} // decoding into the old one would keep what is gone
	if err := s.options.Live.Get(ctx, client.ObjectKeyFromObject(app), fresh); err != nil {
		return err
	}
	*app = *fresh
	return nil
}

func appNotFound(name string) error {
	return fail(connect.CodeNotFound, errors.New(
		apierrors.NewNotFound(schema.GroupResource{Group: argo.GroupVersion.Group, Resource: "applications"}, name).Error()))
}
