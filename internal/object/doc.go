// Package object knows what can be read off one Kubernetes manifest: its identity, the images in it, the application that
// tracks it, and the annotations with which its author steers a sync.
//
// It decides nothing and talks to nobody. Start with Key and Parse.
package object
