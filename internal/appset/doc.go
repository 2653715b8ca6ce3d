// Package appset decides what an ApplicationSet makes: it renders the template with sets of parameters, says which
// applications are to be created, changed and deleted, and in which order a rolling change reaches them.
//
// It is pure: what finds the parameters (clusters, repositories, hosts) is in generator, what carries decisions out is
// internal/controller/applicationset.
package appset
