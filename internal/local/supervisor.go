package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"fairlead.dev/fairlead/internal/local/supervise"
)

func lockPath(dir string) string          { return filepath.Join(dir, "supervisor.lock") }
func statusPath(dir string) string        { return filepath.Join(dir, "status.json") }
func supervisorLogPath(dir string) string { return filepath.Join(dir, "logs", "supervisor.log") }

// errRunning means that the fleet has a supervisor already.
var errRunning = errors.New("the fleet is running already")

// RunSupervisor keeps the fleet in the folder running until ctx ends. It is what Up starts in the background.
func RunSupervisor(ctx context.Context, dir string, log *slog.Logger) error {
	held, err := lock(dir)
	if err != nil {
		return err
	}
	defer held.Close()
	installed, err := loadInstallation(dir)
	if err != nil {
		return err
	}
	f, err := open(dir, installed.Tools)
	if err != nil {
		return err
	}
	if err := f.prepare(); err != nil {
		return err
	}
	options := supervise.Options{LogDir: f.path("logs"), StatusFile: statusPath(dir), Log: log}
	return supervise.Run(ctx, f.Units(), options)
}

// lock takes the supervisor's lock, which is held until the file is closed or the process ends; errRunning if another
// process has it. It is a POSIX lock, because those can be asked for without being taken: asking must not keep a
// supervisor from starting.
func lock(dir string) (io.Closer, error) {
	file, err := os.OpenFile(lockPath(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the supervisor's lock: %w", err)
	}
	err = syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK})
	if err == nil {
		return file, nil
	}
	file.Close()
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return nil, errRunning
	}
	return nil, fmt.Errorf("taking the supervisor's lock: %w", err)
}

// running returns the process number of the supervisor that keeps the fleet running, zero if there is none.
func running(dir string) (int, error) {
	file, err := os.OpenFile(lockPath(dir), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("opening the supervisor's lock: %w", err)
	}
	defer file.Close()
	question := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_GETLK, &question); err != nil {
		return 0, fmt.Errorf("asking for the supervisor's lock: %w", err)
	}
	if question.Type == syscall.F_UNLCK {
		return 0, nil
	}
	return int(question.Pid), nil
}

// lockStart makes several Ups and Downs in the same folder take turns. It is not a POSIX lock, because those don't keep
// parts of one process apart.
func lockStart(dir string) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(dir, "start.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the fleet's lock: %w", err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("taking the fleet's lock: %w", err)
	}
	return func() { file.Close() }, nil
}

// daemon is a supervisor that was just started.
type daemon struct {
	pid   int
	ended <-chan error
}

// startSupervisor starts this program once more, as the supervisor, in a session of its own.
func startSupervisor(dir string, i installation) (*daemon, error) {
	if err := i.save(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(supervisorLogPath(dir)), 0o700); err != nil {
		return nil, fmt.Errorf("creating the log folder: %w", err)
	}
	// One start of the supervisor says little; the file is begun anew so that it stays small.
	output, err := os.Create(supervisorLogPath(dir))
	if err != nil {
		return nil, fmt.Errorf("creating the supervisor's log: %w", err)
	}
	defer output.Close()
	// A status of the last run would look as if it were this one's.
	if err := removeIfThere(statusPath(dir)); err != nil {
		return nil, fmt.Errorf("removing the old status: %w", err)
	}
	cmd := exec.Command(i.Tools.Fairlead, "local", "run", "supervisor", "--dir", dir)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the supervisor: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return &daemon{pid: cmd.Process.Pid, ended: ended}, nil
}

// lastLines is the end of a log, for an error's text.
func lastLines(path string, n int) string {
	const most = 16 << 10
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > most {
		if _, err := file.Seek(-most, 2); err != nil {
			return ""
		}
	}
	buffer := make([]byte, most)
	read, _ := file.Read(buffer)
	lines := strings.Split(strings.TrimSpace(string(buffer[:read])), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
