// Package workload looks at the ReplicaSets of a Rollout and carries out what internal/rollout decides about them: observe,
// scale, finish.
//
// It decides nothing. Each write names the version of the object that the decision was made on, so that a decision on stale
// data is refused by the API server (a conflict) rather than carried out; the caller then looks again. Repeating an action
// that was carried out is harmless.
//
// Start with [Driver.Observe] and [Driver.Act].
package workload
