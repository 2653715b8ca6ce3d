// Package buildtest is what tests build with.
//
// Builder works in the process: it makes a real image and pushes it to a real registry, from Dockerfiles that only copy
// files. It has no containers, no stages and no cache. Daemon is a real buildkitd for tests with the build tag
// "integration", which run as root and can kill it. The builder that users get is build/buildkit.
//
// Start with Builder, or with StartDaemon.
package buildtest
