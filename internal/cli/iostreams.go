package cli

import (
	"io"

	"golang.org/x/term"
)

// IOStreams are where a command reads and writes.
type IOStreams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Terminal tells whether the output is a terminal, where colours and progress that rewrites its line are welcome.
func (s IOStreams) Terminal() bool {
	file, ok := s.Out.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(file.Fd()))
}
