// Package cli is the command line: one file a command, each of which talks to the hub through internal/client and shows
// the answer. It decides nothing and has no way into the hub that skips permissions.
//
// Start with root.go, which lists the commands. How tables, JSON and YAML are printed is in internal/cli/output, where
// logins are kept in internal/cli/session.
package cli
