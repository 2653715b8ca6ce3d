package syncplan

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

// Options are the switches of one sync. The zero value applies everything, runs hooks and prunes nothing.
type Options struct {
	Prune, DryRun bool
	// SkipHooks is the strategy "apply"; a selective sync runs no hooks either.
	SkipHooks bool
	// Force deletes and creates anew what can't be updated, Replace puts the manifest in place of the object.
	Force, Replace bool
	// PruneLast waits until everything else is healthy before it prunes.
	PruneLast bool
	// PruneWord is what the application says of prunes where an object says nothing itself: true, false or confirm.
	PruneWord string
	// CreateNamespace makes the destination's namespace, with NamespaceMetadata on it.
	CreateNamespace   bool
	NamespaceMetadata *v1alpha1.ManagedNamespaceMetadata
	// OutOfSyncOnly doesn't even mention what is in sync.
	OutOfSyncOnly bool
	// SkipValidation accepts fields that the API server doesn't know.
	SkipValidation bool
	// RespectIgnored leaves fields whose differences are ignored to the cluster.
	RespectIgnored bool
	// FailOnShared refuses to take an object over from another application.
	FailOnShared bool
	// SkipMissingKinds leaves kinds that the cluster doesn't know out of the dry-run before the sync.
	SkipMissingKinds bool
	// SkipMigration leaves the fields of client-side applies to their managers; MigrateFrom is one more such manager.
	SkipMigration bool
	MigrateFrom   string
	// Propagation of prunes: foreground (default), background or orphan.
	Propagation string
	// Resources limits the sync; empty means everything.
	Resources []v1alpha1.SyncOperationResource
}

// OptionsOf reads the switches of an operation: its own fields, then its sync options.
func OptionsOf(sync v1alpha1.SyncOperation, policy *v1alpha1.SyncPolicy) Options {
	o := Options{Prune: sync.Prune, DryRun: sync.DryRun, Resources: sync.Resources, Propagation: "foreground"}
	if strategy := sync.SyncStrategy; strategy != nil {
		switch {
		case strategy.Apply != nil:
			o.SkipHooks, o.Force = true, strategy.Apply.Force
		case strategy.Hook != nil:
			o.Force = strategy.Hook.Force
		}
	}
	o.SkipHooks = o.SkipHooks || len(sync.Resources) > 0
	said := wordsOf(sync.SyncOptions)
	on := func(option string) bool {
		name, value, _ := strings.Cut(option, "=")
		return said[name] == value
	}
	o.Force = o.Force || on("Force=true")
	o.Replace = on("Replace=true")
	o.PruneLast = on("PruneLast=true")
	o.CreateNamespace = on("CreateNamespace=true")
	o.OutOfSyncOnly = on("ApplyOutOfSyncOnly=true")
	o.SkipValidation = on("Validate=false")
	o.RespectIgnored = on("RespectIgnoreDifferences=true")
	o.FailOnShared = on("FailOnSharedResource=true")
	o.SkipMissingKinds = on("SkipDryRunOnMissingResource=true")
	o.SkipMigration = on("ClientSideApplyMigration=false") || on("DisableClientSideApplyMigration=true")
	o.MigrateFrom = said["ClientSideApplyMigrationManager"]
	o.PruneWord = said["Prune"]
	switch propagation := strings.ToLower(said["PrunePropagationPolicy"]); propagation {
	case "background", "orphan":
		o.Propagation = propagation
	}
	if policy != nil {
		o.NamespaceMetadata = policy.ManagedNamespaceMetadata
	}
	return o
}

// wordsOf takes Key=value options apart; the last word on a key counts.
func wordsOf(options v1alpha1.SyncOptions) map[string]string {
	words := make(map[string]string, len(options))
	for _, option := range options {
		if name, value, ok := strings.Cut(strings.TrimSpace(option), "="); ok {
			words[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return words
}

// switchedOn tells whether a switch holds for an object: its own word counts more than the sync's.
func switchedOn(u *unstructured.Unstructured, name string, otherwise bool) bool {
	if value, ok := object.SyncOption(u, name); ok {
		return value == "true"
	}
	return otherwise
}

// selects tells whether a sync limited to some resources has this one among them.
func (o Options) selects(k object.Key) bool {
	if len(o.Resources) == 0 {
		return true
	}
	selected, anyIncluded := false, false
	for _, r := range o.Resources {
		matches := (r.Group == k.Group || r.Group == "*") && (r.Kind == k.Kind || r.Kind == "*") &&
			(r.Name == k.Name || r.Name == "*") && (r.Namespace == "" || r.Namespace == k.Namespace || r.Namespace == "*")
		if matches && r.Exclude {
			return false
		}
		anyIncluded = anyIncluded || !r.Exclude
		selected = selected || matches
	}
	return selected || !anyIncluded
}
