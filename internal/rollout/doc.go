// Package rollout decides how a new revision of a workload comes into service: how many pods of which revision, when to
// wait, when to go on, when to take everything back.
//
// It is one state machine. A dialect (Argo Rollouts' Rollout; argo_*.go) is translated to a [Plan]; what runs is an
// [Observed]; [Decide] compares the two and returns [Action]s and the next [State], which the dialect turns into its status.
// It is pure: no client, no clock, no goroutine. internal/rollout/workload carries the actions out, internal/controller/rollout
// turns the crank.
//
// Two rules make it safe to kill the process anywhere:
//
//   - Decide acts on what is recorded and records what was reached. A new step begins only when the record of it has been
//     written, so that the next process acts in the same way.
//   - Actions name the wanted result ("five pods"), not a difference, and are refused if what they were decided on has changed.
//
// Start reading with decide.go, where the phases stand in their order; the arithmetic is in scale.go; testdata shows whole
// updates as tables.
package rollout
