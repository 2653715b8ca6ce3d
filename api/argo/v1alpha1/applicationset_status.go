package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ApplicationSetStatus is what the controller last saw and did.
type ApplicationSetStatus struct {
	Conditions []ApplicationSetCondition `json:"conditions,omitempty" protobuf:"bytes,1,rep,name=conditions"`
	// ApplicationStatus is how far RollingSync is with each application.
	ApplicationStatus []ApplicationSetApplicationStatus `json:"applicationStatus,omitempty" protobuf:"bytes,2,rep,name=applicationStatus"`
	// Resources are the generated applications; at most as many as the operator allows, 5000 by default.
	Resources []ResourceStatus `json:"resources,omitempty" protobuf:"bytes,3,rep,name=resources"`
	// ResourcesCount is the number of generated applications, those beyond the bound among them.
	ResourcesCount int64 `json:"resourcesCount,omitempty" protobuf:"varint,4,opt,name=resourcesCount"`
	// Health sums up the conditions.
	Health HealthStatus `json:"health,omitempty" protobuf:"bytes,5,opt,name=health"`
}

// ApplicationSetCondition is one thing that is, or is not, the case.
type ApplicationSetCondition struct {
	Type               ApplicationSetConditionType   `json:"type" protobuf:"bytes,1,opt,name=type"`
	Message            string                        `json:"message" protobuf:"bytes,2,opt,name=message"`
	LastTransitionTime *metav1.Time                  `json:"lastTransitionTime,omitempty" protobuf:"bytes,3,opt,name=lastTransitionTime"`
	Status             ApplicationSetConditionStatus `json:"status" protobuf:"bytes,4,opt,name=status"`
	Reason             string                        `json:"reason" protobuf:"bytes,5,opt,name=reason"`
}

// ApplicationSetConditionStatus is True, False or Unknown.
type ApplicationSetConditionStatus string

// The states of a condition.
const (
	ApplicationSetConditionStatusTrue    ApplicationSetConditionStatus = "True"
	ApplicationSetConditionStatusFalse   ApplicationSetConditionStatus = "False"
	ApplicationSetConditionStatusUnknown ApplicationSetConditionStatus = "Unknown"
)

// ApplicationSetConditionType names a condition.
type ApplicationSetConditionType string

// The conditions. RolloutProgressing and InvalidRolloutConfig are there only with RollingSync.
const (
	ApplicationSetConditionErrorOccurred        ApplicationSetConditionType = "ErrorOccurred"
	ApplicationSetConditionParametersGenerated  ApplicationSetConditionType = "ParametersGenerated"
	ApplicationSetConditionResourcesUpToDate    ApplicationSetConditionType = "ResourcesUpToDate"
	ApplicationSetConditionRolloutProgressing   ApplicationSetConditionType = "RolloutProgressing"
	ApplicationSetConditionInvalidRolloutConfig ApplicationSetConditionType = "InvalidRolloutConfig"
)

// The reasons of conditions.
const (
	ApplicationSetReasonErrorOccurred                    = "ErrorOccurred"
	ApplicationSetReasonApplicationSetUpToDate           = "ApplicationSetUpToDate"
	ApplicationSetReasonParametersGenerated              = "ParametersGenerated"
	ApplicationSetReasonUpdateApplicationError           = "UpdateApplicationError"
	ApplicationSetReasonApplicationParamsGenerationError = "ApplicationGenerationFromParamsError"
	ApplicationSetReasonRenderTemplateParamsError        = "RenderTemplateParamsError"
	ApplicationSetReasonCreateApplicationError           = "CreateApplicationError"
	ApplicationSetReasonDeleteApplicationError           = "DeleteApplicationError"
	ApplicationSetReasonRefreshApplicationError          = "RefreshApplicationError"
	ApplicationSetReasonApplicationValidationError       = "ApplicationValidationError"
	ApplicationSetReasonApplicationSetModified           = "ApplicationSetModified"
	ApplicationSetReasonApplicationSetRolloutComplete    = "ApplicationSetRolloutComplete"
	ApplicationSetReasonApplicationSetRolloutError       = "ApplicationSetRolloutError"
	ApplicationSetReasonInvalidRolloutConfig             = "ApplicationSetInvalidRolloutConfig"
	ApplicationSetReasonValidRolloutConfig               = "ApplicationSetValidRolloutConfig"
)

// ProgressiveSyncStatusCode is how far RollingSync is with an application.
type ProgressiveSyncStatusCode string

// The states in their order.
const (
	// ProgressiveSyncWaiting has a change, and its step is not there yet.
	ProgressiveSyncWaiting ProgressiveSyncStatusCode = "Waiting"
	// ProgressiveSyncPending was asked to sync, and has not begun.
	ProgressiveSyncPending ProgressiveSyncStatusCode = "Pending"
	// ProgressiveSyncProgressing syncs, or has synced and is not healthy yet.
	ProgressiveSyncProgressing ProgressiveSyncStatusCode = "Progressing"
	ProgressiveSyncHealthy     ProgressiveSyncStatusCode = "Healthy"
)

// ApplicationSetApplicationStatus is how far RollingSync is with one application.
type ApplicationSetApplicationStatus struct {
	Application        string                    `json:"application" protobuf:"bytes,1,opt,name=application"`
	LastTransitionTime *metav1.Time              `json:"lastTransitionTime,omitempty" protobuf:"bytes,2,opt,name=lastTransitionTime"`
	Message            string                    `json:"message" protobuf:"bytes,3,opt,name=message"`
	Status             ProgressiveSyncStatusCode `json:"status" protobuf:"bytes,4,opt,name=status"`
	// Step counts from 1; "-1" means in no step.
	Step string `json:"step" protobuf:"bytes,5,opt,name=step"`
	// TargetRevisions are the commits that the application is to reach, one a source.
	TargetRevisions []string `json:"targetRevisions" protobuf:"bytes,6,rep,name=targetrevisions"`
}
