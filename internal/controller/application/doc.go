// Package application drives applications: what Git says is compared with what runs, and on request or by itself made to
// run.
//
// A reconcile is a list of phases (reconciler.go), one file each: validate, refresh, render, compare, request, run, and at
// the end, in any case, health, conditions and one write of the status if it changed. Every phase observes or decides; only
// run acts, through internal/syncrun. What is worth keeping between reconciles is in a session, all of which can be lost.
//
// Events make it fast: a push (pushes.go) wakes the applications whose rendering it changes and no others, a change in a
// cluster (clusters.go) wakes the application that it concerns. Polling (poll.go) is the fallback.
package application
