package protocol

import argo "fairlead.dev/fairlead/api/argo/v1alpha1"

// ApplicationSetGetQuery asks for one ApplicationSet. An empty namespace is the hub's.
type ApplicationSetGetQuery struct {
	Name            string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	AppsetNamespace string `json:"appsetNamespace,omitempty" protobuf:"bytes,2,opt,name=appsetNamespace"`
}

// ApplicationSetTreeQuery asks for the applications of one.
type ApplicationSetTreeQuery struct {
	Name            string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	AppsetNamespace string `json:"appsetNamespace,omitempty" protobuf:"bytes,2,opt,name=appsetNamespace"`
}

// ApplicationSetDeleteRequest deletes one.
type ApplicationSetDeleteRequest struct {
	Name            string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	AppsetNamespace string `json:"appsetNamespace,omitempty" protobuf:"bytes,2,opt,name=appsetNamespace"`
}

// ApplicationSetListQuery asks for all of some projects, or of all; of one namespace, or of all.
type ApplicationSetListQuery struct {
	Projects        []string `json:"projects,omitempty" protobuf:"bytes,1,rep,name=projects"`
	Selector        string   `json:"selector,omitempty" protobuf:"bytes,2,opt,name=selector"`
	AppsetNamespace string   `json:"appsetNamespace,omitempty" protobuf:"bytes,3,opt,name=appsetNamespace"`
}

// ApplicationSetWatchQuery asks for changes; with a name also for how it is now.
type ApplicationSetWatchQuery struct {
	Name            string   `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Projects        []string `json:"projects,omitempty" protobuf:"bytes,2,rep,name=projects"`
	Selector        string   `json:"selector,omitempty" protobuf:"bytes,3,opt,name=selector"`
	AppSetNamespace string   `json:"appSetNamespace,omitempty" protobuf:"bytes,4,opt,name=appSetNamespace"`
	// ResourceVersion leaves out what is older.
	ResourceVersion string `json:"resourceVersion,omitempty" protobuf:"bytes,5,opt,name=resourceVersion"`
}

// ApplicationSetWatchEvent is one change: ADDED, MODIFIED or DELETED.
type ApplicationSetWatchEvent struct {
	Type           string              `json:"type" protobuf:"bytes,1,opt,name=type"`
	ApplicationSet argo.ApplicationSet `json:"applicationSet" protobuf:"bytes,2,opt,name=applicationSet"`
}

// ApplicationSetCreateRequest makes one; with Upsert it may also change it, with DryRun nothing is kept.
type ApplicationSetCreateRequest struct {
	Applicationset *argo.ApplicationSet `json:"applicationset,omitempty" protobuf:"bytes,1,opt,name=applicationset"`
	Upsert         bool                 `json:"upsert,omitempty" protobuf:"varint,2,opt,name=upsert"`
	DryRun         bool                 `json:"dryRun,omitempty" protobuf:"varint,3,opt,name=dryRun"`
}

// ApplicationSetResponse is an answer without content.
type ApplicationSetResponse struct {
	Project        string               `json:"project,omitempty" protobuf:"bytes,1,opt,name=project"`
	Applicationset *argo.ApplicationSet `json:"applicationset,omitempty" protobuf:"bytes,2,opt,name=applicationset"`
}

// ApplicationSetGenerateRequest asks what an ApplicationSet would make.
type ApplicationSetGenerateRequest struct {
	ApplicationSet *argo.ApplicationSet `json:"applicationSet,omitempty" protobuf:"bytes,1,opt,name=applicationSet"`
}

// ApplicationSetGenerateResponse is what it would make.
type ApplicationSetGenerateResponse struct {
	Applications []*argo.Application `json:"applications,omitempty" protobuf:"bytes,1,rep,name=applications"`
}

// ApplicationSetTree is the applications of an ApplicationSet.
type ApplicationSetTree struct {
	Nodes []ResourceNode `json:"nodes,omitempty" protobuf:"bytes,1,rep,name=nodes"`
}
