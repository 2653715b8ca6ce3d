// Package artifact gets what isn't in Git: charts of Helm repositories, by HTTP or from OCI registries, and OCI artifacts.
//
// It finds the version that a constraint means, downloads, checks the digest, and unpacks into memory. What was downloaded
// stays on disk under its digest; versions don't move, so a restart asks nobody for them. A repository that hangs or fails
// is left alone for a while, and concerns nobody else.
//
// It renders nothing (internal/render does), and knows no objects of Kubernetes: who calls brings the credentials.
//
// Start with Client. Origin says where something is; http.go and registry.go are the two ways to get it.
package artifact
