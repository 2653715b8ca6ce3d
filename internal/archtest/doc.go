// Package archtest holds the house rules as tests: which package may import which (layers_test.go), how large a file, a
// function or an interface may grow, and that every package and exported name says what it is (budgets_test.go).
//
// There is nothing to call here. A rule that must bend gets a line in the table beside it, with the reason.
package archtest
