// Package buildkit builds images with BuildKit: the reference Dockerfile frontend, in a daemon of its own.
//
// The source goes from the commit to the daemon over the session, file by file and only what changed since the last
// build of that repository; the daemon never sees the Git host or its credentials, and registry credentials only
// as tokens for the images at hand. The package doesn't decide what to build (package build) or when (controller/build),
// and doesn't start the daemon; [DaemonConfig] is the configuration that whoever starts it uses.
//
// Start with Client.Build; then context.go (the source), progress.go (the log) and failure.go (what went wrong).
package buildkit
