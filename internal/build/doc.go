// Package build decides what to build: which pushes match a BuildRule, which tags the image gets, and which Builds are
// still to be made. It also holds the vocabulary that builders, logs and controller share: Request, Result and the errors.
//
// It is pure: no Git, no registry, no Kubernetes client, no clock. Repositories are build/source, the builder is
// build/buildkit, logs are build/buildlog, and the loop that joins them is controller/build.
//
// Start with Compile (rule.go), then Plan (plan.go) and New (new.go).
package build
