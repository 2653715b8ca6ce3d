// Package v1alpha1 holds the kinds of argoproj.io/v1alpha1 that Fairlead serves: Application, ApplicationSet, AppProject and
// Rollout, one file a kind, with the field names, defaults and meaning of Argo CD 3.6 and Argo Rollouts.
//
// It is types and what can be said of a value alone (which source, is it held); it imports nothing but apimachinery,
// k8s.io/api and the JSON of apiextensions. The `protobuf` tags carry upstream's field numbers: they are the wire form of
// the hub's API (internal/protocol). Start with application.go.
//
// +kubebuilder:object:generate=true
// +groupName=argoproj.io
package v1alpha1
