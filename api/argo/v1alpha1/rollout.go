package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Labels and annotations that Argo Rollouts puts on the objects it manages. They are the contract with its command line,
// its dashboard and Argo CD, so their spelling is fixed.
const (
	// RolloutPodHashLabel tells the pods, ReplicaSets and Service selectors of one revision from those of another.
	RolloutPodHashLabel = "rollouts-pod-template-hash"
	// RolloutRevisionAnnotation counts the revisions of a Rollout from 1; on the Rollout and on its ReplicaSets.
	RolloutRevisionAnnotation = "rollout.argoproj.io/revision"
	// RolloutRevisionHistoryAnnotation lists, comma separated, the earlier revisions of a ReplicaSet that was rolled back to.
	RolloutRevisionHistoryAnnotation = "rollout.argoproj.io/revision-history"
	// RolloutDesiredReplicasAnnotation records, on a ReplicaSet, the spec.replicas that its size was derived from.
	RolloutDesiredReplicasAnnotation = "rollout.argoproj.io/desired-replicas"
	// RolloutManagedByAnnotation names, on a Service, the Rollout that switches its selector.
	RolloutManagedByAnnotation = "argo-rollouts.argoproj.io/managed-by-rollouts"
	// RolloutInstanceIDLabel assigns an object to one of several controllers in a cluster.
	RolloutInstanceIDLabel = "argo-rollouts.argoproj.io/controller-instance-id"
)

// Rollout is Argo Rollouts' replacement for a Deployment: it brings a new pod template into service step by step.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=rollouts,shortName=ro
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.HPAReplicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Desired",type="integer",JSONPath=".spec.replicas",description="Number of desired pods"
// +kubebuilder:printcolumn:name="Current",type="integer",JSONPath=".status.replicas",description="Total number of non-terminated pods targeted by this rollout"
// +kubebuilder:printcolumn:name="Up-to-date",type="integer",JSONPath=".status.updatedReplicas",description="Total number of non-terminated pods targeted by this rollout that have the desired template spec"
// +kubebuilder:printcolumn:name="Available",type="integer",JSONPath=".status.availableReplicas",description="Total number of available pods (ready for at least minReadySeconds) targeted by this rollout"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="Time since resource was created"
type Rollout struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the user wants.
	Spec RolloutSpec `json:"spec"`
	// Status is what the agent reached, and the place where people steer: abort, resume and promote are patches of it.
	// +optional
	Status RolloutStatus `json:"status,omitempty"`
}

// RolloutList is a list of Rollouts.
//
// +kubebuilder:object:root=true
type RolloutList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []Rollout `json:"items"`
}

// RolloutSpec describes the pods of a Rollout and the way to a new template.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutSpec struct {
	// Replicas is the wanted number of pods; nil means 1.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// Selector finds the pods and ReplicaSets of this Rollout; it must match the template's labels.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
	// Template describes the pods. Empty if WorkloadRef is set.
	// +optional
	Template corev1.PodTemplateSpec `json:"template,omitempty"`
	// WorkloadRef takes the template from another workload, usually a Deployment.
	// +optional
	WorkloadRef *RolloutWorkloadRef `json:"workloadRef,omitempty"`
	// MinReadySeconds is how long a pod must be ready before it counts as available; 0 means at once.
	// +optional
	MinReadySeconds int32 `json:"minReadySeconds,omitempty"`
	// RollbackWindow lets a rollback to a recent revision skip the steps.
	// +optional
	RollbackWindow *RollbackWindowSpec `json:"rollbackWindow,omitempty"`
	// Strategy is how new pods replace old ones.
	// +optional
	Strategy RolloutStrategy `json:"strategy"`
	// RevisionHistoryLimit is the number of old ReplicaSets to keep for rollbacks; nil means 10.
	// +optional
	RevisionHistoryLimit *int32 `json:"revisionHistoryLimit,omitempty"`
	// Paused stops all progress and scaling until it is false again.
	// +optional
	Paused bool `json:"paused,omitempty"`
	// ProgressDeadlineSeconds is how long an update may stand still before it counts as failed; nil means 600.
	// The time of pauses does not count.
	// +optional
	ProgressDeadlineSeconds *int32 `json:"progressDeadlineSeconds,omitempty"`
	// ProgressDeadlineAbort aborts the update when the deadline has passed.
	// +optional
	ProgressDeadlineAbort bool `json:"progressDeadlineAbort,omitempty"`
	// RestartAt asks that every pod created before this time is replaced.
	// +optional
	RestartAt *metav1.Time `json:"restartAt,omitempty"`
	// Analysis limits how many finished analysis runs are kept.
	// +optional
	Analysis *AnalysisRunStrategy `json:"analysis,omitempty"`
}

// RolloutWorkloadRef names the workload that a Rollout takes its template from.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutWorkloadRef struct {
	// APIVersion of the workload, as apps/v1.
	APIVersion string `json:"apiVersion,omitempty"`
	// Kind of the workload, as Deployment.
	Kind string `json:"kind,omitempty"`
	// Name of the workload, in the Rollout's namespace.
	Name string `json:"name,omitempty"`
	// ScaleDown says when the workload itself is scaled to zero: never, onsuccess or progressively; empty means never.
	ScaleDown string `json:"scaleDown,omitempty"`
}

// RollbackWindowSpec says how far back a rollback skips the steps.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RollbackWindowSpec struct {
	// Revisions is the number of revisions between the one rolled back to and the stable one; 0 means no window.
	Revisions int32 `json:"revisions,omitempty"`
}

// AnalysisRunStrategy limits the history of analysis runs and experiments.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AnalysisRunStrategy struct {
	// SuccessfulRunHistoryLimit is the number of successful runs kept; nil means 5.
	SuccessfulRunHistoryLimit *int32 `json:"successfulRunHistoryLimit,omitempty"`
	// UnsuccessfulRunHistoryLimit is the number of failed, errored and inconclusive runs kept; nil means 5.
	UnsuccessfulRunHistoryLimit *int32 `json:"unsuccessfulRunHistoryLimit,omitempty"`
}

// RolloutStrategy holds exactly one of its fields.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutStrategy struct {
	// +optional
	BlueGreen *BlueGreenStrategy `json:"blueGreen,omitempty"`
	// +optional
	Canary *CanaryStrategy `json:"canary,omitempty"`
}

// PodTemplateMetadata are labels and annotations that pods carry only while they play a role.
//
// +kubebuilder:pruning:PreserveUnknownFields
type PodTemplateMetadata struct {
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// AntiAffinity keeps the pods of two revisions on different nodes; exactly one field is set.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AntiAffinity struct {
	// +optional
	PreferredDuringSchedulingIgnoredDuringExecution *PreferredAntiAffinity `json:"preferredDuringSchedulingIgnoredDuringExecution,omitempty"`
	// +optional
	RequiredDuringSchedulingIgnoredDuringExecution *RequiredAntiAffinity `json:"requiredDuringSchedulingIgnoredDuringExecution,omitempty"`
}

// PreferredAntiAffinity asks the scheduler to separate revisions where it can.
//
// +kubebuilder:pruning:PreserveUnknownFields
type PreferredAntiAffinity struct {
	// Weight of the wish, 1 to 100.
	Weight int32 `json:"weight"`
}

// RequiredAntiAffinity forbids two revisions on one node.
type RequiredAntiAffinity struct{}
