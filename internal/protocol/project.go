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

// ProjectTokenCreateRequest asks for a token of a role. ExpiresIn is in seconds, zero for never; an empty ID is chosen.
type ProjectTokenCreateRequest struct {
	Project     string `json:"project,omitempty" protobuf:"bytes,1,opt,name=project"`
	Description string `json:"description,omitempty" protobuf:"bytes,2,opt,name=description"`
	Role        string `json:"role,omitempty" protobuf:"bytes,3,opt,name=role"`
	ExpiresIn   int64  `json:"expiresIn,omitempty" protobuf:"varint,4,opt,name=expiresIn"`
	ID          string `json:"id,omitempty" protobuf:"bytes,5,opt,name=id"`
}

// ProjectTokenDeleteRequest names a token, by its id or by when it was issued in Unix seconds.
type ProjectTokenDeleteRequest struct {
	Project  string `json:"project,omitempty" protobuf:"bytes,1,opt,name=project"`
	Role     string `json:"role,omitempty" protobuf:"bytes,2,opt,name=role"`
	IssuedAt int64  `json:"iat,omitempty" protobuf:"varint,3,opt,name=iat"`
	ID       string `json:"id,omitempty" protobuf:"bytes,4,opt,name=id"`
}

// ProjectTokenResponse is a new token.
type ProjectTokenResponse struct {
	Token string `json:"token,omitempty" protobuf:"bytes,1,opt,name=token"`
}

// GlobalProjectsResponse are the projects that one inherits from.
type GlobalProjectsResponse struct {
	Items []*v1alpha1.AppProject `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
}

// DetailedProjectsResponse is a project with what it inherits, and the repositories and clusters that are its own.
type DetailedProjectsResponse struct {
	GlobalProjects []*v1alpha1.AppProject `json:"globalProjects,omitempty" protobuf:"bytes,1,rep,name=globalProjects"`
	Project        *v1alpha1.AppProject   `json:"project,omitempty" protobuf:"bytes,2,opt,name=project"`
	Repositories   []*Repository          `json:"repositories,omitempty" protobuf:"bytes,3,rep,name=repositories"`
	Clusters       []*Cluster             `json:"clusters,omitempty" protobuf:"bytes,4,rep,name=clusters"`
}

// ListProjectLinksRequest names a project.
type ListProjectLinksRequest struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
}
