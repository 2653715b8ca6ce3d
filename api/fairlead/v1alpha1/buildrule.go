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
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	Spec              BuildRuleSpec   `json:"spec" protobuf:"bytes,2,opt,name=spec"`
	Status            BuildRuleStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// BuildRuleList is a list of BuildRules.
//
// +kubebuilder:object:root=true
type BuildRuleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	Items           []BuildRule `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// BuildRuleSpec is what to build, when, and where the image goes.
type BuildRuleSpec struct {
	// Project is the AppProject whose policy says who may act on the builds; empty means "default".
	Project string      `json:"project,omitempty" protobuf:"bytes,1,opt,name=project"`
	Source  BuildSource `json:"source" protobuf:"bytes,2,opt,name=source"`
	Push    PushPattern `json:"push" protobuf:"bytes,3,opt,name=push"`
	Image   BuildImage  `json:"image" protobuf:"bytes,4,opt,name=image"`
	// Args are build arguments.
	Args map[string]string `json:"args,omitempty" protobuf:"bytes,5,rep,name=args"`
	// Platforms such as linux/amd64; empty means the builder's own.
	Platforms []string `json:"platforms,omitempty" protobuf:"bytes,6,rep,name=platforms"`
	// Suspend stops the making of new builds.
	Suspend bool `json:"suspend,omitempty" protobuf:"varint,7,opt,name=suspend"`
	// NoCache builds each time from nothing.
	NoCache bool `json:"noCache,omitempty" protobuf:"varint,8,opt,name=noCache"`
	// TimeoutSeconds bounds one build; 0 means 1200.
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty" protobuf:"varint,9,opt,name=timeoutSeconds"`
	// HistoryLimit is the number of finished builds that are kept; nil means 20.
	HistoryLimit *int32 `json:"historyLimit,omitempty" protobuf:"varint,10,opt,name=historyLimit"`
}

// BuildSource is a repository and the Dockerfile in it.
type BuildSource struct {
	RepoURL string `json:"repoURL" protobuf:"bytes,1,opt,name=repoURL"`
	// Context is the folder sent to the builder; empty means the repository's root.
	Context string `json:"context,omitempty" protobuf:"bytes,2,opt,name=context"`
	// Dockerfile is relative to Context; empty means "Dockerfile".
	Dockerfile string `json:"dockerfile,omitempty" protobuf:"bytes,3,opt,name=dockerfile"`
	// Target is a stage of the Dockerfile; empty means the last.
	Target string `json:"target,omitempty" protobuf:"bytes,4,opt,name=target"`
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
	Type PushType `json:"type" protobuf:"bytes,1,opt,name=type"`
	// Pattern is a regular expression (RE2) that the whole short name of the branch or tag must match, such as
	// `release-v(?P<imageTag>.+)`; (?<name>…) is accepted too.
	Pattern string `json:"pattern" protobuf:"bytes,2,opt,name=pattern"`
}

// BuildImage is where the image goes.
type BuildImage struct {
	// Repository is registry/name, without a tag.
	Repository string `json:"repository" protobuf:"bytes,1,opt,name=repository"`
	// Tag is the tag; it may hold ${NAME} for a named group of the pattern, and ${REF}, ${SHA}, ${SHORT_SHA},
	// ${TIMESTAMP} (UTC, yyyymmddhhmmss, of the commit). Empty means ${imageTag} where the pattern has that group,
	// else ${REF} for tags, else ${REF}-${SHORT_SHA}.
	Tag string `json:"tag,omitempty" protobuf:"bytes,2,opt,name=tag"`
	// AdditionalTags are further tags of the same form.
	AdditionalTags []string `json:"additionalTags,omitempty" protobuf:"bytes,3,rep,name=additionalTags"`
}

// BuildRuleStatus is what the controller knows of a rule.
type BuildRuleStatus struct {
	ObservedGeneration int64 `json:"observedGeneration,omitempty" protobuf:"varint,1,opt,name=observedGeneration"`
	// Refs are the refs that match and the last commit that a build was made for. It is recorded after the Build
	// exists, so that a crash between makes no push go missing; Builds' names make it idempotent.
	Refs       []ObservedRef      `json:"refs,omitempty" protobuf:"bytes,2,rep,name=refs"`
	Conditions []metav1.Condition `json:"conditions,omitempty" protobuf:"bytes,3,rep,name=conditions"`
	// Watching says in words which refs of which repository Refs are about. When it differs from the spec, the rule looks
	// anew.
	Watching string `json:"watching,omitempty" protobuf:"bytes,4,opt,name=watching"`
}

// ObservedRef is a ref and its commit.
type ObservedRef struct {
	Name   string `json:"name" protobuf:"bytes,1,opt,name=name"`
	Commit string `json:"commit" protobuf:"bytes,2,opt,name=commit"`
	// Builds counts the Builds that pushes to the ref have given; 0 for a ref that was there before the rule.
	Builds int64 `json:"builds,omitempty" protobuf:"varint,3,opt,name=builds"`
}
