// Package script runs the scenarios in testdata, one txtar file each, on a local fleet that is up: what a user types, and
// what the user should see. They are about bad input above all: each fault gives a clear error in status and command line,
// the others go on, and it recovers when mended.
//
// The tests carry the build tag e2e; `make test` runs them after the demo, on its fleet. Besides testscript's own commands
// a scenario has fairlead, kubectl CLUSTER, eventually, protect and unprotect; see commands_test.go. It gets a project of its
// own name, so that scenarios don't meet.
package script
