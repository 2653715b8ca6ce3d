//go:build !linux

package app

// forgetProgram does nothing where the pages of a program can't be told to go.
func forgetProgram() {}
