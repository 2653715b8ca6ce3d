// Package customization reads what an operator says in argocd-cm about objects of all applications: how they are tracked,
// what of them is compared, which kinds count, how their health is judged, what can be done with them.
//
// It turns the ConfigMap's data into values that the packages diff, health, action and object work with; it fetches
// nothing and keeps nothing up to date (internal/settings/live does). The keys and their meaning are those of Argo CD 3.6.
// Start with Parse.
package customization
