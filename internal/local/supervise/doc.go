// Package supervise keeps a table of units running: processes that are restarted whenever they end, and tasks that are
// repeated until they succeed once.
//
// It is crash-only. Every process dies with the supervisor that started it (the kernel sees to that on Linux), so a
// supervisor that was killed leaves nothing to adopt, and the next one starts from the same table. What it says about
// itself is a status file, written at each change; there is no socket and no protocol.
//
// It is not a general init: no timers, no dependencies that change, no restart of a unit because one that it comes
// after was restarted. Start reading at Unit, then Run.
package supervise
