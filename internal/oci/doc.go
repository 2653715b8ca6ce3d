// Package oci asks OCI registries what they have: the tags of a repository, the digest of a tag, and when an image was built.
//
// It only reads, and it downloads no layers; images are built and pushed by build/buildkit, and chosen by imagepolicy. It
// knows no Kubernetes objects: who calls brings the credentials.
//
// Start with Client. registries.go reads the registries.conf of Argo CD Image Updater, which says how each registry is reached.
package oci
