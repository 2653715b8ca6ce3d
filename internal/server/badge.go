package server

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/validation"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/badge"
	"fairlead.dev/fairlead/internal/settings"
)

// serveBadge draws the state of an application (name, namespace) or of projects (project), as upstream's /api/badge: for
// everybody, where argocd-cm says statusbadge.enabled, and for nobody else. Then a badge tells nothing, not even whether there is
// such an application.
func (s *Server) serveBadge(w http.ResponseWriter, r *http.Request) {
	drawn := badge.Badge{}
	config, err := s.options.Settings.ConfigMap(r.Context(), settings.ConfigMapName)
	if err == nil && config["statusbadge.enabled"] == "true" {
		query, ok := badgeQueryOf(r)
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		drawn = s.badge(r.Context(), query)
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "private, no-store")
	// Dashboards of other sites show badges, and there is no secret in one.
	w.Header().Set("Access-Control-Allow-Origin", "*")
	_ = drawn.Draw(w)
}

// badgeQuery is what a badge is asked to show.
type badgeQuery struct {
	name, namespace                 string
	projects                        []string
	revision, fullRevision, showApp bool
	width                           int
}

// badgeQueryOf reads a query; names that can't be any are refused.
func badgeQueryOf(r *http.Request) (q badgeQuery, ok bool) {
	values := r.URL.Query()
	yes := func(name string) bool { return strings.EqualFold(values.Get(name), "true") }
	q = badgeQuery{
		name: values.Get("name"), namespace: values.Get("namespace"), projects: values["project"],
		revision: yes("revision"), fullRevision: yes("keepFullRevision"), showApp: yes("showAppName"),
	}
	if width, err := strconv.Atoi(values.Get("width")); err == nil && width > 0 {
		q.width = width
	}
	if values.Has("name") && len(validation.NameIsDNSSubdomain(q.name, false)) > 0 ||
		values.Has("namespace") && len(validation.NameIsDNSLabel(q.namespace, false)) > 0 {
		return q, false
	}
	return q, !slices.ContainsFunc(q.projects, func(name string) bool {
		return name != "" && len(validation.NameIsDNSLabel(strings.ToLower(name), false)) > 0
	})
}

func (s *Server) badge(ctx context.Context, q badgeQuery) badge.Badge {
	if q.namespace == "" {
		q.namespace = s.options.Namespace
	}
	if !s.serves(ctx, q.namespace) {
		return badge.Badge{NotFound: true, Width: q.width}
	}
	drawn := badge.Badge{}
	apps := slices.DeleteFunc(s.servedApps(ctx), func(app *argo.Application) bool { return app.Namespace != q.namespace })
	switch {
	case q.name != "":
		index := slices.IndexFunc(apps, func(app *argo.Application) bool { return app.Name == q.name })
		if index < 0 {
			drawn.NotFound = true
			break
		}
		drawn = badge.OfApplication(apps[index])
		if q.revision {
			drawn.Revision = badge.SyncedRevision(apps[index])
		}
		if !q.fullRevision {
			drawn.Revision = badge.Short(drawn.Revision)
		}
		if q.showApp {
			drawn.Title = q.name
		}
	case len(q.projects) > 0:
		drawn = badge.OfApplications(slices.DeleteFunc(apps, func(app *argo.Application) bool {
			return !slices.Contains(q.projects, app.Spec.ProjectName())
		}))
	}
	drawn.Width = q.width
	return drawn
}
