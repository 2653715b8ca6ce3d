// Package hook tells webhook receivers about every change of a keyed state (the branches of a repository, the tags of an
// image): at least once, in order per source, and across crashes of either side.
//
// It keeps no queue. Beside each source it records what each receiver has been told, and compares that with what is there:
// the difference is what is still to be told. So a process that was killed between a push and its webhook finds the
// difference when it starts again, a receiver that was down for a day gets one delivery per branch instead of a day of
// history, and nothing grows while it is down. The price: a branch that moves twice before a delivery is told once, from its
// first to its last commit, and one that came and went meanwhile isn't told at all.
//
// What a delivery looks like is the [Source]'s business (githost and registry). This package isn't the hub's notification
// service either, which writes to people.
//
// Start reading at [Group]; teller.go is the loop of one source and one receiver.
package hook
