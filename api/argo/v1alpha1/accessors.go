package v1alpha1

import "strings"

// RefreshAnnotation asks the controller to compare again at once: "normal", or "hard" to render anew as well.
const RefreshAnnotation = "argocd.argoproj.io/refresh"

// ApplicationSetRefreshAnnotation asks the controller to run an ApplicationSet's generators at once; it takes it away again.
const ApplicationSetRefreshAnnotation = "argocd.argoproj.io/application-set-refresh"

// DeletionApprovedAnnotation says when a person approved the prunes and deletions that need it, as RFC 3339.
const DeletionApprovedAnnotation = "argocd.argoproj.io/deletion-approved"

// MigrationManagerAnnotation names a field manager of client-side applies whose fields a sync takes over.
const MigrationManagerAnnotation = "argocd.argoproj.io/client-side-apply-migration-manager"

// SkipReconcileAnnotation with the value "true" has an application left alone altogether.
const SkipReconcileAnnotation = "argocd.argoproj.io/skip-reconcile"

// The finalizers that make the deletion of an application delete what it manages.
const (
	ResourcesFinalizer           = "resources-finalizer.argocd.argoproj.io"
	ForegroundResourcesFinalizer = "resources-finalizer.argocd.argoproj.io/foreground"
	BackgroundResourcesFinalizer = "resources-finalizer.argocd.argoproj.io/background"
)

// The finalizers that have hooks run when an application is deleted, before and after what it manages goes. Those with
// Cleanup keep it until the hooks' own objects are cleaned up.
const (
	PreDeleteFinalizer         = "pre-delete-finalizer.argocd.argoproj.io"
	PreDeleteCleanupFinalizer  = "pre-delete-finalizer.argocd.argoproj.io/cleanup"
	PostDeleteFinalizer        = "post-delete-finalizer.argocd.argoproj.io"
	PostDeleteCleanupFinalizer = "post-delete-finalizer.argocd.argoproj.io/cleanup"
)

// ProjectName is the application's project; "default" when it names none.
func (s ApplicationSpec) ProjectName() string {
	if s.Project == "" {
		return DefaultProject
	}
	return s.Project
}

// IsChart tells whether the source is a chart of a Helm repository, by HTTP or in a registry.
func (s ApplicationSource) IsChart() bool { return s.Chart != "" }

// IsOCI tells whether the source is in an OCI registry, by its URL. A chart may also be in one without saying so.
func (s ApplicationSource) IsOCI() bool { return strings.HasPrefix(s.RepoURL, "oci://") }

// AllSources are the sources to deploy: a SourceHydrator's sync source, else Sources if there are any, else Source, else none.
func (s ApplicationSpec) AllSources() ApplicationSources {
	switch {
	case s.SourceHydrator != nil:
		return ApplicationSources{s.SourceHydrator.Sync()}
	case len(s.Sources) > 0:
		return s.Sources
	case s.Source != nil:
		return ApplicationSources{*s.Source}
	}
	return nil
}

// DrySources are the sources to render where nothing is deployed yet: a SourceHydrator's dry source, else those to deploy.
func (s ApplicationSpec) DrySources() ApplicationSources {
	if s.SourceHydrator != nil {
		return ApplicationSources{s.SourceHydrator.Dry()}
	}
	return s.AllSources()
}

// NamedSources are all that the spec names, which its project must permit.
func (s ApplicationSpec) NamedSources() ApplicationSources {
	if s.SourceHydrator != nil {
		return ApplicationSources{s.SourceHydrator.Dry(), s.SourceHydrator.Sync()}
	}
	return s.AllSources()
}

// HasSeveralSources tells whether the application is one of Sources, be they one or more: what is said of it is said in lists.
func (s ApplicationSpec) HasSeveralSources() bool { return s.SourceHydrator == nil && len(s.Sources) > 0 }

// Automation is the policy of automated syncs; nil when they are off.
func (s ApplicationSpec) Automation() *SyncPolicyAutomated {
	if s.SyncPolicy == nil || s.SyncPolicy.Automated == nil {
		return nil
	}
	if enabled := s.SyncPolicy.Automated.Enabled; enabled != nil && !*enabled {
		return nil
	}
	return s.SyncPolicy.Automated
}

// HasOption tells whether the options hold the given Key=value.
func (o SyncOptions) HasOption(option string) bool {
	for _, have := range o {
		if have == option {
			return true
		}
	}
	return false
}

// ByID is the history entry with that id; nil if there is none.
func (h RevisionHistories) ByID(id int64) *RevisionHistory {
	for i := range h {
		if h[i].ID == id {
			return &h[i]
		}
	}
	return nil
}
