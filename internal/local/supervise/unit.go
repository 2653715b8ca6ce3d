package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Unit is one row of the table: a process if Argv is set, a task if Do is set.
type Unit struct {
	// Name is unique in the table; the log file is named after it.
	Name string
	// After names the units that must have been ready once before this one starts. At a stop the order is reversed.
	After []string

	// Argv is the program (a path, or a name to be found in PATH) and its arguments.
	Argv []string
	// Env is added to the supervisor's own environment, as in os/exec.
	Env []string
	// Dir is the working folder; empty is the supervisor's own.
	Dir string
	// Files are passed on as file descriptors 3, 4, …; they stay open in the supervisor.
	Files []*os.File
	// Before runs before each start of the process; an error counts as the process's end.
	Before func() error
	// Isolate gives the process namespaces of its own; with a PID namespace it is PID 1, so that its end is the end of
	// all that it started. Linux and root only.
	Isolate Isolation
	// Ready says whether the process does its work; nil error is yes. A nil Ready means ready as soon as started.
	// It is asked every ProbeInterval until it holds, and every CheckInterval from then on.
	Ready func(context.Context) error
	// Grace is the time from SIGTERM to SIGKILL at a stop; zero is DefaultGrace.
	Grace time.Duration

	// Do is a task: it runs until it returns nil for the first time, and again whenever the table is started anew, so
	// it must be idempotent.
	Do func(context.Context) error
}

// Isolation lists the namespaces of its own that a process gets.
type Isolation struct{ Network, Mount, PID bool }

const (
	// DefaultGrace is long enough for etcd to close its files and short enough not to be noticed.
	DefaultGrace = 5 * time.Second
	// ProbeInterval is how often a unit that isn't ready is asked; local probes cost next to nothing.
	ProbeInterval = 100 * time.Millisecond
	// CheckInterval is how often a ready unit is asked whether it still is.
	CheckInterval = 5 * time.Second
	// probeTimeout bounds one answer of Ready.
	probeTimeout = 5 * time.Second
	// firstBackoff and lastBackoff bound the pause between two starts of a unit that keeps ending.
	firstBackoff = 200 * time.Millisecond
	lastBackoff  = 10 * time.Second
	// steady is how long a process must have run for its next end to count as the first.
	steady = 30 * time.Second
)

// Validate says what is wrong with a table: names that are missing, double or unknown, circles, rows that are neither a
// process nor a task.
func Validate(units []Unit) error {
	byName := map[string]Unit{}
	for _, u := range units {
		switch {
		case u.Name == "":
			return errors.New("a unit has no name")
		case byName[u.Name].Name != "":
			return fmt.Errorf("two units are called %q", u.Name)
		case (len(u.Argv) == 0) == (u.Do == nil):
			return fmt.Errorf("unit %q must have either Argv or Do", u.Name)
		}
		byName[u.Name] = u
	}
	const visiting, done = 1, 2
	state := map[string]int{}
	var visit func(name string) error
	visit = func(name string) error {
		switch state[name] {
		case visiting:
			return fmt.Errorf("unit %q comes after itself", name)
		case done:
			return nil
		}
		state[name] = visiting
		for _, before := range byName[name].After {
			if byName[before].Name == "" {
				return fmt.Errorf("unit %q comes after %q, which isn't in the table", name, before)
			}
			if err := visit(before); err != nil {
				return err
			}
		}
		state[name] = done
		return nil
	}
	for _, u := range units {
		if err := visit(u.Name); err != nil {
			return err
		}
	}
	return nil
}
