package server

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// appFilter is what a query selects.
type appFilter struct {
	selector        labels.Selector
	name, namespace string
	repo            string
	projects, names []string
	// since is the resource version below which nothing counts; empty means none.
	since string
	// served and check are looked up again while a stream goes on.
	served settings.Namespaces
	check  access.Check
}

func (s *Server) newAppFilter(ctx context.Context, c *call, q *protocol.ApplicationQuery) (*appFilter, error) {
	selector, err := labels.Parse(q.Selector)
	if err != nil {
		return nil, invalid(fmt.Sprintf("error parsing the selector: %v", err))
	}
	f := &appFilter{
		selector: selector, name: q.Name, namespace: q.AppNamespace, names: q.Names, projects: queriedProjects(q),
		served: s.options.Settings.ApplicationNamespaces(ctx), check: c.filter(),
	}
	if q.Repo != "" {
		f.repo = event.NormalizeURL(q.Repo)
	}
	return f, nil
}

// queriedProjects are the projects of a query. The older of the two fields wins, as upstream's.
func queriedProjects(q *protocol.ApplicationQuery) []string {
	if q.Project != nil {
		return q.Project
	}
	return q.Projects
}

// selects tells whether the query means an application, and the caller may get it.
func (s *Server) selects(f *appFilter, app *argo.Application) bool {
	return (f.name == "" || f.name == app.Name) &&
		(f.namespace == "" || f.namespace == app.Namespace) && f.served.Has(app.Namespace) &&
		(f.since == "" || !newer(f.since, app.ResourceVersion)) &&
		(len(f.projects) == 0 || slices.Contains(f.projects, app.Spec.ProjectName())) &&
		(len(f.names) == 0 || slices.ContainsFunc(f.names, func(name string) bool {
			return name == app.Name || name == app.Namespace+"/"+app.Name
		})) &&
		(f.selector.Empty() || f.selector.Matches(labels.Set(app.Labels))) &&
		(f.repo == "" || slices.ContainsFunc(app.Spec.AllSources(), func(source argo.ApplicationSource) bool {
			return event.NormalizeURL(source.RepoURL) == f.repo
		})) &&
		f.check(s.object(app)) == access.Allowed
}

// servedApps are all applications that are the hub's, whoever may get them. They are shared, and must not be modified.
func (s *Server) servedApps(ctx context.Context) []*argo.Application {
	served := s.options.Settings.ApplicationNamespaces(ctx)
	all, _ := s.apps.all()
	return slices.DeleteFunc(slices.Clone(all), func(app *argo.Application) bool { return !served.Has(app.Namespace) })
}

// listApps answers with the feed's own applications: they are only encoded.
func (s *Server) listApps(ctx context.Context, c *call, q *protocol.ApplicationQuery) (*protocol.Applications, error) {
	filter, err := s.newAppFilter(ctx, c, q)
	if err != nil {
		return nil, err
	}
	if q.Limit < 0 {
		return nil, invalid("the limit must not be negative")
	}
	all, newest := s.apps.all()
	list := &protocol.Applications{ListMeta: metav1.ListMeta{ResourceVersion: newest}, Items: []*argo.Application{}}
	for _, app := range pageAfter(all, q.Continue) {
		if !s.selects(filter, app) {
			continue
		}
		if q.Limit > 0 && int64(len(list.Items)) == q.Limit { // there is more
			last := list.Items[len(list.Items)-1]
			list.Continue = last.Name + "/" + last.Namespace
			break
		}
		list.Items = append(list.Items, app)
	}
	return list, nil
}

// pageAfter is what follows a place in the list: name/namespace of the last application before, or empty for the beginning.
func pageAfter(all []*argo.Application, place string) []*argo.Application {
	if place == "" {
		return all
	}
	name, namespace, _ := strings.Cut(place, "/")
	start, found := slices.BinarySearchFunc(all, place, func(app *argo.Application, _ string) int {
		return cmp.Or(strings.Compare(app.Name, name), strings.Compare(app.Namespace, namespace))
	})
	if found {
		start++
	}
	return all[start:]
}

// watchApps sends what there is, unless the query says from which version on, and then every change.
func (s *Server) watchApps(ctx context.Context, c *call, q *protocol.ApplicationQuery, send func(*protocol.ApplicationWatchEvent) error) error {
	if q.Name != "" && q.AppNamespace == "" { // a name alone is of the hub's namespace
		named := *q
		named.AppNamespace = s.options.Namespace
		q = &named
	}
	filter, err := s.newAppFilter(ctx, c, q)
	if err != nil {
		return err
	}
	if digits(q.ResourceVersion) {
		filter.since = q.ResourceVersion
	}
	subscription, all := s.apps.subscribe(func(app *argo.Application) bool { return filter.name == "" || filter.name == app.Name })
	defer subscription.close()
	if q.ResourceVersion == "" || q.Name != "" {
		for _, app := range all {
			if !s.selects(filter, app) {
				continue
			}
			if err := send(&protocol.ApplicationWatchEvent{Type: added, Application: *s.withHealth(ctx, app)}); err != nil {
				return err
			}
		}
	}
	if app := s.apps.departed(client.ObjectKey{Namespace: filter.namespace, Name: filter.name}); app != nil && s.selects(filter, app) {
		if err := send(&protocol.ApplicationWatchEvent{Type: deleted, Application: *s.withHealth(ctx, app)}); err != nil {
			return err
		}
	}
	for {
		change, err := subscription.next(ctx)
		if err != nil {
			return nil // the client has gone
		}
		if err := s.stillAllowed(ctx, c, filter, change.number); err != nil {
			return err
		}
		if !s.selects(filter, change.app) {
			continue
		}
		if err := send(&protocol.ApplicationWatchEvent{Type: change.kind, Application: *s.withHealth(ctx, change.app)}); err != nil {
			return err
		}
	}
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// stillAllowed looks again who the caller is and what the policy says: a stream outlives changes of both.
func (s *Server) stillAllowed(ctx context.Context, c *call, filter *appFilter, number uint64) error {
	if c.loggedIn && c.identity.ExpiresAt.Before(s.options.Clock.Now()) && !c.identity.ExpiresAt.IsZero() {
		return unauthenticated("invalid session: token is expired")
	}
	now, err := s.rulesSince(ctx, number)
	if err != nil {
		return err
	}
	c.user = now.policy.User(c.identity.Subject, c.identity.Groups(now.policy.Scopes())...)
	filter.check, filter.served = c.filter(), now.served
	return nil
}
