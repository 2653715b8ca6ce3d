package githost

import (
	"os"
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the command when this process dies, so that none outlives a kill -9 and changes a
// repository after the next Host has looked at it.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// terminate asks a process to end, with a chance to tidy up.
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
