package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Operation is a request to the application controller.
type Operation struct {
	Sync        *SyncOperation     `json:"sync,omitempty"`
	InitiatedBy OperationInitiator `json:"initiatedBy,omitempty"`
	Info        []*Info            `json:"info,omitempty"`
	Retry       RetryStrategy      `json:"retry,omitempty"`
}

// OperationInitiator is who asked.
type OperationInitiator struct {
	Username string `json:"username,omitempty"`
	// Automated means the controller itself.
	Automated bool `json:"automated,omitempty"`
}

// SyncOperation asks for the cluster to become what a revision says.
type SyncOperation struct {
	// Revision is a branch, tag or commit; empty means the source's targetRevision.
	Revision string `json:"revision,omitempty"`
	Prune    bool   `json:"prune,omitempty"`
	DryRun   bool   `json:"dryRun,omitempty"`
	// SyncStrategy says apply (default hook) and force.
	SyncStrategy *SyncStrategy `json:"syncStrategy,omitempty"`
	// Resources limits the sync to these; empty means all.
	Resources []SyncOperationResource `json:"resources,omitempty"`
	// Source overrides the spec's, as a rollback does.
	Source *ApplicationSource `json:"source,omitempty"`
	// Manifests are local manifests that replace the rendered ones.
	Manifests   []string           `json:"manifests,omitempty"`
	SyncOptions SyncOptions        `json:"syncOptions,omitempty"`
	Sources     ApplicationSources `json:"sources,omitempty"`
	Revisions   []string           `json:"revisions,omitempty"`
	// AutoHealAttemptsCount counts self-heals of the same revision, for their back-off.
	AutoHealAttemptsCount int64 `json:"autoHealAttemptsCount,omitempty"`
}

// SyncOptions are Key=value switches.
type SyncOptions []string

// SyncOperationResource names one object of a selective sync.
type SyncOperationResource struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
	// Exclude turns the meaning round: all but this.
	Exclude bool `json:"-"`
}

// SyncStrategy chooses between apply only and apply with hooks (default).
type SyncStrategy struct {
	Apply *SyncStrategyApply `json:"apply,omitempty"`
	Hook  *SyncStrategyHook  `json:"hook,omitempty"`
}

// SyncStrategyApply applies without hooks.
type SyncStrategyApply struct {
	// Force deletes and creates what can't be updated.
	Force bool `json:"force,omitempty"`
}

// SyncStrategyHook applies with hooks.
type SyncStrategyHook struct {
	SyncStrategyApply `json:",inline"`
}

// OperationPhase is where an operation stands.
type OperationPhase string

// The phases of an operation.
const (
	OperationRunning     OperationPhase = "Running"
	OperationTerminating OperationPhase = "Terminating"
	OperationFailed      OperationPhase = "Failed"
	OperationError       OperationPhase = "Error"
	OperationSucceeded   OperationPhase = "Succeeded"
)

// Completed tells whether a phase is an end.
func (p OperationPhase) Completed() bool {
	return p == OperationFailed || p == OperationError || p == OperationSucceeded
}

// OperationState is the last or running operation. It is recorded before the operation acts.
type OperationState struct {
	Operation  Operation            `json:"operation"`
	Phase      OperationPhase       `json:"phase"`
	Message    string               `json:"message,omitempty"`
	SyncResult *SyncOperationResult `json:"syncResult,omitempty"`
	StartedAt  metav1.Time          `json:"startedAt"`
	FinishedAt *metav1.Time         `json:"finishedAt,omitempty"`
	RetryCount int64                `json:"retryCount,omitempty"`
}

// SyncOperationResult is what a sync did to each object.
type SyncOperationResult struct {
	Resources                ResourceResults           `json:"resources,omitempty"`
	Revision                 string                    `json:"revision"`
	Source                   ApplicationSource         `json:"source,omitempty"`
	Sources                  ApplicationSources        `json:"sources,omitempty"`
	Revisions                []string                  `json:"revisions,omitempty"`
	ManagedNamespaceMetadata *ManagedNamespaceMetadata `json:"managedNamespaceMetadata,omitempty"`
}

// ResultCode is what a sync did to an object.
type ResultCode string

// The result codes.
const (
	ResultCodeSynced       ResultCode = "Synced"
	ResultCodeSyncFailed   ResultCode = "SyncFailed"
	ResultCodePruned       ResultCode = "Pruned"
	ResultCodePruneSkipped ResultCode = "PruneSkipped"
)

// HookType is when a hook runs.
type HookType string

// SyncPhase is a part of a sync.
type SyncPhase string

// The phases of a sync, in order; SyncFail instead of PostSync after a failure.
const (
	SyncPhasePreSync  SyncPhase = "PreSync"
	SyncPhaseSync     SyncPhase = "Sync"
	SyncPhasePostSync SyncPhase = "PostSync"
	SyncPhaseSyncFail SyncPhase = "SyncFail"
)

// ResourceResult is what a sync did to one object.
type ResourceResult struct {
	Group     string         `json:"group"`
	Version   string         `json:"version"`
	Kind      string         `json:"kind"`
	Namespace string         `json:"namespace"`
	Name      string         `json:"name"`
	Status    ResultCode     `json:"status,omitempty"`
	Message   string         `json:"message,omitempty"`
	HookType  HookType       `json:"hookType,omitempty"`
	HookPhase OperationPhase `json:"hookPhase,omitempty"`
	SyncPhase SyncPhase      `json:"syncPhase,omitempty"`
	Images    []string       `json:"images,omitempty"`
}

// ResourceResults is a list of results.
type ResourceResults []*ResourceResult
