package supervise

import "syscall"

// attributes: a session of its own, so that a terminal's Ctrl-C reaches only the supervisor; death with the supervisor,
// whatever ends it.
func attributes(i Isolation) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if i.Network {
		a.Cloneflags |= syscall.CLONE_NEWNET
	}
	if i.Mount {
		a.Cloneflags |= syscall.CLONE_NEWNS
	}
	if i.PID {
		a.Cloneflags |= syscall.CLONE_NEWPID
	}
	return a
}
