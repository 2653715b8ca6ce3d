package supervise

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// State is where a unit is in its life.
type State string

// The states of a unit. A task goes Waiting → Starting → Done.
const (
	Waiting  State = "Waiting"  // for a unit that it comes after
	Starting State = "Starting" // started, not ready yet
	Ready    State = "Ready"
	Unready  State = "Unready" // was ready, doesn't answer now
	Failed   State = "Failed"  // ended; the next start is due after a pause
	Done     State = "Done"    // a task that has succeeded
	Stopped  State = "Stopped"
)

// UnitStatus is what the supervisor knows of one unit.
type UnitStatus struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// PID is zero while no process runs; it is a number of the supervisor's own PID namespace.
	PID int `json:"pid,omitempty"`
	// Since is the time of the last change of State.
	Since time.Time `json:"since"`
	// FirstReady is when the unit was ready for the first time since the supervisor started; zero means never yet.
	FirstReady time.Time `json:"firstReady,omitzero"`
	// Restarts counts starts after the first.
	Restarts int `json:"restarts"`
	// Message is the last reason for not being ready, empty if there is none.
	Message string `json:"message,omitempty"`
	// Log is the path of the log file; tasks have none.
	Log string `json:"log,omitempty"`
}

// Status is the content of the status file.
type Status struct {
	PID     int          `json:"pid"`
	Started time.Time    `json:"started"`
	Units   []UnitStatus `json:"units"`
}

// AllReady reports whether every unit is ready or done.
func (s Status) AllReady() bool {
	for _, u := range s.Units {
		if u.State != Ready && u.State != Done {
			return false
		}
	}
	return len(s.Units) > 0
}

// ReadStatus reads a status file.
func ReadStatus(path string) (Status, error) {
	var s Status
	b, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("reading the supervisor's status: %w", err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("parsing the supervisor's status %s: %w", path, err)
	}
	return s, nil
}

// board holds the status in memory and writes it to its file at each change.
type board struct {
	path string

	mu     sync.Mutex
	status Status
	index  map[string]int
}

func newBoard(path string, units []Unit, logOf func(Unit) string) *board {
	now := time.Now()
	b := &board{path: path, status: Status{PID: os.Getpid(), Started: now}, index: map[string]int{}}
	for i, u := range units {
		b.index[u.Name] = i
		b.status.Units = append(b.status.Units, UnitStatus{Name: u.Name, State: Waiting, Since: now, Log: logOf(u)})
	}
	return b
}

// update changes one unit's status; it writes the file only if something changed.
func (b *board) update(name string, change func(*UnitStatus)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := &b.status.Units[b.index[name]]
	before := *u
	change(u)
	if u.State != before.State {
		u.Since = time.Now()
	}
	if (u.State == Ready || u.State == Done) && u.FirstReady.IsZero() {
		u.FirstReady = time.Now()
	}
	if *u != before {
		// A status that can't be written (disk full) must not stop what is supervised; the next change tries again.
		_ = writeJSON(b.path, b.status)
	}
}

func (b *board) write() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return writeJSON(b.path, b.status)
}

// writeJSON replaces the file in one step, so that a reader never sees half of it.
func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(data); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
