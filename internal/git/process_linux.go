package git

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the process and its children (git-remote-https, ssh) in one group, and lets the kernel end it when the hub
// is killed, so that no orphan writes to a mirror that the next hub has opened.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
