// Package action knows what a person can have done with one live object beside editing it: restart, scale, pause and the
// like, built in or written in Lua by an operator (argocd-cm's resource.customizations.actions).
//
// It decides which actions an object has in its present state and what one changes; whoever calls it asks for permission
// and writes. Names, parameters, icons and effects of the built-in actions are those of Argo CD 3.6, so that policies,
// scripts and habits hold; they are tables in Go, a file for each family of kinds. Start with Catalog.
package action
