// Package action knows what a person can have done with one live object beside editing it: restart, scale, pause and the
// like, built in or written in Lua by an operator (argocd-cm's resource.customizations.actions).
//
// It decides what an action changes; whoever calls it asks for permission and writes. Start with Catalog.
package action
