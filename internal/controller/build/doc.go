// Package build is the loop from a push to an image in the registry. It has two reconcilers:
//
//	rules   a push, a changed BuildRule, or a poll → ls-remote → build.Plan → Builds → status.refs
//	builds  a Build → its turn → Running recorded → job (GIT_CLONE, BUILD, PUSH) → result recorded → history trimmed
//
// Everything that counts is in the objects. A hub that is killed finds its place again: a push that nobody heard of shows
// as a ref that differs from status.refs, and a Build that is Running without a job is begun again.
//
// What a push leads to is decided in internal/build, which knows no cluster; images are made by a Builder
// (internal/build/buildkit). Start with Setup, then rule.go, build.go, and job.go.
package build
