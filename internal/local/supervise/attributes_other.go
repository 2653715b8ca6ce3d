//go:build !linux

package supervise

import "syscall"

// attributes: elsewhere than on Linux processes outlive a supervisor that is killed, and there are no namespaces; the
// fleet has no nodes there.
func attributes(Isolation) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
