// Package demo walks the whole way of a release on a local fleet, from a push to a canary in production and back, with
// the commands that a user types: fairlead, git and kubectl, and plain HTTP requests to the pods. It is what `make demo`
// runs, and the end-to-end test of CI.
//
// Start with Run: the steps are a list, one file each. What they share (commands, addresses, waiting) is in world.go.
package demo
