//go:build unix

package git

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// killGroup ends the process and all its children.
func killGroup(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// lockFile takes the lock that makes one process the owner of a folder. The kernel drops it when the process dies.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another process uses this folder: give each hub its own")
		}
		return nil, err
	}
	return file, nil
}

// unlockFile drops the lock at once. To close the file alone isn't enough: a process that is just being forked has it open,
// too, until it becomes another program.
func unlockFile(file *os.File) error {
	return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
}
