package local

import (
	"context"
	"errors"
	"fmt"
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
	unlock, err := lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
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

// lock takes the supervisor's lock, which the kernel gives back when the process ends, however it does.
func lock(dir string) (unlock func(), err error) {
	file, err := os.OpenFile(lockPath(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the supervisor's lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errRunning
		}
		return nil, fmt.Errorf("taking the supervisor's lock: %w", err)
	}
	return func() { file.Close() }, nil
}

// running reports whether a supervisor holds the lock.
func running(dir string) (bool, error) {
	if _, err := os.Stat(lockPath(dir)); err != nil {
		return false, nil
	}
	unlock, err := lock(dir)
	switch {
	case errors.Is(err, errRunning):
		return true, nil
	case err != nil:
		return false, err
	}
	unlock()
	return false, nil
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
