package v1alpha1

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// ApplicationSourceType tells which renderer a source takes.
type ApplicationSourceType string

// The renderers, by the names that status shows.
const (
	ApplicationSourceTypeHelm      ApplicationSourceType = "Helm"
	ApplicationSourceTypeKustomize ApplicationSourceType = "Kustomize"
	ApplicationSourceTypeDirectory ApplicationSourceType = "Directory"
	ApplicationSourceTypePlugin    ApplicationSourceType = "Plugin"
)

// ApplicationSource is a place in a repository, and how its manifests are rendered. At most one of Helm, Kustomize,
// Directory and Plugin is set; with none of them the files decide.
type ApplicationSource struct {
	// RepoURL is a Git repository, a Helm repository or an OCI registry.
	RepoURL string `json:"repoURL" protobuf:"bytes,1,opt,name=repoURL"`
	// Path is the folder in the Git repository; exclusive with Chart.
	Path string `json:"path,omitempty" protobuf:"bytes,2,opt,name=path"`
	// TargetRevision is a branch, tag, commit, or semver range; empty means HEAD.
	TargetRevision string                      `json:"targetRevision,omitempty" protobuf:"bytes,4,opt,name=targetRevision"`
	Helm           *ApplicationSourceHelm      `json:"helm,omitempty" protobuf:"bytes,7,opt,name=helm"`
	Kustomize      *ApplicationSourceKustomize `json:"kustomize,omitempty" protobuf:"bytes,8,opt,name=kustomize"`
	Directory      *ApplicationSourceDirectory `json:"directory,omitempty" protobuf:"bytes,10,opt,name=directory"`
	Plugin         *ApplicationSourcePlugin    `json:"plugin,omitempty" protobuf:"bytes,11,opt,name=plugin"`
	// Chart is the name of a chart in a Helm repository; exclusive with Path.
	Chart string `json:"chart,omitempty" protobuf:"bytes,12,opt,name=chart"`
	// Ref names this source for $ref/… in the value files of other sources.
	Ref  string `json:"ref,omitempty" protobuf:"bytes,13,opt,name=ref"`
	Name string `json:"name,omitempty" protobuf:"bytes,14,opt,name=name"`
	// TagPrefix limits a semver range in TargetRevision to the Git tags that begin with it, and is no part of their versions:
	// component-b/ makes one of component-b/1.0.0. Empty is all tags, whole.
	TagPrefix string `json:"tagPrefix,omitempty" protobuf:"bytes,15,opt,name=tagPrefix"`
}

// ApplicationSourceHelm are the options of a Helm chart.
type ApplicationSourceHelm struct {
	// ValueFiles are relative to the chart's folder, or to the repository with a leading slash.
	ValueFiles []string        `json:"valueFiles,omitempty" protobuf:"bytes,1,rep,name=valueFiles"`
	Parameters []HelmParameter `json:"parameters,omitempty" protobuf:"bytes,2,rep,name=parameters"`
	// ReleaseName is the Helm release's name; empty means the application's.
	ReleaseName string `json:"releaseName,omitempty" protobuf:"bytes,3,opt,name=releaseName"`
	// Values is a block of YAML; ValuesObject wins over it.
	Values         string              `json:"values,omitempty" protobuf:"bytes,4,opt,name=values"`
	FileParameters []HelmFileParameter `json:"fileParameters,omitempty" protobuf:"bytes,5,rep,name=fileParameters"`
	// Version is accepted and ignored, as upstream does ("v3").
	Version         string `json:"version,omitempty" protobuf:"bytes,6,opt,name=version"`
	PassCredentials bool   `json:"passCredentials,omitempty" protobuf:"varint,7,opt,name=passCredentials"`
	// IgnoreMissingValueFiles skips value files that don't exist.
	IgnoreMissingValueFiles bool `json:"ignoreMissingValueFiles,omitempty" protobuf:"varint,8,opt,name=ignoreMissingValueFiles"`
	SkipCrds                bool `json:"skipCrds,omitempty" protobuf:"varint,9,opt,name=skipCrds"`
	// ValuesObject is values as an object.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	ValuesObject         *runtime.RawExtension `json:"valuesObject,omitempty" protobuf:"bytes,10,opt,name=valuesObject"`
	Namespace            string                `json:"namespace,omitempty" protobuf:"bytes,11,opt,name=namespace"`
	KubeVersion          string                `json:"kubeVersion,omitempty" protobuf:"bytes,12,opt,name=kubeVersion"`
	APIVersions          []string              `json:"apiVersions,omitempty" protobuf:"bytes,13,rep,name=apiVersions"`
	SkipTests            bool                  `json:"skipTests,omitempty" protobuf:"varint,14,opt,name=skipTests"`
	SkipSchemaValidation bool                  `json:"skipSchemaValidation,omitempty" protobuf:"varint,15,opt,name=skipSchemaValidation"`
}

// HelmParameter is one --set.
type HelmParameter struct {
	Name  string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Value string `json:"value,omitempty" protobuf:"bytes,2,opt,name=value"`
	// ForceString keeps numbers and booleans strings (--set-string).
	ForceString bool `json:"forceString,omitempty" protobuf:"varint,3,opt,name=forceString"`
}

// HelmFileParameter is one --set-file.
type HelmFileParameter struct {
	Name string `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Path string `json:"path,omitempty" protobuf:"bytes,2,opt,name=path"`
}

// ApplicationSourceKustomize are edits of a kustomization before it is built.
type ApplicationSourceKustomize struct {
	NamePrefix string `json:"namePrefix,omitempty" protobuf:"bytes,1,opt,name=namePrefix"`
	NameSuffix string `json:"nameSuffix,omitempty" protobuf:"bytes,2,opt,name=nameSuffix"`
	// Images are overrides in the form [old=]name[:tag][@digest].
	Images       KustomizeImages   `json:"images,omitempty" protobuf:"bytes,3,rep,name=images"`
	CommonLabels map[string]string `json:"commonLabels,omitempty" protobuf:"bytes,4,rep,name=commonLabels"`
	// Version is accepted and ignored: there is one built-in Kustomize.
	Version                   string            `json:"version,omitempty" protobuf:"bytes,5,opt,name=version"`
	CommonAnnotations         map[string]string `json:"commonAnnotations,omitempty" protobuf:"bytes,6,rep,name=commonAnnotations"`
	ForceCommonLabels         bool              `json:"forceCommonLabels,omitempty" protobuf:"varint,7,opt,name=forceCommonLabels"`
	ForceCommonAnnotations    bool              `json:"forceCommonAnnotations,omitempty" protobuf:"varint,8,opt,name=forceCommonAnnotations"`
	Namespace                 string            `json:"namespace,omitempty" protobuf:"bytes,9,opt,name=namespace"`
	CommonAnnotationsEnvsubst bool              `json:"commonAnnotationsEnvsubst,omitempty" protobuf:"varint,10,opt,name=commonAnnotationsEnvsubst"`
	Replicas                  KustomizeReplicas `json:"replicas,omitempty" protobuf:"bytes,11,rep,name=replicas"`
	Patches                   KustomizePatches  `json:"patches,omitempty" protobuf:"bytes,12,rep,name=patches"`
	Components                []string          `json:"components,omitempty" protobuf:"bytes,13,rep,name=components"`
	LabelWithoutSelector      bool              `json:"labelWithoutSelector,omitempty" protobuf:"varint,14,opt,name=labelWithoutSelector"`
	KubeVersion               string            `json:"kubeVersion,omitempty" protobuf:"bytes,15,opt,name=kubeVersion"`
	APIVersions               []string          `json:"apiVersions,omitempty" protobuf:"bytes,16,rep,name=apiVersions"`
	LabelIncludeTemplates     bool              `json:"labelIncludeTemplates,omitempty" protobuf:"varint,18,opt,name=labelIncludeTemplates"`
	IgnoreMissingComponents   bool              `json:"ignoreMissingComponents,omitempty" protobuf:"varint,17,opt,name=ignoreMissingComponents"`
}

// KustomizeImage is an override in the form [old=]name[:tag][@digest].
type KustomizeImage string

// KustomizeImages is a list of image overrides.
type KustomizeImages []KustomizeImage

// KustomizeReplica sets the replicas of a workload.
type KustomizeReplica struct {
	Name  string             `json:"name" protobuf:"bytes,1,opt,name=name"`
	Count intstr.IntOrString `json:"count" protobuf:"bytes,2,opt,name=count"`
}

// KustomizeReplicas is a list of replica overrides.
type KustomizeReplicas []KustomizeReplica

// KustomizePatch is an inline or file patch.
type KustomizePatch struct {
	Path    string             `json:"path,omitempty" yaml:"path,omitempty" protobuf:"bytes,1,opt,name=path"`
	Patch   string             `json:"patch,omitempty" yaml:"patch,omitempty" protobuf:"bytes,2,opt,name=patch"`
	Target  *KustomizeSelector `json:"target,omitempty" yaml:"target,omitempty" protobuf:"bytes,3,opt,name=target"`
	Options map[string]bool    `json:"options,omitempty" yaml:"options,omitempty" protobuf:"bytes,4,rep,name=options"`
}

// KustomizePatches is a list of patches.
type KustomizePatches []KustomizePatch

// KustomizeSelector says which objects a patch is for.
type KustomizeSelector struct {
	KustomizeResId     `json:",inline,omitempty" yaml:",inline,omitempty" protobuf:"bytes,1,opt,name=resId"`
	AnnotationSelector string `json:"annotationSelector,omitempty" yaml:"annotationSelector,omitempty" protobuf:"bytes,2,opt,name=annotationSelector"`
	LabelSelector      string `json:"labelSelector,omitempty" yaml:"labelSelector,omitempty" protobuf:"bytes,3,opt,name=labelSelector"`
}

// KustomizeResId is Kustomize's id of an object.
type KustomizeResId struct {
	KustomizeGvk `json:",inline,omitempty" yaml:",inline,omitempty" protobuf:"bytes,1,opt,name=gvk"`
	Name         string `json:"name,omitempty" yaml:"name,omitempty" protobuf:"bytes,2,opt,name=name"`
	Namespace    string `json:"namespace,omitempty" yaml:"namespace,omitempty" protobuf:"bytes,3,opt,name=namespace"`
}

// KustomizeGvk is a group, version and kind, each may be empty.
type KustomizeGvk struct {
	Group   string `json:"group,omitempty" yaml:"group,omitempty" protobuf:"bytes,1,opt,name=group"`
	Version string `json:"version,omitempty" yaml:"version,omitempty" protobuf:"bytes,2,opt,name=version"`
	Kind    string `json:"kind,omitempty" yaml:"kind,omitempty" protobuf:"bytes,3,opt,name=kind"`
}

// ApplicationSourceDirectory are the options of a folder of plain manifests.
type ApplicationSourceDirectory struct {
	Recurse bool                     `json:"recurse,omitempty" protobuf:"varint,1,opt,name=recurse"`
	Jsonnet ApplicationSourceJsonnet `json:"jsonnet,omitempty" protobuf:"bytes,2,opt,name=jsonnet"`
	// Exclude and Include are globs; {a,b} groups allowed; Exclude wins.
	Exclude string `json:"exclude,omitempty" protobuf:"bytes,3,opt,name=exclude"`
	Include string `json:"include,omitempty" protobuf:"bytes,4,opt,name=include"`
	// DisableExtensionFilter takes files for manifests whatever their names end with.
	DisableExtensionFilter bool `json:"disableExtensionFilter,omitempty" protobuf:"varint,5,opt,name=disableExtensionFilter"`
}

// ApplicationSourceJsonnet are variables and library folders for Jsonnet files.
type ApplicationSourceJsonnet struct {
	ExtVars []JsonnetVar `json:"extVars,omitempty" protobuf:"bytes,1,rep,name=extVars"`
	TLAs    []JsonnetVar `json:"tlas,omitempty" protobuf:"bytes,2,rep,name=tlas"`
	Libs    []string     `json:"libs,omitempty" protobuf:"bytes,3,rep,name=libs"`
}

// JsonnetVar is a variable: a string, or code if Code is set.
type JsonnetVar struct {
	Name  string `json:"name" protobuf:"bytes,1,opt,name=name"`
	Value string `json:"value" protobuf:"bytes,2,opt,name=value"`
	Code  bool   `json:"code,omitempty" protobuf:"varint,3,opt,name=code"`
}

// ApplicationSourcePlugin are the options of a config management plugin.
type ApplicationSourcePlugin struct {
	Name       string                             `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	Env        []EnvEntry                         `json:"env,omitempty" protobuf:"bytes,2,rep,name=env"`
	Parameters []ApplicationSourcePluginParameter `json:"parameters,omitempty" protobuf:"bytes,3,rep,name=parameters"`
}

// EnvEntry is one variable for a plugin.
type EnvEntry struct {
	Name  string `json:"name" protobuf:"bytes,1,opt,name=name"`
	Value string `json:"value" protobuf:"bytes,2,opt,name=value"`
}

// ApplicationSourcePluginParameter is one parameter of a plugin: a string, a map or an array.
type ApplicationSourcePluginParameter struct {
	Name   string            `json:"name,omitempty" protobuf:"bytes,1,opt,name=name"`
	String *string           `json:"string,omitempty" protobuf:"bytes,5,opt,name=string"`
	Map    map[string]string `json:"map,omitempty" protobuf:"bytes,3,opt,name=map,wrapped"`
	Array  []string          `json:"array,omitempty" protobuf:"bytes,4,opt,name=array,wrapped"`
}
