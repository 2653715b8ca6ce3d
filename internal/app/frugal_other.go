//go:build !linux

package app

// forgetStartup does nothing where the pages of a program can't be told to go.
func forgetStartup() {}
