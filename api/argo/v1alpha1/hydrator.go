package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SourceHydrator says that manifests are rendered from one place into another, from which the application is deployed.
type SourceHydrator struct {
	// DrySource is what is rendered.
	DrySource DrySource `json:"drySource" protobuf:"bytes,1,name=drySource"`
	// SyncSource is what is deployed.
	SyncSource SyncSource `json:"syncSource" protobuf:"bytes,2,name=syncSource"`
	// HydrateTo is where the rendered manifests are written to, for somebody to move them to SyncSource; nil means there.
	HydrateTo *HydrateTo `json:"hydrateTo,omitempty" protobuf:"bytes,3,opt,name=hydrateTo"`
}

// DrySource is a source in a Git repository.
type DrySource struct {
	RepoURL        string                      `json:"repoURL" protobuf:"bytes,1,name=repoURL"`
	TargetRevision string                      `json:"targetRevision" protobuf:"bytes,2,name=targetRevision"`
	Path           string                      `json:"path" protobuf:"bytes,3,name=path"`
	Helm           *ApplicationSourceHelm      `json:"helm,omitempty" protobuf:"bytes,4,opt,name=helm"`
	Kustomize      *ApplicationSourceKustomize `json:"kustomize,omitempty" protobuf:"bytes,5,opt,name=kustomize"`
	Directory      *ApplicationSourceDirectory `json:"directory,omitempty" protobuf:"bytes,6,opt,name=directory"`
	Plugin         *ApplicationSourcePlugin    `json:"plugin,omitempty" protobuf:"bytes,7,opt,name=plugin"`
}

// SyncSource is a folder of rendered manifests.
type SyncSource struct {
	TargetBranch string `json:"targetBranch" protobuf:"bytes,1,name=targetBranch"`
	// Path is never the root of the repository, whose other files would be lost.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:Pattern=`^.{2,}|[^./]$`
	Path string `json:"path" protobuf:"bytes,2,name=path"`
	// RepoURL is that of the dry source if it is empty.
	RepoURL string `json:"repoURL,omitempty" protobuf:"bytes,3,opt,name=repoURL"`
}

// HydrateTo is a branch of the sync source's repository.
type HydrateTo struct {
	TargetBranch string `json:"targetBranch" protobuf:"bytes,1,name=targetBranch"`
}

// Dry is what is rendered, as a source.
func (h SourceHydrator) Dry() ApplicationSource {
	d := h.DrySource
	return ApplicationSource{
		RepoURL: d.RepoURL, Path: d.Path, TargetRevision: d.TargetRevision,
		Helm: d.Helm, Kustomize: d.Kustomize, Directory: d.Directory, Plugin: d.Plugin,
	}
}

// Sync is what is deployed, as a source.
func (h SourceHydrator) Sync() ApplicationSource {
	repository := h.SyncSource.RepoURL
	if repository == "" {
		repository = h.DrySource.RepoURL
	}
	return ApplicationSource{RepoURL: repository, Path: h.SyncSource.Path, TargetRevision: h.SyncSource.TargetBranch}
}

// Complaints are what is missing, in Argo CD's words.
func (h SourceHydrator) Complaints() []string {
	var complaints []string
	if h.DrySource.RepoURL == "" {
		complaints = append(complaints, "spec.sourceHydrator.drySource.repoURL is required")
	}
	if h.SyncSource.TargetBranch == "" {
		complaints = append(complaints, "spec.sourceHydrator.syncSource.targetBranch is required")
	}
	if h.HydrateTo != nil && h.HydrateTo.TargetBranch == "" {
		complaints = append(complaints, "when spec.sourceHydrator.hydrateTo is set, spec.sourceHydrator.hydrateTo.targetBranch is required")
	}
	return complaints
}

// SourceHydratorStatus is how far a rendering into another place is. Who renders writes it.
type SourceHydratorStatus struct {
	// LastSuccessfulOperation and CurrentOperation are nil if there was none.
	LastSuccessfulOperation *SuccessfulHydrateOperation `json:"lastSuccessfulOperation,omitempty" protobuf:"bytes,1,opt,name=lastSuccessfulOperation"`
	CurrentOperation        *HydrateOperation           `json:"currentOperation,omitempty" protobuf:"bytes,2,opt,name=currentOperation"`
	// LastComparedDryRevision is the commit of the dry source that was last looked at.
	LastComparedDryRevision string `json:"lastComparedDryRevision,omitempty" protobuf:"bytes,3,opt,name=lastComparedDryRevision"`
}

// HydrateOperation is one rendering.
type HydrateOperation struct {
	StartedAt  metav1.Time           `json:"startedAt,omitempty" protobuf:"bytes,1,opt,name=startedAt"`
	FinishedAt *metav1.Time          `json:"finishedAt,omitempty" protobuf:"bytes,2,opt,name=finishedAt"`
	Phase      HydrateOperationPhase `json:"phase" protobuf:"bytes,3,opt,name=phase"`
	Message    string                `json:"message" protobuf:"bytes,4,opt,name=message"`
	// DrySHA and HydratedSHA are the commits that were read and made.
	DrySHA         string         `json:"drySHA,omitempty" protobuf:"bytes,5,opt,name=drySHA"`
	HydratedSHA    string         `json:"hydratedSHA,omitempty" protobuf:"bytes,6,opt,name=hydratedSHA"`
	SourceHydrator SourceHydrator `json:"sourceHydrator,omitempty" protobuf:"bytes,7,opt,name=sourceHydrator"`
}

// SuccessfulHydrateOperation is one that made a commit.
type SuccessfulHydrateOperation struct {
	DrySHA         string         `json:"drySHA,omitempty" protobuf:"bytes,5,opt,name=drySHA"`
	HydratedSHA    string         `json:"hydratedSHA,omitempty" protobuf:"bytes,6,opt,name=hydratedSHA"`
	SourceHydrator SourceHydrator `json:"sourceHydrator,omitempty" protobuf:"bytes,7,opt,name=sourceHydrator"`
}

// HydrateOperationPhase is how far a rendering is.
//
// +kubebuilder:validation:Enum=Hydrating;Failed;Hydrated
type HydrateOperationPhase string

// The phases.
const (
	HydrateOperationPhaseHydrating HydrateOperationPhase = "Hydrating"
	HydrateOperationPhaseFailed    HydrateOperationPhase = "Failed"
	HydrateOperationPhaseHydrated  HydrateOperationPhase = "Hydrated"
)
