package protocol

import argo "fairlead.dev/fairlead/api/argo/v1alpha1"

// Refs are names of revisions: branches and tags of a Git repository, tags of an OCI repository.
type Refs struct {
	Branches []string `json:"branches,omitempty" protobuf:"bytes,1,rep,name=branches"`
	Tags     []string `json:"tags,omitempty" protobuf:"bytes,2,rep,name=tags"`
}

// RepoAppsQuery asks which folders of a repository could be applications.
type RepoAppsQuery struct {
	Repo     string `json:"repo,omitempty" protobuf:"bytes,1,opt,name=repo"`
	Revision string `json:"revision,omitempty" protobuf:"bytes,2,opt,name=revision"`
	// AppName and AppProject are of the application that the answer is for, which may not exist yet.
	AppName    string `json:"appName,omitempty" protobuf:"bytes,3,opt,name=appName"`
	AppProject string `json:"appProject,omitempty" protobuf:"bytes,4,opt,name=appProject"`
}

// RepoAppsResponse are such folders.
type RepoAppsResponse struct {
	Items []*AppInfo `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
}

// AppInfo is a folder, and what it is: Helm, Kustomize or a plugin's.
type AppInfo struct {
	Type string `json:"type,omitempty" protobuf:"bytes,1,opt,name=type"`
	Path string `json:"path,omitempty" protobuf:"bytes,2,opt,name=path"`
}

// RepoAppDetailsQuery asks what can be set of a source.
type RepoAppDetailsQuery struct {
	Source     *argo.ApplicationSource `json:"source,omitempty" protobuf:"bytes,1,opt,name=source"`
	AppName    string                  `json:"appName,omitempty" protobuf:"bytes,2,opt,name=appName"`
	AppProject string                  `json:"appProject,omitempty" protobuf:"bytes,3,opt,name=appProject"`
	// SourceIndex and VersionID name an entry of the application's history, where it has several sources.
	SourceIndex int32 `json:"sourceIndex,omitempty" protobuf:"varint,4,opt,name=sourceIndex"`
	VersionID   int32 `json:"versionId,omitempty" protobuf:"varint,5,opt,name=versionId"`
}

// RepoAppDetailsResponse is what a source is (Type is one of an ApplicationSourceType) and what can be set of it.
type RepoAppDetailsResponse struct {
	Type      string            `json:"type,omitempty" protobuf:"bytes,1,opt,name=type"`
	Helm      *HelmAppSpec      `json:"helm,omitempty" protobuf:"bytes,3,opt,name=helm"`
	Kustomize *KustomizeAppSpec `json:"kustomize,omitempty" protobuf:"bytes,4,opt,name=kustomize"`
	Directory *DirectoryAppSpec `json:"directory,omitempty" protobuf:"bytes,5,opt,name=directory"`
	Plugin    *PluginAppSpec    `json:"plugin,omitempty" protobuf:"bytes,6,opt,name=plugin"`
}

// HelmAppSpec is a chart: its value files, all its values as parameters, the text of its values.yaml.
type HelmAppSpec struct {
	Name           string                    `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	ValueFiles     []string                  `json:"valueFiles,omitempty" protobuf:"bytes,3,rep,name=valueFiles"`
	Parameters     []*argo.HelmParameter     `json:"parameters,omitempty" protobuf:"bytes,4,rep,name=parameters"`
	Values         string                    `json:"values,omitempty" protobuf:"bytes,5,opt,name=values"`
	FileParameters []*argo.HelmFileParameter `json:"fileParameters,omitempty" protobuf:"bytes,6,rep,name=fileParameters"`
}

// KustomizeAppSpec are the images of a kustomization.
type KustomizeAppSpec struct {
	Images []string `json:"images,omitempty" protobuf:"bytes,3,rep,name=images"`
}

// DirectoryAppSpec says nothing, as upstream's does.
type DirectoryAppSpec struct{}

// PluginAppSpec are the parameters that a plugin announces.
type PluginAppSpec struct {
	ParametersAnnouncement []*ParameterAnnouncement `json:"parametersAnnouncement,omitempty" protobuf:"bytes,1,rep,name=parametersAnnouncement"`
}

// ParameterAnnouncement is one parameter of a plugin, with its default as String, Array or Map.
type ParameterAnnouncement struct {
	Name           string            `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Title          string            `json:"title,omitempty" protobuf:"bytes,2,opt,name=title"`
	Tooltip        string            `json:"tooltip,omitempty" protobuf:"bytes,3,opt,name=tooltip"`
	Required       bool              `json:"required,omitempty" protobuf:"varint,4,opt,name=required"`
	ItemType       string            `json:"itemType,omitempty" protobuf:"bytes,5,opt,name=itemType"`
	CollectionType string            `json:"collectionType,omitempty" protobuf:"bytes,6,opt,name=collectionType"`
	String         string            `json:"string,omitempty" protobuf:"bytes,7,opt,name=string"`
	Array          []string          `json:"array,omitempty" protobuf:"bytes,8,rep,name=array"`
	Map            map[string]string `json:"map,omitempty" protobuf:"bytes,9,rep,name=map"`
}

// HelmChartsResponse are the charts of a Helm repository.
type HelmChartsResponse struct {
	Items []*HelmChart `json:"items,omitempty" protobuf:"bytes,1,rep,name=items"`
}

// HelmChart is a chart and its versions, newest first.
type HelmChart struct {
	Name     string   `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Versions []string `json:"versions,omitempty" protobuf:"bytes,2,rep,name=versions"`
}
