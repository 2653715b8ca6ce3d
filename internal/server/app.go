package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/connect"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/protocol"
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

func (s *Server) serves(namespace string) bool {
	return namespace == s.options.Namespace || slices.Contains(s.options.ApplicationNamespaces, namespace)
}

// app finds the application that a call is about, and checks the row's permission on it. Who may not get it can't tell
// whether it exists: as upstream's, the answer is then "permission denied" (or "not found" where the request names the
// project, and there is none for the caller in it). Who may get it learns which permission is lacking.
func (s *Server) app(ctx context.Context, c *call, ref appRef) (*argo.Application, error) {
	app, err := s.visibleApp(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	return app, c.allow(s.object(app))
}

// visibleApp finds an application that the caller may get. The row's own permission is still to be checked.
func (s *Server) visibleApp(ctx context.Context, c *call, ref appRef) (*argo.Application, error) {
	key := s.key(ref)
	if !s.serves(key.Namespace) {
		return nil, fail(connect.CodePermissionDenied, fmt.Errorf("namespace '%s' is not permitted", key.Namespace))
	}
	hidden := error(errPermission)
	if ref.project != "" {
		if !c.may(access.Applications, access.Get, access.ApplicationName(s.options.Namespace, ref.project, key.Namespace, key.Name)) {
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
	case !c.may(access.Applications, access.Get, s.object(app)),
		ref.project != "" && app.Spec.ProjectName() != ref.project:
		return nil, hidden
	}
	return app, nil
}

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

// appFilter is what a query selects.
type appFilter struct {
	selector        labels.Selector
	name, namespace string
	repo            string
	projects, names []string
	check           access.Check
}

func (s *Server) newAppFilter(c *call, q *protocol.ApplicationQuery) (*appFilter, error) {
	selector, err := labels.Parse(q.Selector)
	if err != nil {
		return nil, invalid(fmt.Sprintf("error parsing the selector: %v", err))
	}
	f := &appFilter{
		selector: selector, name: q.Name, namespace: q.AppNamespace, names: q.Names, check: c.filter(),
		projects: append(slices.Clone(q.Projects), q.Project...),
	}
	if q.Repo != "" {
		f.repo = event.NormalizeURL(q.Repo)
	}
	return f, nil
}

// selects tells whether the query means an application, and the caller may get it.
func (s *Server) selects(f *appFilter, app *argo.Application) bool {
	return (f.name == "" || f.name == app.Name) &&
		(f.namespace == "" || f.namespace == app.Namespace) && s.serves(app.Namespace) &&
		(len(f.projects) == 0 || slices.Contains(f.projects, app.Spec.ProjectName())) &&
		(len(f.names) == 0 || slices.ContainsFunc(f.names, func(name string) bool {
			return name == app.Name || name == app.Namespace+"/"+app.Name
		})) &&
		f.selector.Matches(labels.Set(app.Labels)) &&
		(f.repo == "" || slices.ContainsFunc(app.Spec.AllSources(), func(source argo.ApplicationSource) bool {
			return event.NormalizeURL(source.RepoURL) == f.repo
		})) &&
		f.check(s.object(app)) == access.Allowed
}

func (s *Server) listApps(ctx context.Context, c *call, q *protocol.ApplicationQuery) (*argo.ApplicationList, error) {
	filter, err := s.newAppFilter(c, q)
	if err != nil {
		return nil, err
	}
	var all argo.ApplicationList
	var options []client.ListOption
	if len(s.options.ApplicationNamespaces) == 0 {
		options = append(options, client.InNamespace(s.options.Namespace))
	}
	// The list is only read: it is encoded and forgotten.
	if err := s.options.Client.List(ctx, &all, append(options, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil, fmt.Errorf("listing applications: %w", err)
	}
	list := &argo.ApplicationList{ListMeta: all.ListMeta, Items: []argo.Application{}}
	for i := range all.Items {
		if s.selects(filter, &all.Items[i]) {
			list.Items = append(list.Items, all.Items[i])
		}
	}
	slices.SortFunc(list.Items, func(a, b argo.Application) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// watchApps sends what there is, unless the query says from which version on, and then every change.
func (s *Server) watchApps(ctx context.Context, c *call, q *protocol.ApplicationQuery, send func(*protocol.ApplicationWatchEvent) error) error {
	if q.Name != "" && q.AppNamespace == "" { // a name alone is of the hub's namespace
		named := *q
		named.AppNamespace = s.options.Namespace
		q = &named
	}
	filter, err := s.newAppFilter(c, q)
	if err != nil {
		return err
	}
	subscription := s.apps.subscribe(func(app *argo.Application) bool { return filter.name == "" || filter.name == app.Name })
	defer subscription.close()
	if q.ResourceVersion == "" || q.Name != "" {
		list, err := s.listApps(ctx, c, q)
		if err != nil {
			return err
		}
		for i := range list.Items {
			if err := send(&protocol.ApplicationWatchEvent{Type: added, Application: list.Items[i]}); err != nil {
				return err
			}
		}
	}
	for {
		change, err := subscription.next(ctx)
		if err != nil {
			return nil // the client has gone
		}
		if err := s.stillAllowed(ctx, c, filter); err != nil {
			return err
		}
		if !s.selects(filter, change.app) {
			continue
		}
		if err := send(&protocol.ApplicationWatchEvent{Type: change.kind, Application: *change.app}); err != nil {
			return err
		}
	}
}

// stillAllowed looks again who the caller is and what the policy says: a stream outlives changes of both.
func (s *Server) stillAllowed(ctx context.Context, c *call, filter *appFilter) error {
	policy, err := s.policies.current(ctx)
	if err != nil {
		return err
	}
	if c.loggedIn {
		if c.identity.ExpiresAt.Before(s.options.Clock.Now()) && !c.identity.ExpiresAt.IsZero() {
			return unauthenticated("invalid session: token is expired")
		}
	}
	c.user = policy.User(c.identity.Name, c.identity.Groups...)
	filter.check = c.filter()
	return nil
}
