package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RolloutPhase sums a Rollout's state up.
type RolloutPhase string

// The phases of a Rollout.
const (
	// RolloutPhaseHealthy: all pods are of the wanted revision and available.
	RolloutPhaseHealthy RolloutPhase = "Healthy"
	// RolloutPhaseDegraded: the spec is invalid, or the update was aborted or made no progress in time.
	RolloutPhaseDegraded RolloutPhase = "Degraded"
	// RolloutPhaseProgressing: not there yet, but on the way.
	RolloutPhaseProgressing RolloutPhase = "Progressing"
	// RolloutPhasePaused: waits for a time or for a person.
	RolloutPhasePaused RolloutPhase = "Paused"
)

// PauseReason says why the agent paused.
type PauseReason string

// The reasons of a pause.
const (
	// PauseReasonCanaryPauseStep is a pause step.
	PauseReasonCanaryPauseStep PauseReason = "CanaryPauseStep"
	// PauseReasonInconclusiveAnalysis is an analysis without a clear result.
	PauseReasonInconclusiveAnalysis PauseReason = "InconclusiveAnalysisRun"
	// PauseReasonInconclusiveExperiment is an experiment without a clear result.
	PauseReasonInconclusiveExperiment PauseReason = "InconclusiveExperiment"
	// PauseReasonBlueGreenPause is the wait before the switch of a blue-green update.
	PauseReasonBlueGreenPause PauseReason = "BlueGreenPause"
)

// PauseCondition is one reason for standing still.
type PauseCondition struct {
	Reason    PauseReason `json:"reason"`
	StartTime metav1.Time `json:"startTime"`
}

// RolloutStatus is the state of a Rollout. People steer by patching it: abort, pauseConditions, currentStepIndex and
// promoteFull are read back by the agent.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutStatus struct {
	// Abort takes the update back: all traffic returns to the stable revision.
	Abort bool `json:"abort,omitempty"`
	// PauseConditions say why the update waits. Clearing them resumes it.
	PauseConditions []PauseCondition `json:"pauseConditions,omitempty"`
	// ControllerPause is true from the moment that the agent added a pause until it saw it ended; true without
	// PauseConditions therefore means that a person has resumed.
	ControllerPause bool `json:"controllerPause,omitempty"`
	// AbortedAt is when the agent saw Abort.
	AbortedAt *metav1.Time `json:"abortedAt,omitempty"`
	// CurrentPodHash is the hash of spec.template.
	// +optional
	CurrentPodHash string `json:"currentPodHash,omitempty"`
	// CurrentStepHash is the hash of the steps; a change restarts them.
	// +optional
	CurrentStepHash string `json:"currentStepHash,omitempty"`
	// Replicas is the number of pods.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`
	// UpdatedReplicas is the number of pods of the wanted revision.
	// +optional
	UpdatedReplicas int32 `json:"updatedReplicas,omitempty"`
	// ReadyReplicas is the number of ready pods.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`
	// AvailableReplicas is the number of pods that are ready for minReadySeconds.
	// +optional
	AvailableReplicas int32 `json:"availableReplicas,omitempty"`
	// CurrentStepIndex is the step being executed; the number of steps when all are done; nil without steps.
	// +optional
	CurrentStepIndex *int32 `json:"currentStepIndex,omitempty"`
	// CollisionCount is part of the pod hash, raised when a ReplicaSet of that name exists and isn't ours.
	// +optional
	CollisionCount *int32 `json:"collisionCount,omitempty"`
	// ObservedGeneration is metadata.generation as text.
	// +optional
	ObservedGeneration string `json:"observedGeneration,omitempty"`
	// Conditions explain the state.
	// +optional
	Conditions []RolloutCondition `json:"conditions,omitempty"`
	// Canary is the state only canaries have.
	// +optional
	Canary CanaryStatus `json:"canary,omitempty"`
	// BlueGreen is the state only blue-green updates have.
	// +optional
	BlueGreen BlueGreenStatus `json:"blueGreen,omitempty"`
	// HPAReplicas is the number of pods a horizontal autoscaler counts.
	// +optional
	HPAReplicas int32 `json:"HPAReplicas,omitempty"`
	// Selector finds the pods a horizontal autoscaler measures.
	// +optional
	Selector string `json:"selector,omitempty"`
	// StableRS is the pod hash of the stable revision; empty until the first deployment.
	// +optional
	StableRS string `json:"stableRS,omitempty"`
	// RestartedAt is the spec.restartAt that has been carried out.
	// +optional
	RestartedAt *metav1.Time `json:"restartedAt,omitempty"`
	// PromoteFull skips the remaining steps.
	PromoteFull bool `json:"promoteFull,omitempty"`
	// Phase sums the state up; valid if ObservedGeneration is metadata.generation.
	Phase RolloutPhase `json:"phase,omitempty"`
	// Message explains Phase.
	Message string `json:"message,omitempty"`
	// WorkloadObservedGeneration is the generation of spec.workloadRef's object, as text.
	// +optional
	WorkloadObservedGeneration string `json:"workloadObservedGeneration,omitempty"`
	// ALB is the load balancer of ALB routing.
	ALB *ALBStatus `json:"alb,omitempty"`
	// ALBs are the load balancers of ALB routing with several Ingresses.
	ALBs []ALBStatus `json:"albs,omitempty"`
}

// BlueGreenStatus is the state only blue-green updates have.
//
// +kubebuilder:pruning:PreserveUnknownFields
type BlueGreenStatus struct {
	// PreviewSelector is the pod hash the preview Service selects.
	PreviewSelector string `json:"previewSelector,omitempty"`
	// ActiveSelector is the pod hash the active Service selects.
	ActiveSelector string `json:"activeSelector,omitempty"`
	// ScaleUpPreviewCheckPoint says that the preview may grow to its full size.
	ScaleUpPreviewCheckPoint       bool                      `json:"scaleUpPreviewCheckPoint,omitempty"`
	PrePromotionAnalysisRunStatus  *RolloutAnalysisRunStatus `json:"prePromotionAnalysisRunStatus,omitempty"`
	PostPromotionAnalysisRunStatus *RolloutAnalysisRunStatus `json:"postPromotionAnalysisRunStatus,omitempty"`
}

// CanaryStatus is the state only canaries have.
//
// +kubebuilder:pruning:PreserveUnknownFields
type CanaryStatus struct {
	CurrentStepAnalysisRunStatus       *RolloutAnalysisRunStatus `json:"currentStepAnalysisRunStatus,omitempty"`
	CurrentBackgroundAnalysisRunStatus *RolloutAnalysisRunStatus `json:"currentBackgroundAnalysisRunStatus,omitempty"`
	CurrentExperiment                  string                    `json:"currentExperiment,omitempty"`
	// Weights are those a traffic router was told; nil without one.
	Weights *TrafficWeights `json:"weights,omitempty"`
	// StablePingPong is ping or pong.
	StablePingPong string `json:"stablePingPong,omitempty"`
}

// TrafficWeights are the weights a traffic router was told.
type TrafficWeights struct {
	Canary     WeightDestination   `json:"canary"`
	Stable     WeightDestination   `json:"stable"`
	Additional []WeightDestination `json:"additional,omitempty"`
	// Verified is nil if the router can't tell.
	Verified *bool `json:"verified,omitempty"`
}

// WeightDestination is the share of one Service or revision.
type WeightDestination struct {
	Weight          int32  `json:"weight"`
	ServiceName     string `json:"serviceName,omitempty"`
	PodTemplateHash string `json:"podTemplateHash,omitempty"`
}

// RolloutAnalysisRunStatus is the state of an analysis run.
type RolloutAnalysisRunStatus struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

// ALBStatus is the AWS load balancer that a Rollout steers.
type ALBStatus struct {
	LoadBalancer      AwsResourceRef `json:"loadBalancer,omitempty"`
	CanaryTargetGroup AwsResourceRef `json:"canaryTargetGroup,omitempty"`
	StableTargetGroup AwsResourceRef `json:"stableTargetGroup,omitempty"`
	Ingress           string         `json:"ingress,omitempty"`
}

// AwsResourceRef names an AWS resource.
type AwsResourceRef struct {
	Name     string `json:"name"`
	ARN      string `json:"arn"`
	FullName string `json:"fullName,omitempty"`
}

// RolloutConditionType is the kind of a condition.
type RolloutConditionType string

// The conditions of a Rollout.
const (
	// RolloutInvalidSpec: the spec can't be carried out until it is mended.
	RolloutInvalidSpec RolloutConditionType = "InvalidSpec"
	// RolloutAvailable: at least spec.replicas pods are available.
	RolloutAvailable RolloutConditionType = "Available"
	// RolloutProgressing: its reason is the last thing that happened, its update time when.
	RolloutProgressing RolloutConditionType = "Progressing"
	// RolloutReplicaFailure: a ReplicaSet can't create or delete pods.
	RolloutReplicaFailure RolloutConditionType = "ReplicaFailure"
	// RolloutPaused: the update waits.
	RolloutPaused RolloutConditionType = "Paused"
	// RolloutCompleted: the wanted revision is the stable one.
	RolloutCompleted RolloutConditionType = "Completed"
	// RolloutHealthy: completed, and all pods are available.
	RolloutHealthy RolloutConditionType = "Healthy"
)

// RolloutCondition is one aspect of the state.
type RolloutCondition struct {
	Type   RolloutConditionType   `json:"type"`
	Status corev1.ConditionStatus `json:"status"`
	// LastUpdateTime is when the condition last changed in any way.
	LastUpdateTime metav1.Time `json:"lastUpdateTime"`
	// LastTransitionTime is when Status last changed.
	LastTransitionTime metav1.Time `json:"lastTransitionTime"`
	Reason             string      `json:"reason"`
	Message            string      `json:"message"`
}
