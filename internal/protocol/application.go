package protocol

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// ApplicationQuery selects applications: one by name, or several by the other fields. Empty fields select everything.
type ApplicationQuery struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	// Refresh asks Get to compare anew first: "normal" or "hard".
	Refresh         string   `json:"refresh,omitempty" protobuf:"bytes,2,opt,name=refresh"`
	Projects        []string `json:"projects,omitempty" protobuf:"bytes,3,rep,name=projects"`
	ResourceVersion string   `json:"resourceVersion,omitempty" protobuf:"bytes,4,opt,name=resourceVersion"`
	// Selector is a label selector.
	Selector string `json:"selector,omitempty" protobuf:"bytes,5,opt,name=selector"`
	// Repo selects by the URL of the source.
	Repo string `json:"repo,omitempty" protobuf:"bytes,6,opt,name=repo"`
	// AppNamespace is the namespace of the Application; empty means the hub's.
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,7,opt,name=appNamespace"`
	// Project is the older name of Projects.
	Project []string `json:"project,omitempty" protobuf:"bytes,8,rep,name=project"`
	Names   []string `json:"names,omitempty" protobuf:"bytes,9,rep,name=names"`
	// Limit is the most that a list answers with; 0 means all. Continue is where the page before it ended, which is its
	// metadata.continue. Argo CD has neither.
	Limit    int64  `json:"limit,omitempty" protobuf:"varint,2000,opt,name=limit"`
	Continue string `json:"continue,omitempty" protobuf:"bytes,2001,opt,name=continue"`
}

// Applications is v1alpha1.ApplicationList on the wire. It holds pointers, so that who answers with applications of a cache
// needn't copy them.
type Applications struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Items           []*v1alpha1.Application `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// ApplicationResponse is an empty answer.
type ApplicationResponse struct{}

// ApplicationCreateRequest creates an application.
type ApplicationCreateRequest struct {
	Application *v1alpha1.Application `json:"application,omitempty" protobuf:"bytes,1,req,name=application"`
	// Upsert updates an application of that name that differs.
	Upsert bool `json:"upsert,omitempty" protobuf:"varint,2,opt,name=upsert"`
	// Validate checks sources and destination first; nil means true.
	Validate *bool `json:"validate,omitempty" protobuf:"varint,3,opt,name=validate"`
}

// ApplicationUpdateRequest replaces spec, labels, annotations and finalizers.
type ApplicationUpdateRequest struct {
	Application *v1alpha1.Application `json:"application,omitempty" protobuf:"bytes,1,req,name=application"`
	Validate    *bool                 `json:"validate,omitempty" protobuf:"varint,2,opt,name=validate"`
	Project     string                `json:"project,omitempty" protobuf:"bytes,3,opt,name=project"`
}

// ApplicationUpdateSpecRequest replaces the spec.
type ApplicationUpdateSpecRequest struct {
	Name         string                    `json:"name" protobuf:"bytes,1,req,name=name"`
	Spec         *v1alpha1.ApplicationSpec `json:"spec,omitempty" protobuf:"bytes,2,req,name=spec"`
	Validate     *bool                     `json:"validate,omitempty" protobuf:"varint,3,opt,name=validate"`
	AppNamespace string                    `json:"appNamespace,omitempty" protobuf:"bytes,4,opt,name=appNamespace"`
	Project      string                    `json:"project,omitempty" protobuf:"bytes,5,opt,name=project"`
}

// ApplicationPatchRequest changes an application by a patch.
type ApplicationPatchRequest struct {
	Name string `json:"name" protobuf:"bytes,1,req,name=name"`
	// Patch is JSON; PatchType "json" (RFC 6902, also if empty) or "merge" (RFC 7386).
	Patch        string `json:"patch" protobuf:"bytes,2,req,name=patch"`
	PatchType    string `json:"patchType" protobuf:"bytes,3,req,name=patchType"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,5,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,6,opt,name=project"`
}

// ApplicationDeleteRequest deletes an application.
type ApplicationDeleteRequest struct {
	Name string `json:"name" protobuf:"bytes,1,req,name=name"`
	// Cascade deletes what the application manages too; nil means true.
	Cascade *bool `json:"cascade,omitempty" protobuf:"varint,2,opt,name=cascade"`
	// PropagationPolicy is "foreground" (also if empty) or "background".
	PropagationPolicy string `json:"propagationPolicy,omitempty" protobuf:"bytes,3,opt,name=propagationPolicy"`
	AppNamespace      string `json:"appNamespace,omitempty" protobuf:"bytes,4,opt,name=appNamespace"`
	Project           string `json:"project,omitempty" protobuf:"bytes,5,opt,name=project"`
}

// SyncOptions is a list of Key=value switches; it differs from no list.
type SyncOptions struct {
	Items []string `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
}

// ApplicationSyncRequest starts a sync.
type ApplicationSyncRequest struct {
	Name string `json:"name" protobuf:"bytes,1,req,name=name"`
	// Revision is a branch, tag or commit; empty means the spec's.
	Revision  string                           `json:"revision,omitempty" protobuf:"bytes,2,opt,name=revision"`
	DryRun    bool                             `json:"dryRun,omitempty" protobuf:"varint,3,opt,name=dryRun"`
	Prune     bool                             `json:"prune,omitempty" protobuf:"varint,4,opt,name=prune"`
	Strategy  *v1alpha1.SyncStrategy           `json:"strategy,omitempty" protobuf:"bytes,5,opt,name=strategy"`
	Resources []v1alpha1.SyncOperationResource `json:"resources,omitempty" protobuf:"bytes,7,rep,name=resources"`
	// Manifests are local manifests to apply instead of the sources'.
	Manifests     []string                `json:"manifests,omitempty" protobuf:"bytes,8,rep,name=manifests"`
	Infos         []*v1alpha1.Info        `json:"infos,omitempty" protobuf:"bytes,9,rep,name=infos"`
	RetryStrategy *v1alpha1.RetryStrategy `json:"retryStrategy,omitempty" protobuf:"bytes,10,opt,name=retryStrategy"`
	// SyncOptions override the spec's if not nil.
	SyncOptions  *SyncOptions `json:"syncOptions,omitempty" protobuf:"bytes,11,opt,name=syncOptions"`
	AppNamespace string       `json:"appNamespace,omitempty" protobuf:"bytes,12,opt,name=appNamespace"`
	Project      string       `json:"project,omitempty" protobuf:"bytes,13,opt,name=project"`
	// SourcePositions, counted from 1, and Revisions go together, for applications with several sources.
	SourcePositions []int64  `json:"sourcePositions,omitempty" protobuf:"varint,14,rep,name=sourcePositions"`
	Revisions       []string `json:"revisions,omitempty" protobuf:"bytes,15,rep,name=revisions"`
}

// ApplicationRollbackRequest goes back to an entry of the history.
type ApplicationRollbackRequest struct {
	Name         string `json:"name" protobuf:"bytes,1,req,name=name"`
	ID           int64  `json:"id" protobuf:"varint,2,req,name=id"`
	DryRun       bool   `json:"dryRun,omitempty" protobuf:"varint,3,opt,name=dryRun"`
	Prune        bool   `json:"prune,omitempty" protobuf:"varint,4,opt,name=prune"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,6,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,7,opt,name=project"`
}

// OperationTerminateRequest stops the running operation.
type OperationTerminateRequest struct {
	Name         string `json:"name" protobuf:"bytes,1,req,name=name"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,2,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,3,opt,name=project"`
}

// OperationTerminateResponse is an empty answer.
type OperationTerminateResponse struct{}

// ApplicationManifestQuery asks for the rendered manifests.
type ApplicationManifestQuery struct {
	Name            string   `json:"name" protobuf:"bytes,1,req,name=name"`
	Revision        string   `json:"revision,omitempty" protobuf:"bytes,2,opt,name=revision"`
	AppNamespace    string   `json:"appNamespace,omitempty" protobuf:"bytes,3,opt,name=appNamespace"`
	Project         string   `json:"project,omitempty" protobuf:"bytes,4,opt,name=project"`
	SourcePositions []int64  `json:"sourcePositions,omitempty" protobuf:"varint,5,rep,name=sourcePositions"`
	Revisions       []string `json:"revisions,omitempty" protobuf:"bytes,6,rep,name=revisions"`
	NoCache         bool     `json:"noCache,omitempty" protobuf:"varint,7,opt,name=noCache"`
}

// ManifestResponse is what the sources render to, one JSON document an object.
type ManifestResponse struct {
	Manifests  []string `json:"manifests,omitempty" protobuf:"bytes,1,rep,name=manifests"`
	Namespace  string   `json:"namespace,omitempty" protobuf:"bytes,2,opt,name=namespace"`
	Server     string   `json:"server,omitempty" protobuf:"bytes,3,opt,name=server"`
	Revision   string   `json:"revision,omitempty" protobuf:"bytes,4,opt,name=revision"`
	SourceType string   `json:"sourceType,omitempty" protobuf:"bytes,6,opt,name=sourceType"`
}

// RevisionMetadataQuery asks for what Git says of a commit.
type RevisionMetadataQuery struct {
	Name         string `json:"name" protobuf:"bytes,1,req,name=name"`
	Revision     string `json:"revision" protobuf:"bytes,2,req,name=revision"`
	AppNamespace string `json:"appNamespace,omitempty" protobuf:"bytes,3,opt,name=appNamespace"`
	Project      string `json:"project,omitempty" protobuf:"bytes,4,opt,name=project"`
	// SourceIndex counts from 0; VersionID is the history entry whose sources count, nil means the spec's.
	SourceIndex *int32 `json:"sourceIndex,omitempty" protobuf:"varint,5,opt,name=sourceIndex"`
	VersionID   *int32 `json:"versionId,omitempty" protobuf:"varint,6,opt,name=versionId"`
}

// RevisionMetadata is what Git says of a commit.
type RevisionMetadata struct {
	Author  string       `json:"author,omitempty" protobuf:"bytes,1,opt,name=author"`
	Date    *metav1.Time `json:"date" protobuf:"bytes,2,opt,name=date"`
	Tags    []string     `json:"tags,omitempty" protobuf:"bytes,3,rep,name=tags"`
	Message string       `json:"message,omitempty" protobuf:"bytes,4,opt,name=message"`
	// SignatureInfo is the outcome of a signature check; empty if none was made.
	SignatureInfo string `json:"signatureInfo,omitempty" protobuf:"bytes,5,opt,name=signatureInfo"`
	// SourceIntegrityResult is what the project's demands on the source came to; nil if there are none.
	SourceIntegrityResult *SourceIntegrityCheckResult `json:"sourceIntegrityResult,omitempty" protobuf:"bytes,7,opt,name=sourceIntegrityResult"`
}

// SourceIntegrityCheckResult are the checks that were made of a source.
type SourceIntegrityCheckResult struct {
	Checks []SourceIntegrityCheckResultItem `json:"Checks" protobuf:"bytes,1,rep,name=checks"`
}

// SourceIntegrityCheckResultItem is one check, which has passed if it found no problems.
type SourceIntegrityCheckResultItem struct {
	Name     string   `json:"Name" protobuf:"bytes,1,opt,name=name"`
	Problems []string `json:"Problems" protobuf:"bytes,2,rep,name=problems"`
}

// ApplicationWatchEvent is one change of an application: ADDED, MODIFIED or DELETED.
type ApplicationWatchEvent struct {
	Type        string               `json:"type" protobuf:"bytes,1,opt,name=type"`
	Application v1alpha1.Application `json:"application" protobuf:"bytes,2,opt,name=application"`
}
