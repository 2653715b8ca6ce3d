// Package syncplan turns the outcome of a comparison into the steps of a sync: phases, waves, kinds in the order in which
// they need one another, hooks, prunes in reverse order and last.
//
// A Plan is a value that prints as text; it touches nothing. internal/syncrun carries plans out. Start with Build.
package syncplan
