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
	RepoURL string `json:"repoURL"`
	// Path is the folder in the Git repository; exclusive with Chart.
	Path string `json:"path,omitempty"`
	// TargetRevision is a branch, tag, commit, or semver range; empty means HEAD.
	TargetRevision string                      `json:"targetRevision,omitempty"`
	Helm           *ApplicationSourceHelm      `json:"helm,omitempty"`
	Kustomize      *ApplicationSourceKustomize `json:"kustomize,omitempty"`
	Directory      *ApplicationSourceDirectory `json:"directory,omitempty"`
	Plugin         *ApplicationSourcePlugin    `json:"plugin,omitempty"`
	// Chart is the name of a chart in a Helm repository; exclusive with Path.
	Chart string `json:"chart,omitempty"`
	// Ref names this source for $ref/… in the value files of other sources.
	Ref  string `json:"ref,omitempty"`
	Name string `json:"name,omitempty"`
}

// ApplicationSourceHelm are the options of a Helm chart.
type ApplicationSourceHelm struct {
	// ValueFiles are relative to the chart's folder, or to the repository with a leading slash.
	ValueFiles []string        `json:"valueFiles,omitempty"`
	Parameters []HelmParameter `json:"parameters,omitempty"`
	// ReleaseName is the Helm release's name; empty means the application's.
	ReleaseName string `json:"releaseName,omitempty"`
	// Values is a block of YAML; ValuesObject wins over it.
	Values         string              `json:"values,omitempty"`
	FileParameters []HelmFileParameter `json:"fileParameters,omitempty"`
	// Version is accepted and ignored, as upstream does ("v3").
	Version         string `json:"version,omitempty"`
	PassCredentials bool   `json:"passCredentials,omitempty"`
	// IgnoreMissingValueFiles skips value files that don't exist.
	IgnoreMissingValueFiles bool `json:"ignoreMissingValueFiles,omitempty"`
	SkipCrds                bool `json:"skipCrds,omitempty"`
	// ValuesObject is values as an object.
	//
	// +kubebuilder:pruning:PreserveUnknownFields
	ValuesObject         *runtime.RawExtension `json:"valuesObject,omitempty"`
	Namespace            string                `json:"namespace,omitempty"`
	KubeVersion          string                `json:"kubeVersion,omitempty"`
	APIVersions          []string              `json:"apiVersions,omitempty"`
	SkipTests            bool                  `json:"skipTests,omitempty"`
	SkipSchemaValidation bool                  `json:"skipSchemaValidation,omitempty"`
}

// HelmParameter is one --set.
type HelmParameter struct {
	Name  string `json:"name,omitempty"`
	Value string `json:"value,omitempty"`
	// ForceString keeps numbers and booleans strings (--set-string).
	ForceString bool `json:"forceString,omitempty"`
}

// HelmFileParameter is one --set-file.
type HelmFileParameter struct {
	Name string `json:"name,omitempty"`
	Path string `json:"path,omitempty"`
}

// ApplicationSourceKustomize are edits of a kustomization before it is built.
type ApplicationSourceKustomize struct {
	NamePrefix string `json:"namePrefix,omitempty"`
	NameSuffix string `json:"nameSuffix,omitempty"`
	// Images are overrides in the form [old=]name[:tag][@digest].
	Images       KustomizeImages   `json:"images,omitempty"`
	CommonLabels map[string]string `json:"commonLabels,omitempty"`
	// Version is accepted and ignored: there is one built-in Kustomize.
	Version                   string            `json:"version,omitempty"`
	CommonAnnotations         map[string]string `json:"commonAnnotations,omitempty"`
	ForceCommonLabels         bool              `json:"forceCommonLabels,omitempty"`
	ForceCommonAnnotations    bool              `json:"forceCommonAnnotations,omitempty"`
	Namespace                 string            `json:"namespace,omitempty"`
	CommonAnnotationsEnvsubst bool              `json:"commonAnnotationsEnvsubst,omitempty"`
	Replicas                  KustomizeReplicas `json:"replicas,omitempty"`
	Patches                   KustomizePatches  `json:"patches,omitempty"`
	Components                []string          `json:"components,omitempty"`
	LabelWithoutSelector      bool              `json:"labelWithoutSelector,omitempty"`
	KubeVersion               string            `json:"kubeVersion,omitempty"`
	APIVersions               []string          `json:"apiVersions,omitempty"`
	LabelIncludeTemplates     bool              `json:"labelIncludeTemplates,omitempty"`
	IgnoreMissingComponents   bool              `json:"ignoreMissingComponents,omitempty"`
}

// KustomizeImage is an override in the form [old=]name[:tag][@digest].
type KustomizeImage string

// KustomizeImages is a list of image overrides.
type KustomizeImages []KustomizeImage

// KustomizeReplica sets the replicas of a workload.
type KustomizeReplica struct {
	Name  string             `json:"name"`
	Count intstr.IntOrString `json:"count"`
}

// KustomizeReplicas is a list of replica overrides.
type KustomizeReplicas []KustomizeReplica

// KustomizePatch is an inline or file patch.
type KustomizePatch struct {
	Path    string             `json:"path,omitempty" yaml:"path,omitempty"`
	Patch   string             `json:"patch,omitempty" yaml:"patch,omitempty"`
	Target  *KustomizeSelector `json:"target,omitempty" yaml:"target,omitempty"`
	Options map[string]bool    `json:"options,omitempty" yaml:"options,omitempty"`
}

// KustomizePatches is a list of patches.
type KustomizePatches []KustomizePatch

// KustomizeSelector says which objects a patch is for.
type KustomizeSelector struct {
	KustomizeResId     `json:",inline,omitempty" yaml:",inline,omitempty"`
	AnnotationSelector string `json:"annotationSelector,omitempty" yaml:"annotationSelector,omitempty"`
	LabelSelector      string `json:"labelSelector,omitempty" yaml:"labelSelector,omitempty"`
}

// KustomizeResId is Kustomize's id of an object.
type KustomizeResId struct {
	KustomizeGvk `json:",inline,omitempty" yaml:",inline,omitempty"`
	Name         string `json:"name,omitempty" yaml:"name,omitempty"`
	Namespace    string `json:"namespace,omitempty" yaml:"namespace,omitempty"`
}

// KustomizeGvk is a group, version and kind, each may be empty.
type KustomizeGvk struct {
	Group   string `json:"group,omitempty" yaml:"group,omitempty"`
	Version string `json:"version,omitempty" yaml:"version,omitempty"`
	Kind    string `json:"kind,omitempty" yaml:"kind,omitempty"`
}

// ApplicationSourceDirectory are the options of a folder of plain manifests.
type ApplicationSourceDirectory struct {
	Recurse bool                     `json:"recurse,omitempty"`
	Jsonnet ApplicationSourceJsonnet `json:"jsonnet,omitempty"`
	// Exclude and Include are globs; {a,b} groups allowed; Exclude wins.
	Exclude string `json:"exclude,omitempty"`
	Include string `json:"include,omitempty"`
}

// ApplicationSourceJsonnet are variables and library folders for Jsonnet files.
type ApplicationSourceJsonnet struct {
	ExtVars []JsonnetVar `json:"extVars,omitempty"`
	TLAs    []JsonnetVar `json:"tlas,omitempty"`
	Libs    []string     `json:"libs,omitempty"`
}

// JsonnetVar is a variable: a string, or code if Code is set.
type JsonnetVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Code  bool   `json:"code,omitempty"`
}

// ApplicationSourcePlugin are the options of a config management plugin.
type ApplicationSourcePlugin struct {
	Name       string                             `json:"name,omitempty"`
	Env        []EnvEntry                         `json:"env,omitempty"`
	Parameters []ApplicationSourcePluginParameter `json:"parameters,omitempty"`
}

// EnvEntry is one variable for a plugin.
type EnvEntry struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ApplicationSourcePluginParameter is one parameter of a plugin: a string, a map or an array.
type ApplicationSourcePluginParameter struct {
	Name   string            `json:"name,omitempty"`
	String *string           `json:"string,omitempty"`
	Map    map[string]string `json:"map,omitempty"`
	Array  []string          `json:"array,omitempty"`
}
