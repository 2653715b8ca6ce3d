package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Operation is a request to the application controller.
type Operation struct {
	Sync        *SyncOperation     `json:"sync,omitempty" protobuf:"bytes,1,opt,name=sync"`
	InitiatedBy OperationInitiator `json:"initiatedBy,omitempty" protobuf:"bytes,2,opt,name=initiatedBy"`
	Info        []*Info            `json:"info,omitempty" protobuf:"bytes,3,rep,name=info"`
	Retry       RetryStrategy      `json:"retry,omitempty" protobuf:"bytes,4,opt,name=retry"`
}

// OperationInitiator is who asked.
type OperationInitiator struct {
	Username string `json:"username,omitempty" protobuf:"bytes,1,opt,name=username"`
	// Automated means the controller itself.
	Automated bool `json:"automated,omitempty" protobuf:"varint,2,opt,name=automated"`
}

// SyncOperation asks for the cluster to become what a revision says.
type SyncOperation struct {
	// Revision is a branch, tag or commit; empty means the source's targetRevision.
	Revision string `json:"revision,omitempty" protobuf:"bytes,1,opt,name=revision"`
	Prune    bool   `json:"prune,omitempty" protobuf:"varint,2,opt,name=prune"`
	DryRun   bool   `json:"dryRun,omitempty" protobuf:"varint,3,opt,name=dryRun"`
	// SyncStrategy says apply (default hook) and force.
	SyncStrategy *SyncStrategy `json:"syncStrategy,omitempty" protobuf:"bytes,4,opt,name=syncStrategy"`
	// Resources limits the sync to these; empty means all.
	Resources []SyncOperationResource `json:"resources,omitempty" protobuf:"bytes,6,rep,name=resources"`
	// Source overrides the spec's, as a rollback does.
	Source *ApplicationSource `json:"source,omitempty" protobuf:"bytes,7,opt,name=source"`
	// Manifests are local manifests that replace the rendered ones.
	Manifests   []string           `json:"manifests,omitempty" protobuf:"bytes,8,rep,name=manifests"`
	SyncOptions SyncOptions        `json:"syncOptions,omitempty" protobuf:"bytes,9,rep,name=syncOptions"`
	Sources     ApplicationSources `json:"sources,omitempty" protobuf:"bytes,10,rep,name=sources"`
	Revisions   []string           `json:"revisions,omitempty" protobuf:"bytes,11,rep,name=revisions"`
	// AutoHealAttemptsCount counts self-heals of the same revision, for their back-off.
	AutoHealAttemptsCount int64 `json:"autoHealAttemptsCount,omitempty" protobuf:"varint,12,opt,name=autoHealAttemptsCount"`
}

// SyncOptions are Key=value switches.
type SyncOptions []string

// SyncOperationResource names one object of a selective sync.
type SyncOperationResource struct {
	Group     string `json:"group,omitempty" protobuf:"bytes,1,opt,name=group"`
	Kind      string `json:"kind" protobuf:"bytes,2,opt,name=kind"`
	Name      string `json:"name" protobuf:"bytes,3,opt,name=name"`
	Namespace string `json:"namespace,omitempty" protobuf:"bytes,4,opt,name=namespace"`
	// Exclude turns the meaning round: all but this.
	Exclude bool `json:"-"`
}

// SyncStrategy chooses between apply only and apply with hooks (default).
type SyncStrategy struct {
	Apply *SyncStrategyApply `json:"apply,omitempty" protobuf:"bytes,1,opt,name=apply"`
	Hook  *SyncStrategyHook  `json:"hook,omitempty" protobuf:"bytes,2,opt,name=hook"`
}

// SyncStrategyApply applies without hooks.
type SyncStrategyApply struct {
	// Force deletes and creates what can't be updated.
	Force bool `json:"force,omitempty" protobuf:"varint,1,opt,name=force"`
}

// SyncStrategyHook applies with hooks.
type SyncStrategyHook struct {
	SyncStrategyApply `json:",inline" protobuf:"bytes,1,opt,name=syncStrategyApply"`
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
	Operation  Operation            `json:"operation" protobuf:"bytes,1,opt,name=operation"`
	Phase      OperationPhase       `json:"phase" protobuf:"bytes,2,opt,name=phase"`
	Message    string               `json:"message,omitempty" protobuf:"bytes,3,opt,name=message"`
	SyncResult *SyncOperationResult `json:"syncResult,omitempty" protobuf:"bytes,4,opt,name=syncResult"`
	StartedAt  metav1.Time          `json:"startedAt" protobuf:"bytes,6,opt,name=startedAt"`
	FinishedAt *metav1.Time         `json:"finishedAt,omitempty" protobuf:"bytes,7,opt,name=finishedAt"`
	RetryCount int64                `json:"retryCount,omitempty" protobuf:"varint,8,opt,name=retryCount"`
}

// SyncOperationResult is what a sync did to each object.
type SyncOperationResult struct {
	Resources                ResourceResults           `json:"resources,omitempty" protobuf:"bytes,1,rep,name=resources"`
	Revision                 string                    `json:"revision" protobuf:"bytes,2,opt,name=revision"`
	Source                   ApplicationSource         `json:"source,omitempty" protobuf:"bytes,3,opt,name=source"`
	Sources                  ApplicationSources        `json:"sources,omitempty" protobuf:"bytes,4,rep,name=sources"`
	Revisions                []string                  `json:"revisions,omitempty" protobuf:"bytes,5,rep,name=revisions"`
	ManagedNamespaceMetadata *ManagedNamespaceMetadata `json:"managedNamespaceMetadata,omitempty" protobuf:"bytes,6,opt,name=managedNamespaceMetadata"`
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
	Group     string         `json:"group" protobuf:"bytes,1,opt,name=group"`
	Version   string         `json:"version" protobuf:"bytes,2,opt,name=version"`
	Kind      string         `json:"kind" protobuf:"bytes,3,opt,name=kind"`
	Namespace string         `json:"namespace" protobuf:"bytes,4,opt,name=namespace"`
	Name      string         `json:"name" protobuf:"bytes,5,opt,name=name"`
	Status    ResultCode     `json:"status,omitempty" protobuf:"bytes,6,opt,name=status"`
	Message   string         `json:"message,omitempty" protobuf:"bytes,7,opt,name=message"`
	HookType  HookType       `json:"hookType,omitempty" protobuf:"bytes,8,opt,name=hookType"`
	HookPhase OperationPhase `json:"hookPhase,omitempty" protobuf:"bytes,9,opt,name=hookPhase"`
	SyncPhase SyncPhase      `json:"syncPhase,omitempty" protobuf:"bytes,10,opt,name=syncPhase"`
	Images    []string       `json:"images,omitempty" protobuf:"bytes,11,rep,name=images"`
}

// ResourceResults is a list of results.
type ResourceResults []*ResourceResult

// LocalManifests are the manifests, in YAML or JSON, that a person sent along with the application's last sync; empty for a sync
// from Git.
func (a *Application) LocalManifests() []string {
	state := a.Status.OperationState
	if state == nil || state.Operation.Sync == nil {
		return nil
	}
	return state.Operation.Sync.Manifests
}
