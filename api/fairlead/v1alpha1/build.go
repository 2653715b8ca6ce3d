package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RuleLabel names a Build's rule.
const RuleLabel = "fairlead.dev/build-rule"

// Build is one image in the making, or made. Its spec never changes; a rebuild is a new Build.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=builds
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Ref",type=string,JSONPath=`.spec.ref`
// +kubebuilder:printcolumn:name="Commit",type=string,JSONPath=`.spec.commit`,priority=10
// +kubebuilder:printcolumn:name="Image",type=string,JSONPath=`.status.image`
// +kubebuilder:printcolumn:name="Started",type=date,JSONPath=`.status.startedAt`
type Build struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	Spec              BuildSpec   `json:"spec" protobuf:"bytes,2,opt,name=spec"`
	Status            BuildStatus `json:"status,omitempty" protobuf:"bytes,3,opt,name=status"`
}

// BuildList is a list of Builds.
//
// +kubebuilder:object:root=true
type BuildList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	Items           []Build `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// BuildSpec is everything that the build needs, resolved from its rule when it was made.
type BuildSpec struct {
	// Rule is the name of the BuildRule.
	Rule    string      `json:"rule" protobuf:"bytes,1,opt,name=rule"`
	Project string      `json:"project,omitempty" protobuf:"bytes,2,opt,name=project"`
	Source  BuildSource `json:"source" protobuf:"bytes,3,opt,name=source"`
	// Ref is the full ref, such as refs/heads/main.
	Ref    string `json:"ref" protobuf:"bytes,4,opt,name=ref"`
	Commit string `json:"commit" protobuf:"bytes,5,opt,name=commit"`
	// Images are the full references to push; the first is the main one.
	Images         []string          `json:"images" protobuf:"bytes,6,rep,name=images"`
	Args           map[string]string `json:"args,omitempty" protobuf:"bytes,7,rep,name=args"`
	Platforms      []string          `json:"platforms,omitempty" protobuf:"bytes,8,rep,name=platforms"`
	NoCache        bool              `json:"noCache,omitempty" protobuf:"varint,9,opt,name=noCache"`
	TimeoutSeconds int64             `json:"timeoutSeconds,omitempty" protobuf:"varint,10,opt,name=timeoutSeconds"`
	// RequestedBy is the user that asked for a build by hand; empty for pushes.
	RequestedBy string `json:"requestedBy,omitempty" protobuf:"bytes,11,opt,name=requestedBy"`
	// RebuildOf is the name of the Build that this one repeats.
	RebuildOf string `json:"rebuildOf,omitempty" protobuf:"bytes,12,opt,name=rebuildOf"`
	// PushedAt is when the hub heard of the push.
	PushedAt *metav1.MicroTime `json:"pushedAt,omitempty" protobuf:"bytes,13,opt,name=pushedAt"`
	// Cancel asks for the build to stop. It is the one field that may change.
	Cancel bool `json:"cancel,omitempty" protobuf:"varint,14,opt,name=cancel"`
}

// BuildPhase is where a build stands.
type BuildPhase string

// The phases; the last three are ends.
const (
	BuildPending   BuildPhase = "Pending"
	BuildRunning   BuildPhase = "Running"
	BuildSucceeded BuildPhase = "Succeeded"
	BuildFailed    BuildPhase = "Failed"
	BuildCancelled BuildPhase = "Cancelled"
)

// Completed tells whether a phase is an end.
func (p BuildPhase) Completed() bool {
	return p == BuildSucceeded || p == BuildFailed || p == BuildCancelled
}

// BuildStatus is how far a build has come.
type BuildStatus struct {
	// Phase is empty until the controller has seen the build.
	Phase BuildPhase `json:"phase,omitempty" protobuf:"bytes,1,opt,name=phase"`
	// Message says what went wrong and what to do, for people.
	Message string `json:"message,omitempty" protobuf:"bytes,2,opt,name=message"`
	// Image is the main reference that was pushed, Digest that of its manifest or index ("sha256:…").
	Image  string `json:"image,omitempty" protobuf:"bytes,3,opt,name=image"`
	Digest string `json:"digest,omitempty" protobuf:"bytes,4,opt,name=digest"`
	// Attempts counts how often the build was begun, more than once after a crash of hub or builder.
	Attempts   int32             `json:"attempts,omitempty" protobuf:"varint,5,opt,name=attempts"`
	StartedAt  *metav1.MicroTime `json:"startedAt,omitempty" protobuf:"bytes,6,opt,name=startedAt"`
	FinishedAt *metav1.MicroTime `json:"finishedAt,omitempty" protobuf:"bytes,7,opt,name=finishedAt"`
	// Stages are the parts of the work with their times.
	Stages []BuildStage `json:"stages,omitempty" protobuf:"bytes,8,rep,name=stages"`
}

// BuildStage is a part of a build, such as GIT_CLONE, BUILD, PUSH.
type BuildStage struct {
	Name       string            `json:"name" protobuf:"bytes,1,opt,name=name"`
	StartedAt  *metav1.MicroTime `json:"startedAt,omitempty" protobuf:"bytes,2,opt,name=startedAt"`
	FinishedAt *metav1.MicroTime `json:"finishedAt,omitempty" protobuf:"bytes,3,opt,name=finishedAt"`
}
