// Package bench measures the application engine as its users run it: the hub is a process of its own, the API server and
// etcd are real, and commits come by push and webhook from a Git host. A bare client makes the same writes with nothing
// around them on the same server in the same run, so that each time can also be read as a ratio to what the API server
// allows, whatever machine it is.
//
// The parts of a run are a list in bench.go, a file each; what they share is in world.go, and what they find becomes rows
// of table.go. Times end when a watch of the bench's own sees the state, not when the hub says so. CPU and memory are the
// kernel's numbers for the hub's process; requests are counted by the hub's client library, renderings by the hub.
//
// It measures, it does not judge: a row over its target is said, and is no error. What must hold on any machine (requests
// per application, renderings per commit) is a test of the application controller.
package bench
