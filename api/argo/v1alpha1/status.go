package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ApplicationStatus is what the controller last saw and did. It is written only when it changes.
type ApplicationStatus struct {
	// Resources are the objects that the application manages.
	Resources      []ResourceStatus       `json:"resources,omitempty"`
	Sync           SyncStatus             `json:"sync,omitempty"`
	Health         AppHealthStatus        `json:"health,omitempty"`
	History        RevisionHistories      `json:"history,omitempty"`
	Conditions     []ApplicationCondition `json:"conditions,omitempty"`
	ReconciledAt   *metav1.Time           `json:"reconciledAt,omitempty"`
	OperationState *OperationState        `json:"operationState,omitempty"`
	ObservedAt     *metav1.Time           `json:"observedAt,omitempty"`
	SourceType     ApplicationSourceType  `json:"sourceType,omitempty"`
	Summary        ApplicationSummary     `json:"summary,omitempty"`
	// ResourceHealthSource is "appTree" when the health of resources is not in Resources.
	ResourceHealthSource string                  `json:"resourceHealthSource,omitempty"`
	SourceTypes          []ApplicationSourceType `json:"sourceTypes,omitempty"`
	ControllerNamespace  string                  `json:"controllerNamespace,omitempty"`
}

// SyncStatusCode says whether the cluster is what Git says.
type SyncStatusCode string

// The sync states.
const (
	SyncStatusCodeUnknown   SyncStatusCode = "Unknown"
	SyncStatusCodeSynced    SyncStatusCode = "Synced"
	SyncStatusCodeOutOfSync SyncStatusCode = "OutOfSync"
)

// SyncStatus is the outcome of the last comparison.
type SyncStatus struct {
	Status     SyncStatusCode `json:"status"`
	ComparedTo ComparedTo     `json:"comparedTo,omitempty"`
	// Revision is the commit compared with; Revisions when there are several sources.
	Revision  string   `json:"revision,omitempty"`
	Revisions []string `json:"revisions,omitempty"`
}

// ComparedTo is the part of the spec that the comparison was made with.
type ComparedTo struct {
	Source            ApplicationSource           `json:"source,omitempty"`
	Destination       ApplicationDestination      `json:"destination"`
	Sources           ApplicationSources          `json:"sources,omitempty"`
	IgnoreDifferences []ResourceIgnoreDifferences `json:"ignoreDifferences,omitempty"`
}

// HealthStatusCode says how well an object does.
type HealthStatusCode string

// The health states, from best to worst as upstream orders them: Healthy, Suspended, Progressing, Missing, Degraded, Unknown.
const (
	HealthStatusHealthy     HealthStatusCode = "Healthy"
	HealthStatusSuspended   HealthStatusCode = "Suspended"
	HealthStatusProgressing HealthStatusCode = "Progressing"
	HealthStatusMissing     HealthStatusCode = "Missing"
	HealthStatusDegraded    HealthStatusCode = "Degraded"
	HealthStatusUnknown     HealthStatusCode = "Unknown"
)

// AppHealthStatus is the health of an application: that of its worst resource.
type AppHealthStatus struct {
	Status             HealthStatusCode `json:"status,omitempty"`
	Message            string           `json:"message,omitempty"`
	LastTransitionTime *metav1.Time     `json:"lastTransitionTime,omitempty"`
}

// HealthStatus is the health of one resource.
type HealthStatus struct {
	Status             HealthStatusCode `json:"status,omitempty"`
	Message            string           `json:"message,omitempty"`
	LastTransitionTime *metav1.Time     `json:"lastTransitionTime,omitempty"`
}

// ResourceStatus is one managed object.
type ResourceStatus struct {
	Group     string         `json:"group,omitempty"`
	Version   string         `json:"version,omitempty"`
	Kind      string         `json:"kind,omitempty"`
	Namespace string         `json:"namespace,omitempty"`
	Name      string         `json:"name,omitempty"`
	Status    SyncStatusCode `json:"status,omitempty"`
	Health    *HealthStatus  `json:"health,omitempty"`
	Hook      bool           `json:"hook,omitempty"`
	// RequiresPruning means that Git no longer has it.
	RequiresPruning bool  `json:"requiresPruning,omitempty"`
	SyncWave        int64 `json:"syncWave,omitempty"`
	// RequiresDeletionConfirmation means that prune or delete waits for a person.
	RequiresDeletionConfirmation bool `json:"requiresDeletionConfirmation,omitempty"`
}

// RevisionHistories is status.history, the oldest first.
type RevisionHistories []RevisionHistory

// RevisionHistory is one sync that succeeded: what `history` shows and `rollback` takes.
type RevisionHistory struct {
	Revision   string      `json:"revision,omitempty"`
	DeployedAt metav1.Time `json:"deployedAt"`
	// ID counts up from 0 and is never used twice.
	ID              int64              `json:"id"`
	Source          ApplicationSource  `json:"source,omitempty"`
	DeployStartedAt *metav1.Time       `json:"deployStartedAt,omitempty"`
	Sources         ApplicationSources `json:"sources,omitempty"`
	Revisions       []string           `json:"revisions,omitempty"`
	InitiatedBy     OperationInitiator `json:"initiatedBy,omitempty"`
}

// ApplicationSummary is what lists show of an application.
type ApplicationSummary struct {
	ExternalURLs []string `json:"externalURLs,omitempty"`
	// Images are all images of the live objects, sorted.
	Images []string `json:"images,omitempty"`
}

// ApplicationConditionType names a condition. Those that end in Error are errors, in Warning warnings.
type ApplicationConditionType string

// The conditions, upstream's; RollbackHold is ours.
const (
	ApplicationConditionDeletionError           ApplicationConditionType = "DeletionError"
	ApplicationConditionInvalidSpecError        ApplicationConditionType = "InvalidSpecError"
	ApplicationConditionComparisonError         ApplicationConditionType = "ComparisonError"
	ApplicationConditionSyncError               ApplicationConditionType = "SyncError"
	ApplicationConditionUnknownError            ApplicationConditionType = "UnknownError"
	ApplicationConditionSharedResourceWarning   ApplicationConditionType = "SharedResourceWarning"
	ApplicationConditionRepeatedResourceWarning ApplicationConditionType = "RepeatedResourceWarning"
	ApplicationConditionExcludedResourceWarning ApplicationConditionType = "ExcludedResourceWarning"
	ApplicationConditionOrphanedResourceWarning ApplicationConditionType = "OrphanedResourceWarning"
	// ApplicationConditionRollbackHold says that a rollback holds automation and image updates until it is released.
	ApplicationConditionRollbackHold ApplicationConditionType = "RollbackHold"
)

// ApplicationCondition is something that a person should know of.
type ApplicationCondition struct {
	Type               ApplicationConditionType `json:"type"`
	Message            string                   `json:"message"`
	LastTransitionTime *metav1.Time             `json:"lastTransitionTime,omitempty"`
}
