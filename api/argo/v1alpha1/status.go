package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ApplicationStatus is what the controller last saw and did. It is written only when it changes.
type ApplicationStatus struct {
	// Resources are the objects that the application manages.
	Resources      []ResourceStatus       `json:"resources,omitempty" protobuf:"bytes,1,rep,name=resources"`
	Sync           SyncStatus             `json:"sync,omitempty" protobuf:"bytes,2,opt,name=sync"`
	Health         AppHealthStatus        `json:"health,omitempty" protobuf:"bytes,3,opt,name=health"`
	History        RevisionHistories      `json:"history,omitempty" protobuf:"bytes,4,rep,name=history"`
	Conditions     []ApplicationCondition `json:"conditions,omitempty" protobuf:"bytes,5,rep,name=conditions"`
	ReconciledAt   *metav1.Time           `json:"reconciledAt,omitempty" protobuf:"bytes,6,opt,name=reconciledAt"`
	OperationState *OperationState        `json:"operationState,omitempty" protobuf:"bytes,7,opt,name=operationState"`
	ObservedAt     *metav1.Time           `json:"observedAt,omitempty" protobuf:"bytes,8,opt,name=observedAt"`
	SourceType     ApplicationSourceType  `json:"sourceType,omitempty" protobuf:"bytes,9,opt,name=sourceType"`
	Summary        ApplicationSummary     `json:"summary,omitempty" protobuf:"bytes,10,opt,name=summary"`
	// ResourceHealthSource is "appTree" when the health of resources is not in Resources.
	ResourceHealthSource string                  `json:"resourceHealthSource,omitempty" protobuf:"bytes,11,opt,name=resourceHealthSource"`
	SourceTypes          []ApplicationSourceType `json:"sourceTypes,omitempty" protobuf:"bytes,12,rep,name=sourceTypes"`
	ControllerNamespace  string                  `json:"controllerNamespace,omitempty" protobuf:"bytes,13,opt,name=controllerNamespace"`
	// SourceHydrator is what whoever renders for a SourceHydrator says; nil if nobody does.
	SourceHydrator *SourceHydratorStatus `json:"sourceHydrator,omitempty" protobuf:"bytes,14,opt,name=sourceHydrator"`
}

// ResourceHealthInTree says that the health of resources is in the resource tree only.
const ResourceHealthInTree = "appTree"

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
	Status     SyncStatusCode `json:"status" protobuf:"bytes,1,opt,name=status"`
	ComparedTo ComparedTo     `json:"comparedTo,omitempty" protobuf:"bytes,2,opt,name=comparedTo"`
	// Revision is the commit compared with; Revisions when there are several sources.
	Revision  string   `json:"revision,omitempty" protobuf:"bytes,3,opt,name=revision"`
	Revisions []string `json:"revisions,omitempty" protobuf:"bytes,4,rep,name=revisions"`
}

// ComparedTo is the part of the spec that the comparison was made with.
type ComparedTo struct {
	Source            ApplicationSource           `json:"source,omitempty" protobuf:"bytes,1,opt,name=source"`
	Destination       ApplicationDestination      `json:"destination" protobuf:"bytes,2,opt,name=destination"`
	Sources           ApplicationSources          `json:"sources,omitempty" protobuf:"bytes,3,rep,name=sources"`
	IgnoreDifferences []ResourceIgnoreDifferences `json:"ignoreDifferences,omitempty" protobuf:"bytes,4,rep,name=ignoreDifferences"`
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
	Status             HealthStatusCode `json:"status,omitempty" protobuf:"bytes,1,opt,name=status"`
	Message            string           `json:"message,omitempty" protobuf:"bytes,2,opt,name=message"`
	LastTransitionTime *metav1.Time     `json:"lastTransitionTime,omitempty" protobuf:"bytes,3,opt,name=lastTransitionTime"`
}

// HealthStatus is the health of one resource.
type HealthStatus struct {
	Status             HealthStatusCode `json:"status,omitempty" protobuf:"bytes,1,opt,name=status"`
	Message            string           `json:"message,omitempty" protobuf:"bytes,2,opt,name=message"`
	LastTransitionTime *metav1.Time     `json:"lastTransitionTime,omitempty" protobuf:"bytes,3,opt,name=lastTransitionTime"`
}

// ResourceStatus is one managed object.
type ResourceStatus struct {
	Group     string         `json:"group,omitempty" protobuf:"bytes,1,opt,name=group"`
	Version   string         `json:"version,omitempty" protobuf:"bytes,2,opt,name=version"`
	Kind      string         `json:"kind,omitempty" protobuf:"bytes,3,opt,name=kind"`
	Namespace string         `json:"namespace,omitempty" protobuf:"bytes,4,opt,name=namespace"`
	Name      string         `json:"name,omitempty" protobuf:"bytes,5,opt,name=name"`
	Status    SyncStatusCode `json:"status,omitempty" protobuf:"bytes,6,opt,name=status"`
	Health    *HealthStatus  `json:"health,omitempty" protobuf:"bytes,7,opt,name=health"`
	Hook      bool           `json:"hook,omitempty" protobuf:"varint,8,opt,name=hook"`
	// RequiresPruning means that Git no longer has it.
	RequiresPruning bool  `json:"requiresPruning,omitempty" protobuf:"varint,9,opt,name=requiresPruning"`
	SyncWave        int64 `json:"syncWave,omitempty" protobuf:"varint,10,opt,name=syncWave"`
	// RequiresDeletionConfirmation means that prune or delete waits for a person.
	RequiresDeletionConfirmation bool `json:"requiresDeletionConfirmation,omitempty" protobuf:"varint,11,opt,name=requiresDeletionConfirmation"`
}

// RevisionHistories is status.history, the oldest first.
type RevisionHistories []RevisionHistory

// RevisionHistory is one sync that succeeded: what `history` shows and `rollback` takes.
type RevisionHistory struct {
	Revision   string      `json:"revision,omitempty" protobuf:"bytes,2,opt,name=revision"`
	DeployedAt metav1.Time `json:"deployedAt" protobuf:"bytes,4,opt,name=deployedAt"`
	// ID counts up from 0 and is never used twice.
	ID              int64              `json:"id" protobuf:"varint,5,opt,name=id"`
	Source          ApplicationSource  `json:"source,omitempty" protobuf:"bytes,6,opt,name=source"`
	DeployStartedAt *metav1.Time       `json:"deployStartedAt,omitempty" protobuf:"bytes,7,opt,name=deployStartedAt"`
	Sources         ApplicationSources `json:"sources,omitempty" protobuf:"bytes,8,rep,name=sources"`
	Revisions       []string           `json:"revisions,omitempty" protobuf:"bytes,9,rep,name=revisions"`
	InitiatedBy     OperationInitiator `json:"initiatedBy,omitempty" protobuf:"bytes,10,opt,name=initiatedBy"`
	// Images are those of the manifests that were synced, sorted. Argo CD has no such field.
	Images []string `json:"images,omitempty" protobuf:"bytes,2001,rep,name=images"`
}

// ApplicationSummary is what lists show of an application.
type ApplicationSummary struct {
	ExternalURLs []string `json:"externalURLs,omitempty" protobuf:"bytes,1,rep,name=externalURLs"`
	// Images are all images of the live objects, sorted.
	Images []string `json:"images,omitempty" protobuf:"bytes,2,rep,name=images"`
	// IsAppOfApps says that other applications are among its objects.
	IsAppOfApps bool `json:"isAppOfApps,omitempty" protobuf:"varint,3,opt,name=isAppOfApps"`
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
	// ApplicationConditionHydrationWarning says that nobody renders for the application's SourceHydrator.
	ApplicationConditionHydrationWarning ApplicationConditionType = "HydrationWarning"
	// ApplicationConditionRollbackHold says that a rollback holds automation and image updates until it is released.
	ApplicationConditionRollbackHold ApplicationConditionType = "RollbackHold"
	// ApplicationConditionWaitingForDependencies says which applications of spec.dependsOn a sync waits for.
	ApplicationConditionWaitingForDependencies ApplicationConditionType = "WaitingForDependencies"
)

// ApplicationCondition is something that a person should know of.
type ApplicationCondition struct {
	Type               ApplicationConditionType `json:"type" protobuf:"bytes,1,opt,name=type"`
	Message            string                   `json:"message" protobuf:"bytes,2,opt,name=message"`
	LastTransitionTime *metav1.Time             `json:"lastTransitionTime,omitempty" protobuf:"bytes,3,opt,name=lastTransitionTime"`
}
