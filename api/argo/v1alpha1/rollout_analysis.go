package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RolloutAnalysis refers to analysis templates and gives them arguments.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutAnalysis struct {
	// Templates are combined to one run.
	Templates []RolloutAnalysisTemplate `json:"templates,omitempty"`
	// Args are the arguments of the run.
	Args []AnalysisRunArgument `json:"args,omitempty"`
	// DryRun names metrics whose result doesn't count.
	// +optional
	DryRun []DryRun `json:"dryRun,omitempty"`
	// MeasurementRetention says how many measurements are kept.
	// +optional
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	// AnalysisRunMetadata is added to the run.
	// +optional
	AnalysisRunMetadata *AnalysisRunMetadata `json:"analysisRunMetadata,omitempty"`
}

// RolloutAnalysisBackground is an analysis that runs beside the steps.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutAnalysisBackground struct {
	RolloutAnalysis `json:",inline"`
	// StartingStep is the index of the step it starts with; nil means 0.
	// +optional
	StartingStep *int32 `json:"startingStep,omitempty"`
}

// RolloutAnalysisTemplate names an analysis template.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutAnalysisTemplate struct {
	// +optional
	TemplateName string `json:"templateName"`
	// ClusterScope looks for a ClusterAnalysisTemplate.
	// +optional
	ClusterScope bool `json:"clusterScope,omitempty"`
}

// AnalysisRunArgument is a named value, given or taken from somewhere.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AnalysisRunArgument struct {
	Name      string             `json:"name"`
	Value     string             `json:"value,omitempty"`
	ValueFrom *ArgumentValueFrom `json:"valueFrom,omitempty"`
}

// ArgumentValueFrom is the source of an argument; exactly one field is set.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ArgumentValueFrom struct {
	// PodTemplateHashValue is Stable or Latest.
	PodTemplateHashValue *string `json:"podTemplateHashValue,omitempty"`
	// FieldRef points into the Rollout.
	FieldRef *AnalysisFieldRef `json:"fieldRef,omitempty"`
}

// AnalysisFieldRef points to a field of the Rollout.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AnalysisFieldRef struct {
	// FieldPath as metadata.labels['team'].
	FieldPath string `json:"fieldPath"`
}

// DryRun names a metric, or * for all, whose result doesn't count.
//
// +kubebuilder:pruning:PreserveUnknownFields
type DryRun struct {
	MetricName string `json:"metricName"`
}

// MeasurementRetention bounds the measurements kept for a metric.
//
// +kubebuilder:pruning:PreserveUnknownFields
type MeasurementRetention struct {
	MetricName string `json:"metricName"`
	Limit      int32  `json:"limit"`
}

// AnalysisRunMetadata are labels and annotations of an analysis run.
//
// +kubebuilder:pruning:PreserveUnknownFields
type AnalysisRunMetadata struct {
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// RolloutExperimentStep runs pods of chosen revisions beside the Rollout.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutExperimentStep struct {
	Templates []RolloutExperimentTemplate `json:"templates"`
	// Duration as 30s, 5m or 1h; empty means until the analyses are through.
	// +optional
	Duration string                          `json:"duration,omitempty"`
	Analyses []RolloutExperimentStepAnalysis `json:"analyses,omitempty"`
	// +optional
	DryRun []DryRun `json:"dryRun,omitempty"`
	// +optional
	AnalysisRunMetadata *AnalysisRunMetadata `json:"analysisRunMetadata,omitempty"`
}

// RolloutExperimentTemplate is one set of pods of an experiment.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutExperimentTemplate struct {
	Name string `json:"name"`
	// SpecRef is canary or stable.
	SpecRef string `json:"specRef"`
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// +optional
	Metadata *PodTemplateMetadata `json:"metadata,omitempty"`
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
	// Weight is the share of traffic in percent.
	Weight *int32 `json:"weight,omitempty"`
	// Service asks for a Service in front of the pods.
	Service *ExperimentService `json:"service,omitempty"`
}

// ExperimentService is the Service in front of an experiment's pods.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ExperimentService struct {
	// Name of the Service; empty means that of the ReplicaSet.
	Name string `json:"name,omitempty"`
}

// RolloutExperimentStepAnalysis is an analysis of an experiment.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutExperimentStepAnalysis struct {
	Name         string `json:"name"`
	TemplateName string `json:"templateName"`
	// +optional
	ClusterScope bool                  `json:"clusterScope,omitempty"`
	Args         []AnalysisRunArgument `json:"args,omitempty"`
	// RequiredForCompletion keeps the experiment open until this analysis is through.
	RequiredForCompletion bool `json:"requiredForCompletion,omitempty"`
}
