// Package v1alpha1 holds the kinds of fairlead.dev/v1alpha1: what no other project has a standard for. BuildRule says
// which pushes become images, Build is one such image in the making.
//
// It is types only and imports nothing but apimachinery.
//
// +kubebuilder:object:generate=true
// +groupName=fairlead.dev
package v1alpha1
