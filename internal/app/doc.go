// Package app puts the processes of Fairlead together: the hub, and the agent of a member cluster. It holds their options
// and their wiring, and decides nothing.
//
// Start with hub.go and agent.go; what each of them installs in its cluster at its start is in install.go.
package app
