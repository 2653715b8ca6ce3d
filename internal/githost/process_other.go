//go:build !linux

package githost

import (
	"os"
	"os/exec"
)

// dieWithParent has no equal here: a git command ends when it finds its pipes closed.
func dieWithParent(*exec.Cmd) {}

// terminate ends a process. What it leaves behind is tidied up at the next start.
func terminate(p *os.Process) error { return p.Kill() }
