package protocol

import "fairlead.dev/fairlead/api/argo/v1alpha1"

// ProjectQuery names a project.
type ProjectQuery struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
}

// ProjectCreateRequest creates a project.
type ProjectCreateRequest struct {
	Project *v1alpha1.AppProject `json:"project,omitempty" protobuf:"bytes,1,opt,name=project"`
	Upsert  bool                 `json:"upsert,omitempty" protobuf:"varint,2,opt,name=upsert"`
}

// ProjectUpdateRequest replaces a project.
type ProjectUpdateRequest struct {
	Project *v1alpha1.AppProject `json:"project,omitempty" protobuf:"bytes,1,opt,name=project"`
}

// ProjectResponse is an empty answer.
type ProjectResponse struct{}
