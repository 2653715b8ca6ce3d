// Package desired goes from an application to the manifests that it desires: credentials, fetch, revision, rendering of
// each source, and their placement in a cluster.
//
// It is what the application controller and the API server share. It renders nothing itself (internal/render does) and
// doesn't compare with a cluster. Start with Source; place.go is the pure part.
package desired
