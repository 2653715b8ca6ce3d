package v1alpha1

import (
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// CanaryStrategy replaces pods step by step.
//
// +kubebuilder:pruning:PreserveUnknownFields
type CanaryStrategy struct {
	// CanaryService is a Service whose selector follows the new revision.
	// +optional
	CanaryService string `json:"canaryService,omitempty"`
	// StableService is a Service whose selector follows the stable revision.
	// +optional
	StableService string `json:"stableService,omitempty"`
	// Steps are executed in order; none means a rolling update.
	// +optional
	Steps []CanaryStep `json:"steps,omitempty"`
	// TrafficRouting splits requests in a router rather than by the number of pods.
	// +optional
	TrafficRouting *RolloutTrafficRouting `json:"trafficRouting,omitempty"`
	// MaxUnavailable is how many pods may be missing during the update, rounded down; nil means 25%.
	// +optional
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	// MaxSurge is how many pods may be created on top of spec.replicas, rounded up; nil means 25%.
	// +optional
	MaxSurge *intstr.IntOrString `json:"maxSurge,omitempty"`
	// Analysis runs beside the steps.
	// +optional
	Analysis *RolloutAnalysisBackground `json:"analysis,omitempty"`
	// AntiAffinity separates canary and stable pods.
	// +optional
	AntiAffinity *AntiAffinity `json:"antiAffinity,omitempty"`
	// CanaryMetadata is on pods while they are canaries.
	// +optional
	CanaryMetadata *PodTemplateMetadata `json:"canaryMetadata,omitempty"`
	// StableMetadata is on pods while they are stable.
	// +optional
	StableMetadata *PodTemplateMetadata `json:"stableMetadata,omitempty"`
	// ScaleDownDelaySeconds keeps the previous revision after promotion; only with traffic routing, where nil means 30.
	// +optional
	ScaleDownDelaySeconds *int32 `json:"scaleDownDelaySeconds,omitempty"`
	// ScaleDownDelayRevisionLimit bounds how many old revisions wait at a time; only with traffic routing.
	// +optional
	ScaleDownDelayRevisionLimit *int32 `json:"scaleDownDelayRevisionLimit,omitempty"`
	// AbortScaleDownDelaySeconds keeps the canary after an abort; only with traffic routing, where nil means 30.
	// +optional
	AbortScaleDownDelaySeconds *int32 `json:"abortScaleDownDelaySeconds,omitempty"`
	// DynamicStableScale shrinks the stable revision as traffic leaves it; only with traffic routing.
	// +optional
	DynamicStableScale bool `json:"dynamicStableScale,omitempty"`
	// PingPong names two Services that take turns in being stable and canary.
	// +optional
	PingPong *PingPongSpec `json:"pingPong,omitempty"`
	// MinPodsPerReplicaSet is the least size of a ReplicaSet that isn't empty; only with traffic routing.
	// +optional
	MinPodsPerReplicaSet *int32 `json:"minPodsPerReplicaSet,omitempty"`
	// ReplicaProgressThreshold lets a step finish before all of its pods are available; nil means all.
	// +optional
	ReplicaProgressThreshold *ReplicaProgressThreshold `json:"replicaProgressThreshold,omitempty"`
}

// PingPongSpec names the two Services of the ping-pong feature.
//
// +kubebuilder:pruning:PreserveUnknownFields
type PingPongSpec struct {
	PingService string `json:"pingService"`
	PongService string `json:"pongService"`
}

// ReplicaProgressThreshold is the part of the canary's pods that must be available for a step to finish.
//
// +kubebuilder:pruning:PreserveUnknownFields
type ReplicaProgressThreshold struct {
	// Type is Percent or Pod.
	Type string `json:"type"`
	// Value is the percentage of the canary's wanted pods, or a number of pods.
	Value int32 `json:"value"`
}

// CanaryStep is one step; exactly one field is set.
//
// The order of the fields is part of the contract: status.currentStepHash is a hash over their JSON.
//
// +kubebuilder:pruning:PreserveUnknownFields
type CanaryStep struct {
	// SetWeight is the share of the new revision in percent.
	SetWeight *int32 `json:"setWeight,omitempty"`
	// Pause waits for a time or for a person.
	// +optional
	Pause *RolloutPause `json:"pause,omitempty"`
	// Experiment runs pods beside the Rollout for a while.
	Experiment *RolloutExperimentStep `json:"experiment,omitempty"`
	// Analysis measures, and aborts if the result is bad.
	Analysis *RolloutAnalysis `json:"analysis,omitempty"`
	// SetCanaryScale sizes the canary independent of its traffic; only with traffic routing.
	// +optional
	SetCanaryScale *SetCanaryScale `json:"setCanaryScale,omitempty"`
	// SetHeaderRoute sends requests with a header to the canary; only with traffic routing.
	// +optional
	SetHeaderRoute *SetHeaderRoute `json:"setHeaderRoute,omitempty"`
	// SetMirrorRoute copies requests to the canary; only with traffic routing.
	// +optional
	SetMirrorRoute *SetMirrorRoute `json:"setMirrorRoute,omitempty"`
	// Plugin runs a step plugin.
	// +optional
	Plugin *PluginStep `json:"plugin,omitempty"`
	// ReplicaProgressThreshold changes the threshold from this step on.
	// +optional
	ReplicaProgressThreshold *ReplicaProgressThreshold `json:"replicaProgressThreshold,omitempty"`
}

// RolloutPause is a pause; without Duration it lasts until somebody promotes.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RolloutPause struct {
	// Duration is a number of seconds, as number or text, or a duration such as 5m.
	// +optional
	Duration *intstr.IntOrString `json:"duration,omitempty"`
}

// DurationSeconds is the pause in whole seconds: 0 without a duration, -1 if the duration can't be read.
func (p RolloutPause) DurationSeconds() int32 {
	switch {
	case p.Duration == nil:
		return 0
	case p.Duration.Type == intstr.Int:
		return p.Duration.IntVal
	}
	if seconds, err := strconv.ParseInt(p.Duration.StrVal, 10, 32); err == nil {
		return int32(seconds)
	}
	duration, err := time.ParseDuration(p.Duration.StrVal)
	if err != nil {
		return -1
	}
	return int32(duration.Seconds())
}

// SetCanaryScale sizes the canary.
//
// +kubebuilder:pruning:PreserveUnknownFields
type SetCanaryScale struct {
	// Weight is a percentage of spec.replicas.
	// +optional
	Weight *int32 `json:"weight,omitempty"`
	// Replicas is a number of pods.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// MatchTrafficWeight returns to the size that follows from setWeight.
	// +optional
	MatchTrafficWeight bool `json:"matchTrafficWeight,omitempty"`
}

// SetHeaderRoute sends requests that match all headers to the canary; no match removes the route.
//
// +kubebuilder:pruning:PreserveUnknownFields
type SetHeaderRoute struct {
	// Name is one of trafficRouting.managedRoutes.
	Name  string               `json:"name,omitempty"`
	Match []HeaderRoutingMatch `json:"match,omitempty"`
}

// HeaderRoutingMatch matches one request header.
//
// +kubebuilder:pruning:PreserveUnknownFields
type HeaderRoutingMatch struct {
	HeaderName  string       `json:"headerName"`
	HeaderValue *StringMatch `json:"headerValue"`
}

// SetMirrorRoute copies matching requests to the canary; no match removes the route.
//
// +kubebuilder:pruning:PreserveUnknownFields
type SetMirrorRoute struct {
	// Name is one of trafficRouting.managedRoutes.
	Name string `json:"name"`
	// +optional
	Match []RouteMatch `json:"match,omitempty"`
	// Percentage of the matching requests that are copied; nil means all.
	Percentage *int32 `json:"percentage,omitempty"`
}

// RouteMatch matches requests by method, path and headers.
//
// +kubebuilder:pruning:PreserveUnknownFields
type RouteMatch struct {
	// +optional
	Method *StringMatch `json:"method,omitempty"`
	// +optional
	Path *StringMatch `json:"path,omitempty"`
	// +optional
	Headers map[string]StringMatch `json:"headers,omitempty"`
}

// StringMatch holds exactly one way of matching.
//
// +kubebuilder:pruning:PreserveUnknownFields
type StringMatch struct {
	Exact  string `json:"exact,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	Regex  string `json:"regex,omitempty"`
}

// PluginStep runs a step plugin.
//
// +kubebuilder:pruning:PreserveUnknownFields
type PluginStep struct {
	// Name of the plugin as author/plugin.
	Name string `json:"name"`
	// Config is handed to the plugin as it is.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	Config *runtime.RawExtension `json:"config,omitempty"`
}
