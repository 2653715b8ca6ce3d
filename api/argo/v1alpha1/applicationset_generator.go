package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SecretRef is a key of a Secret in the ApplicationSet's namespace.
type SecretRef struct {
	SecretName string `json:"secretName" protobuf:"bytes,1,opt,name=secretName"`
	Key        string `json:"key" protobuf:"bytes,2,opt,name=key"`
}

// ConfigMapKeyRef is a key of a ConfigMap in the ApplicationSet's namespace.
type ConfigMapKeyRef struct {
	ConfigMapName string `json:"configMapName" protobuf:"bytes,1,opt,name=configMapName"`
	Key           string `json:"key" protobuf:"bytes,2,opt,name=key"`
}

// ApplicationSetGenerator is one source of parameters; exactly one kind is set.
type ApplicationSetGenerator struct {
	List                    *ListGenerator        `json:"list,omitempty" protobuf:"bytes,1,opt,name=list"`
	Clusters                *ClusterGenerator     `json:"clusters,omitempty" protobuf:"bytes,2,opt,name=clusters"`
	Git                     *GitGenerator         `json:"git,omitempty" protobuf:"bytes,3,opt,name=git"`
	SCMProvider             *SCMProviderGenerator `json:"scmProvider,omitempty" protobuf:"bytes,4,opt,name=scmProvider"`
	ClusterDecisionResource *DuckTypeGenerator    `json:"clusterDecisionResource,omitempty" protobuf:"bytes,5,opt,name=clusterDecisionResource"`
	PullRequest             *PullRequestGenerator `json:"pullRequest,omitempty" protobuf:"bytes,6,opt,name=pullRequest"`
	Matrix                  *MatrixGenerator      `json:"matrix,omitempty" protobuf:"bytes,7,opt,name=matrix"`
	Merge                   *MergeGenerator       `json:"merge,omitempty" protobuf:"bytes,8,opt,name=merge"`
	// Selector keeps the sets of parameters that match it; nil means all.
	Selector *metav1.LabelSelector `json:"selector,omitempty" protobuf:"bytes,9,opt,name=selector"`
	Plugin   *PluginGenerator      `json:"plugin,omitempty" protobuf:"bytes,10,opt,name=plugin"`
	Oci      *OciGenerator         `json:"oci,omitempty" protobuf:"bytes,11,opt,name=oci"`
}

// ApplicationSetNestedGenerator is a generator inside a matrix or merge.
type ApplicationSetNestedGenerator struct {
	List                    *ListGenerator        `json:"list,omitempty" protobuf:"bytes,1,opt,name=list"`
	Clusters                *ClusterGenerator     `json:"clusters,omitempty" protobuf:"bytes,2,opt,name=clusters"`
	Git                     *GitGenerator         `json:"git,omitempty" protobuf:"bytes,3,opt,name=git"`
	SCMProvider             *SCMProviderGenerator `json:"scmProvider,omitempty" protobuf:"bytes,4,opt,name=scmProvider"`
	ClusterDecisionResource *DuckTypeGenerator    `json:"clusterDecisionResource,omitempty" protobuf:"bytes,5,opt,name=clusterDecisionResource"`
	PullRequest             *PullRequestGenerator `json:"pullRequest,omitempty" protobuf:"bytes,6,opt,name=pullRequest"`
	// Matrix is a NestedMatrixGenerator; a definition can't be recursive.
	Matrix *apiextensionsv1.JSON `json:"matrix,omitempty" protobuf:"bytes,7,opt,name=matrix"`
	// Merge is a NestedMergeGenerator.
	Merge    *apiextensionsv1.JSON `json:"merge,omitempty" protobuf:"bytes,8,opt,name=merge"`
	Selector *metav1.LabelSelector `json:"selector,omitempty" protobuf:"bytes,9,opt,name=selector"`
	Plugin   *PluginGenerator      `json:"plugin,omitempty" protobuf:"bytes,10,opt,name=plugin"`
	Oci      *OciGenerator         `json:"oci,omitempty" protobuf:"bytes,11,opt,name=oci"`
}

// ApplicationSetTerminalGenerator is a generator two levels down, where no matrix or merge may be.
type ApplicationSetTerminalGenerator struct {
	List                    *ListGenerator        `json:"list,omitempty" protobuf:"bytes,1,opt,name=list"`
	Clusters                *ClusterGenerator     `json:"clusters,omitempty" protobuf:"bytes,2,opt,name=clusters"`
	Git                     *GitGenerator         `json:"git,omitempty" protobuf:"bytes,3,opt,name=git"`
	SCMProvider             *SCMProviderGenerator `json:"scmProvider,omitempty" protobuf:"bytes,4,opt,name=scmProvider"`
	ClusterDecisionResource *DuckTypeGenerator    `json:"clusterDecisionResource,omitempty" protobuf:"bytes,5,opt,name=clusterDecisionResource"`
	PullRequest             *PullRequestGenerator `json:"pullRequest,omitempty" protobuf:"bytes,6,opt,name=pullRequest"`
	Plugin                  *PluginGenerator      `json:"plugin,omitempty" protobuf:"bytes,7,opt,name=plugin"`
	Selector                *metav1.LabelSelector `json:"selector,omitempty" protobuf:"bytes,8,opt,name=selector"`
	Oci                     *OciGenerator         `json:"oci,omitempty" protobuf:"bytes,9,opt,name=oci"`
}

// NestedMatrixGenerator is what the JSON of a nested matrix holds.
type NestedMatrixGenerator struct {
	Generators []ApplicationSetTerminalGenerator `json:"generators" protobuf:"bytes,1,rep,name=generators"`
}

// NestedMergeGenerator is what the JSON of a nested merge holds.
type NestedMergeGenerator struct {
	Generators []ApplicationSetTerminalGenerator `json:"generators" protobuf:"bytes,1,rep,name=generators"`
	MergeKeys  []string                          `json:"mergeKeys" protobuf:"bytes,2,rep,name=mergeKeys"`
}

// ListGenerator is the parameters themselves.
type ListGenerator struct {
	// +kubebuilder:validation:Optional
	Elements []apiextensionsv1.JSON `json:"elements" protobuf:"bytes,1,rep,name=elements"`
	Template ApplicationSetTemplate `json:"template,omitempty" protobuf:"bytes,2,opt,name=template"`
	// ElementsYaml is a YAML list of more elements, of use where it is a template inside a matrix.
	ElementsYaml string `json:"elementsYaml,omitempty" protobuf:"bytes,3,opt,name=elementsYaml"`
}

// MatrixGenerator pairs each set of parameters of the first generator with each of the second.
type MatrixGenerator struct {
	Generators []ApplicationSetNestedGenerator `json:"generators" protobuf:"bytes,1,rep,name=generators"`
	Template   ApplicationSetTemplate          `json:"template,omitempty" protobuf:"bytes,2,opt,name=template"`
}

// MergeGenerator lays the parameters of later generators over those of the first where MergeKeys have equal values.
type MergeGenerator struct {
	Generators []ApplicationSetNestedGenerator `json:"generators" protobuf:"bytes,1,rep,name=generators"`
	MergeKeys  []string                        `json:"mergeKeys" protobuf:"bytes,2,rep,name=mergeKeys"`
	Template   ApplicationSetTemplate          `json:"template,omitempty" protobuf:"bytes,3,opt,name=template"`
}

// ClusterGenerator is the registered clusters; an empty Selector means all, the hub's own among them.
type ClusterGenerator struct {
	Selector metav1.LabelSelector   `json:"selector,omitempty" protobuf:"bytes,1,opt,name=selector"`
	Template ApplicationSetTemplate `json:"template,omitempty" protobuf:"bytes,2,opt,name=template"`
	Values   map[string]string      `json:"values,omitempty" protobuf:"bytes,3,rep,name=values"`
	// FlatList makes one set of parameters with all clusters in the list "clusters".
	FlatList bool `json:"flatList,omitempty" protobuf:"varint,4,opt,name=flatList"`
}

// DuckTypeGenerator is the clusters that an object of another controller names in its status.
type DuckTypeGenerator struct {
	// ConfigMapRef is the name of the ConfigMap that says which kind that is, and where its status has the clusters.
	ConfigMapRef        string                 `json:"configMapRef" protobuf:"bytes,1,opt,name=configMapRef"`
	Name                string                 `json:"name,omitempty" protobuf:"bytes,2,opt,name=name"`
	RequeueAfterSeconds *int64                 `json:"requeueAfterSeconds,omitempty" protobuf:"varint,3,opt,name=requeueAfterSeconds"`
	LabelSelector       metav1.LabelSelector   `json:"labelSelector,omitempty" protobuf:"bytes,4,opt,name=labelSelector"`
	Template            ApplicationSetTemplate `json:"template,omitempty" protobuf:"bytes,5,opt,name=template"`
	Values              map[string]string      `json:"values,omitempty" protobuf:"bytes,6,rep,name=values"`
}

// GitGenerator is the directories, or the contents of the files, of a repository.
type GitGenerator struct {
	RepoURL     string                      `json:"repoURL" protobuf:"bytes,1,opt,name=repoURL"`
	Directories []GitDirectoryGeneratorItem `json:"directories,omitempty" protobuf:"bytes,2,rep,name=directories"`
	Files       []GitFileGeneratorItem      `json:"files,omitempty" protobuf:"bytes,3,rep,name=files"`
	Revision    string                      `json:"revision" protobuf:"bytes,4,opt,name=revision"`
	// RequeueAfterSeconds is how often to look for new commits; nil means the operator's, 3 m by default.
	RequeueAfterSeconds *int64                 `json:"requeueAfterSeconds,omitempty" protobuf:"varint,5,opt,name=requeueAfterSeconds"`
	Template            ApplicationSetTemplate `json:"template,omitempty" protobuf:"bytes,6,opt,name=template"`
	// PathParamPrefix is set before the names of the path parameters, with a dot.
	PathParamPrefix string            `json:"pathParamPrefix,omitempty" protobuf:"bytes,7,opt,name=pathParamPrefix"`
	Values          map[string]string `json:"values,omitempty" protobuf:"bytes,8,rep,name=values"`
}

// GitDirectoryGeneratorItem is a glob of directories.
type GitDirectoryGeneratorItem struct {
	Path    string `json:"path" protobuf:"bytes,1,opt,name=path"`
	Exclude bool   `json:"exclude,omitempty" protobuf:"varint,2,opt,name=exclude"`
}

// GitFileGeneratorItem is a glob of files.
type GitFileGeneratorItem struct {
	Path    string `json:"path" protobuf:"bytes,1,opt,name=path"`
	Exclude bool   `json:"exclude,omitempty" protobuf:"varint,2,opt,name=exclude"`
}

// OciGenerator is the directories, or the contents of the files, of an OCI artifact.
type OciGenerator struct {
	RepoURL             string                      `json:"repoURL" protobuf:"bytes,1,opt,name=repoURL"`
	Directories         []OciDirectoryGeneratorItem `json:"directories,omitempty" protobuf:"bytes,2,rep,name=directories"`
	Files               []OciFileGeneratorItem      `json:"files,omitempty" protobuf:"bytes,3,rep,name=files"`
	Revision            string                      `json:"revision" protobuf:"bytes,4,opt,name=revision"`
	RequeueAfterSeconds *int64                      `json:"requeueAfterSeconds,omitempty" protobuf:"varint,5,opt,name=requeueAfterSeconds"`
	Template            ApplicationSetTemplate      `json:"template,omitempty" protobuf:"bytes,6,opt,name=template"`
	PathParamPrefix     string                      `json:"pathParamPrefix,omitempty" protobuf:"bytes,7,opt,name=pathParamPrefix"`
	Values              map[string]string           `json:"values,omitempty" protobuf:"bytes,8,rep,name=values"`
}

// OciDirectoryGeneratorItem is a glob of directories.
type OciDirectoryGeneratorItem struct {
	Path    string `json:"path" protobuf:"bytes,1,opt,name=path"`
	Exclude bool   `json:"exclude,omitempty" protobuf:"varint,2,opt,name=exclude"`
}

// OciFileGeneratorItem is a glob of files.
type OciFileGeneratorItem struct {
	Path    string `json:"path" protobuf:"bytes,1,opt,name=path"`
	Exclude bool   `json:"exclude,omitempty" protobuf:"varint,2,opt,name=exclude"`
}

// PluginConfigMapRef names the ConfigMap that has a plugin's address and token.
type PluginConfigMapRef struct {
	Name string `json:"name" protobuf:"bytes,1,opt,name=name"`
}

// PluginParameters are sent to a plugin as they are.
type PluginParameters map[string]apiextensionsv1.JSON

// PluginInput is what a plugin is asked with.
type PluginInput struct {
	Parameters PluginParameters `json:"parameters,omitempty" protobuf:"bytes,1,rep,name=parameters"`
}

// PluginGenerator is the answer of an HTTP service.
type PluginGenerator struct {
	ConfigMapRef PluginConfigMapRef `json:"configMapRef" protobuf:"bytes,1,opt,name=configMapRef"`
	Input        PluginInput        `json:"input,omitempty" protobuf:"bytes,2,opt,name=input"`
	// RequeueAfterSeconds is how often to ask; nil means every 30 minutes.
	RequeueAfterSeconds *int64                 `json:"requeueAfterSeconds,omitempty" protobuf:"varint,3,opt,name=requeueAfterSeconds"`
	Template            ApplicationSetTemplate `json:"template,omitempty" protobuf:"bytes,4,opt,name=template"`
	Values              map[string]string      `json:"values,omitempty" protobuf:"bytes,5,rep,name=values"`
}
