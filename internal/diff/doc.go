// Package diff tells whether a live object is what its manifest says, exactly and without asking anybody.
//
// The truth about a manifest is the API server's answer to a server-side apply of it (dry-run or real): defaults,
// quantities and conversions are the server's own. Of that answer, only the fields count that the manifest owns; the
// server lists them in managedFields. Desired holds both, and Compare sets a live object against them. Where a live object
// says literally what the manifest says, Literal finds it so with no answer at all, which spares most dry-runs.
//
// The package doesn't talk to API servers (internal/cluster does) and doesn't decide what to do about a difference
// (internal/syncplan does). Start with Desired.
package diff
