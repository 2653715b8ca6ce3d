// Package rollout turns the crank of internal/rollout in a member cluster: observe, decide, act, record.
//
// Nothing is remembered between two turns but what stands in the API server, so the process may be killed at any point.
// What was decided on stale data is refused there and decided again. Start with [Reconciler.Reconcile].
package rollout
