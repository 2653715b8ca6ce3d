// Package applicationset makes the Applications that ApplicationSets ask for, changes and deletes them.
//
// One reconcile: observe (the operator's settings, what the generators find, the live applications), decide (package appset:
// what to create, change, delete, and how far a rolling change may go), act, and one status write. What is not known is
// not acted on: as long as one generator fails, nothing is created, changed or deleted.
//
// It doesn't deploy: Applications are the affair of controller/application. Start with Reconciler.Reconcile.
package applicationset
