// Package render turns a source of an application into manifests: a folder of plain YAML, a kustomization, or a Helm chart,
// found as Argo CD finds them, with the overrides that .argocd-source files hold.
//
// Everything happens in this process and from a tree of Git: no checkout, no network, no environment, no file outside the
// repository. What a rendering read is recorded, and at another commit it is reused if the same reads would give the same
// answers; so a commit that touches one application of a monorepo renders one. Rendering is bounded in time and size, and a
// panic in a library is an error of that one source.
//
// The package doesn't place objects into namespaces, mark them, or compare them with a cluster. Start with Renderer; then
// detect.go and override.go, and the packages directory, kustomize and helm.
package render
