package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BuildRule says which pushes to a repository become which image. Every new commit of a ref that matches gives one Build.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=buildrules,shortName=br
// +kubebuilder:printcolumn:name="Repository",type=string,JSONPath=`.spec.source.repoURL`
// +kubebuilder:printcolumn:name="Push",type=string,JSONPath=`.spec.push.type`
// +kubebuilder:printcolumn:name="Pattern",type=string,JSONPath=`.spec.push.pattern`
// +kubebuilder:printcolumn:name="Image",type=string,JSONPath=`.spec.image.repository`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
type BuildRule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BuildRuleSpec   `json:"spec"`
	Status            BuildRuleStatus `json:"status,omitempty"`
}

// BuildRuleList is a list of BuildRules.
//
// +kubebuilder:object:root=true
type BuildRuleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []BuildRule `json:"items"`
}

// BuildRuleSpec is what to build, when, and where the image goes.
type BuildRuleSpec struct {
	// Project is the AppProject whose policy says who may act on the builds; empty means "default".
	Project string      `json:"project,omitempty"`
	Source  BuildSource `json:"source"`
	Push    PushPattern `json:"push"`
	Image   BuildImage  `json:"image"`
	// Args are build arguments.
	Args map[string]string `json:"args,omitempty"`
	// Platforms such as linux/amd64; empty means the builder's own.
	Platforms []string `json:"platforms,omitempty"`
	// Suspend stops the making of new builds.
	Suspend bool `json:"suspend,omitempty"`
	// NoCache builds each time from nothing.
	NoCache bool `json:"noCache,omitempty"`
	// TimeoutSeconds bounds one build; 0 means 1200.
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
	// HistoryLimit is the number of finished builds that are kept; nil means 20.
	HistoryLimit *int32 `json:"historyLimit,omitempty"`
}

// BuildSource is a repository and the Dockerfile in it.
type BuildSource struct {
	RepoURL string `json:"repoURL"`
	// Context is the folder sent to the builder; empty means the repository's root.
	Context string `json:"context,omitempty"`
	// Dockerfile is relative to Context; empty means "Dockerfile".
	Dockerfile string `json:"dockerfile,omitempty"`
	// Target is a stage of the Dockerfile; empty means the last.
	Target string `json:"target,omitempty"`
}

// PushType says which refs a rule is about.
//
// +kubebuilder:validation:Enum=branch;tag
type PushType string

// The kinds of push.
const (
	PushBranch PushType = "branch"
	PushTag    PushType = "tag"
)

// PushPattern says which pushes count.
type PushPattern struct {
	Type PushType `json:"type"`
	// Pattern is a regular expression (RE2) that the whole short name of the branch or tag must match, such as
	// `release-v(?P<imageTag>.+)`; (?<name>…) is accepted too.
	Pattern string `json:"pattern"`
}

// BuildImage is where the image goes.
type BuildImage struct {
	// Repository is registry/name, without a tag.
	Repository string `json:"repository"`
	// Tag is the tag; it may hold ${NAME} for a named group of the pattern, and ${REF}, ${SHA}, ${SHORT_SHA},
	// ${TIMESTAMP} (UTC, yyyymmddhhmmss, of the commit). Empty means ${imageTag} where the pattern has that group,
	// else ${REF} for tags, else ${REF}-${SHORT_SHA}.
	Tag string `json:"tag,omitempty"`
	// AdditionalTags are further tags of the same form.
	AdditionalTags []string `json:"additionalTags,omitempty"`
}

// BuildRuleStatus is what the controller knows of a rule.
type BuildRuleStatus struct {
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Refs are the refs that match and the last commit that a build was made for. It is recorded after the Build
	// exists, so that a crash between makes no push go missing; Builds' names make it idempotent.
	Refs       []ObservedRef      `json:"refs,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ObservedRef is a ref and its commit.
type ObservedRef struct {
	Name   string `json:"name"`
	Commit string `json:"commit"`
}
