// Package health tells how well a live object does, by the rules that Argo CD has built in, and how well an application
// does: as well as its worst object.
//
// It reads objects and decides nothing else. Start with Checker; the built-in rules are tables, one small function a kind.
package health

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Status is the health of one object; its Message says why.
type Status struct {
	Code    v1alpha1.HealthStatusCode
	Message string
}

var (
	healthy = func(message string) *Status { return &Status{v1alpha1.HealthStatusHealthy, message} }
	// progressing is also what an object is that its controller hasn't looked at yet.
	progressing = func(message string) *Status { return &Status{v1alpha1.HealthStatusProgressing, message} }
	degraded    = func(message string) *Status { return &Status{v1alpha1.HealthStatusDegraded, message} }
	suspended   = func(message string) *Status { return &Status{v1alpha1.HealthStatusSuspended, message} }
	missing     = func(message string) *Status { return &Status{v1alpha1.HealthStatusMissing, message} }
	unknown     = func(message string) *Status { return &Status{v1alpha1.HealthStatusUnknown, message} }
)

var rules = map[schema.GroupKind]func(*unstructured.Unstructured) *Status{
	{Group: "apps", Kind: "Deployment"}:                               deployment,
	{Group: "apps", Kind: "StatefulSet"}:                              statefulSet,
	{Group: "apps", Kind: "ReplicaSet"}:                               replicaSet,
	{Group: "apps", Kind: "DaemonSet"}:                                daemonSet,
	{Kind: "Pod"}:                                                     pod,
	{Kind: "Service"}:                                                 service,
	{Kind: "PersistentVolumeClaim"}:                                   persistentVolumeClaim,
	{Group: "networking.k8s.io", Kind: "Ingress"}:                     ingress,
	{Group: "extensions", Kind: "Ingress"}:                            ingress,
	{Group: "batch", Kind: "Job"}:                                     job,
	{Group: "batch", Kind: "CronJob"}:                                 cronJob,
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:           horizontalPodAutoscaler,
	{Group: "apiregistration.k8s.io", Kind: "APIService"}:             apiService,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: customResourceDefinition,
	{Group: v1alpha1.GroupVersion.Group, Kind: "Rollout"}:             rollout,
	{Group: v1alpha1.GroupVersion.Group, Kind: "Workflow"}:            phased,
}

// Of is the object's health by the built-in rules; nil for kinds that have none, such as ConfigMap.
func Of(u *unstructured.Unstructured) *Status { return (*Checker)(nil).Of(u) }

// order is from best to worst, upstream's.
var order = map[v1alpha1.HealthStatusCode]int{
	v1alpha1.HealthStatusHealthy: 0, v1alpha1.HealthStatusSuspended: 1, v1alpha1.HealthStatusProgressing: 2,
	v1alpha1.HealthStatusMissing: 3, v1alpha1.HealthStatusDegraded: 4, v1alpha1.HealthStatusUnknown: 5,
}

// Worse tells whether a is worse than b.
func Worse(a, b v1alpha1.HealthStatusCode) bool { return order[a] > order[b] }

// Worst is the health of a whole: Healthy if there is nothing.
func Worst(codes ...v1alpha1.HealthStatusCode) v1alpha1.HealthStatusCode {
	worst := v1alpha1.HealthStatusHealthy
	for _, code := range codes {
		if Worse(code, worst) {
			worst = code
		}
	}
	return worst
}
