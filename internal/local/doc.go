// Package local keeps a whole fleet running on one machine: the hub's and the members' control planes, a real node for
// each member, the Git host, the registry, the builder, the hub and the agents.
//
// Everything lies in one folder and hangs on one process, the supervisor: its end, however it comes, is the end of all
// others, and the next `fairlead local up` starts the same fleet again from the folder. The table of what runs is
// Fleet.Units (fleet.go): start reading there. Up, Down, Reset and Report are what the commands call.
//
// The package holds no knowledge of what the programs do (that is theirs), of how they are kept running (package
// supervise), or of how a node is made (package node).
//
// In the folder:
//
//	fleet.json                 what was chosen once: address range, ports, passwords
//	status.json, logs/         what runs, and what it says
//	installation.json          what the running fleet was started from
//	supervisor.lock            held while the supervisor runs; start.lock by an Up or Down
//	run/                       sockets
//	clusters/NAME/             etcd's data, certificates, kubeconfigs
//	nodes/NAME/                the node's configuration and its /var
//	git/ registry/ builder/ hub/ agents/
package local
