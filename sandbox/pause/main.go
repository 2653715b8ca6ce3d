// Command pause is the first process of a set of namespaces.
//
// Alone it does nothing: it holds a pod's namespaces open until it is told to end. With arguments it runs them as its
// only child, with /proc mounted anew for the PID namespace, and ends when the child does. Either way it reaps the
// orphans that the kernel gives to process 1.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	child := 0
	if len(os.Args) > 1 {
		var err error
		if child, err = start(os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "pause: starting %s: %v\n", os.Args[1], err)
			os.Exit(127)
		}
	}
	for s := range signals {
		switch {
		case s == syscall.SIGCHLD:
			reap(child)
		case child != 0:
			_ = syscall.Kill(child, s.(syscall.Signal))
		default:
			return
		}
	}
}

// start runs the child in the foreground of the namespaces. Open file descriptors are inherited.
func start(argv []string) (int, error) {
	if os.Getpid() == 1 {
		// What is mounted here must not be seen outside; what is mounted outside later may be seen here.
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SLAVE, ""); err != nil {
			return 0, fmt.Errorf("making mounts private: %w", err)
		}
		if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
			return 0, fmt.Errorf("mounting /proc: %w", err)
		}
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return 0, err
	}
	return syscall.ForkExec(path, argv, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
}

// reap collects everything that has ended, and ends with the child.
func reap(child int) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if pid != child {
			continue
		}
		if status.Signaled() {
			os.Exit(128 + int(status.Signal()))
		}
		os.Exit(status.ExitStatus())
	}
}
