package supervise

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options say where a supervisor writes.
type Options struct {
	// LogDir gets one NAME.log for each process.
	LogDir string
	// StatusFile is written at each change.
	StatusFile string
	// Log gets starts, ends and failures.
	Log *slog.Logger
}

// Run keeps the units running until ctx ends, then stops them, the last first, and returns nil. An error means that the
// table is wrong or that the folders can't be written; nothing runs then.
func Run(ctx context.Context, units []Unit, o Options) error {
	if err := Validate(units); err != nil {
		return fmt.Errorf("checking the table of units: %w", err)
	}
	if err := os.MkdirAll(o.LogDir, 0o700); err != nil {
		return fmt.Errorf("creating the log folder: %w", err)
	}
	logOf := func(u Unit) string {
		if u.Do != nil {
			return ""
		}
		return filepath.Join(o.LogDir, u.Name+".log")
	}
	s := &supervisor{log: o.Log, board: newBoard(o.StatusFile, units, logOf), runners: map[string]*runner{}}
	if err := s.board.write(); err != nil {
		return fmt.Errorf("writing the supervisor's status: %w", err)
	}
	for _, u := range units {
		r := &runner{unit: u, supervisor: s, ready: make(chan struct{}), stopped: make(chan struct{})}
		if path := logOf(u); path != "" {
			var err error
			if r.output, err = OpenLogFile(path, 0); err != nil {
				return err
			}
			defer r.output.Close()
		}
		s.runners[u.Name] = r
	}
	for _, r := range s.runners {
		for _, name := range r.unit.After {
			before := s.runners[name]
			r.after = append(r.after, before)
			before.dependents = append(before.dependents, r)
		}
	}
	var all sync.WaitGroup
	for _, r := range s.runners {
		all.Go(func() { r.run(ctx) })
	}
	all.Wait()
	return nil
}

type supervisor struct {
	log     *slog.Logger
	board   *board
	runners map[string]*runner
}

// runner lives as long as its unit's row.
type runner struct {
	unit              Unit
	supervisor        *supervisor
	output            *LogFile
	after, dependents []*runner

	readyOnce sync.Once
	ready     chan struct{} // closed when the unit is ready for the first time
	stopped   chan struct{} // closed when the unit will not run any more
}

func (r *runner) run(ctx context.Context) {
	defer func() {
		r.set(Stopped, "")
		close(r.stopped)
	}()
	for _, before := range r.after {
		select {
		case <-before.ready:
		case <-ctx.Done():
			return
		}
	}
	backoff := firstBackoff
	for restarts := 0; ctx.Err() == nil; restarts++ {
		r.supervisor.board.update(r.unit.Name, func(u *UnitStatus) { u.State, u.Restarts = Starting, restarts })
		began := time.Now()
		var err error
		if r.unit.Do != nil {
			if err = r.unit.Do(ctx); err == nil {
				r.set(Done, "")
				r.markReady()
				<-ctx.Done()
				return
			}
		} else {
			err = r.process(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steady {
			backoff = firstBackoff
		}
		r.set(Failed, err.Error())
		r.supervisor.log.Warn("unit ended", "unit", r.unit.Name, "err", err, "restartIn", backoff)
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			return
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// process starts the program once and returns the reason why it ended, which is never nil unless ctx ended it.
func (r *runner) process(ctx context.Context) error {
	if r.unit.Before != nil {
		if err := r.unit.Before(); err != nil {
			return fmt.Errorf("preparing to start: %w", err)
		}
	}
	p, err := start(r.unit, r.output)
	if err != nil {
		return fmt.Errorf("starting %s: %w", r.unit.Argv[0], err)
	}
	r.supervisor.log.Info("unit started", "unit", r.unit.Name, "pid", p.pid())
	r.supervisor.board.update(r.unit.Name, func(u *UnitStatus) { u.PID = p.pid() })
	defer r.supervisor.board.update(r.unit.Name, func(u *UnitStatus) { u.PID = 0 })

	probing, stopProbing := context.WithCancel(ctx)
	var probe sync.WaitGroup
	probe.Go(func() { r.probe(probing) })
	defer probe.Wait()
	defer stopProbing()

	select {
	case <-p.ended:
		return p.reason()
	case <-ctx.Done():
		stopProbing()
		for _, d := range r.dependents {
			<-d.stopped
		}
		p.stop(r.unit.Grace)
		return nil
	}
}

// probe keeps the unit's state true until ctx ends.
func (r *runner) probe(ctx context.Context) {
	interval := ProbeInterval
	for {
		err := r.check(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			r.set(Ready, "")
			r.markReady()
			interval = CheckInterval
		} else {
			r.supervisor.board.update(r.unit.Name, func(u *UnitStatus) {
				u.Message = err.Error()
				if u.State == Ready {
					u.State = Unready
				}
			})
			interval = ProbeInterval
		}
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return
		}
	}
}

func (r *runner) check(ctx context.Context) error {
	if r.unit.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return r.unit.Ready(ctx)
}

func (r *runner) set(state State, message string) {
	r.supervisor.board.update(r.unit.Name, func(u *UnitStatus) { u.State, u.Message = state, message })
}

func (r *runner) markReady() { r.readyOnce.Do(func() { close(r.ready) }) }
