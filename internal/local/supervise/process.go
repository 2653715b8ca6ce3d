package supervise

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a started program.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // set before ended is closed
}

func start(u Unit, output io.Writer) (*process, error) {
	cmd := exec.Command(u.Argv[0], u.Argv[1:]...)
	cmd.Env = append(os.Environ(), u.Env...)
	cmd.Dir = u.Dir
	cmd.ExtraFiles = u.Files
	cmd.Stdout, cmd.Stderr = output, output
	// A grandchild that keeps the pipe open must not keep us from seeing the end of the child.
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = attributes(u.Isolate)
	if err := onSpawner(cmd.Start); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// reason says how the process ended; call it after ended is closed.
func (p *process) reason() error {
	if p.err == nil || errors.Is(p.err, exec.ErrWaitDelay) {
		return errors.New("exit status 0")
	}
	return p.err
}

// stop ends the process politely, and after grace surely; it returns when the process is gone.
func (p *process) stop(grace time.Duration) {
	if grace == 0 {
		grace = DefaultGrace
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended already
	select {
	case <-p.ended:
		return
	case <-time.After(grace):
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// spawner runs functions one at a time on a thread that never ends. The kernel sends a parent-death signal when the
// thread that started a process ends, and Go may end threads of its own accord.
var spawner = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

func onSpawner(f func() error) error {
	result := make(chan error, 1)
	spawner() <- func() { result <- f() }
	return <-result
}
