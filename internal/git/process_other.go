//go:build unix && !linux

package git

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the process and its children (git-remote-https, ssh) in one group.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
