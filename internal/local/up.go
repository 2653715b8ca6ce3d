package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"fairlead.dev/fairlead/internal/local/supervise"
)

// pollInterval is how often the status file is read while waiting.
const pollInterval = 100 * time.Millisecond

// patience is how long Up says nothing before it says what it waits for.
const patience = 10 * time.Second

// ErrNotReady means that the fleet was started but isn't ready in time; it is left running.
var ErrNotReady = errors.New("the fleet isn't ready")

// CanHaveNodes reports whether this process may make real nodes: they need root on Linux.
func CanHaveNodes() bool { return runtime.GOOS == "linux" && os.Geteuid() == 0 }

// Up makes the fleet run and waits until it is ready; progress gets a line for each step. It does nothing to a fleet
// that runs already, unless it runs from another build of Fairlead or with other ports: then it is restarted.
func Up(ctx context.Context, o Options, progress io.Writer) (*Fleet, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	fleet, started, err := ensureStarted(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	return fleet, fleet.wait(ctx, started, progress)
}

// ensureStarted makes sure that there is a supervisor; the one that it starts is returned.
func ensureStarted(ctx context.Context, o Options, progress io.Writer) (*Fleet, *daemon, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("creating the fleet's folder: %w", err)
	}
	unlock, err := lockStart(o.Dir)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	state, err := settle(o, CanHaveNodes())
	if err != nil {
		return nil, nil, err
	}
	fleet, err := newFleet(o.Dir, state, o.Tools)
	if err != nil {
		return nil, nil, err
	}
	installed, err := fleet.installation()
	if err != nil {
		return nil, nil, err
	}
	supervisor, err := running(o.Dir)
	if err != nil {
		return nil, nil, err
	}
	if supervisor != 0 {
		if before, err := loadInstallation(o.Dir); err != nil || before == installed {
			return fleet, nil, err
		}
		fmt.Fprintln(progress, "the fleet was started from another build of Fairlead, or with other ports: restarting it")
		if err := fleet.stop(ctx); err != nil {
			return nil, nil, err
		}
	}
	if !state.Nodes {
		fmt.Fprintln(progress, "nodes are simulated with KWOK, because real ones need root on Linux: pods are said to run, but nothing runs in them")
	}
	if err := fleet.checkSubnet(); err != nil {
		return nil, nil, err
	}
	if err := fleet.waitForPorts(ctx); err != nil {
		return nil, nil, err
	}
	started, err := startSupervisor(o.Dir, installed)
	return fleet, started, err
}

// waitForPorts gives what a killed supervisor left a moment to end.
func (f *Fleet) waitForPorts(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var taken error
	err := poll(ctx, func() bool {
		taken = f.State.checkPorts()
		return taken == nil
	})
	if err != nil {
		return taken
	}
	return nil
}

// wait follows the status until everything is ready. Started is nil if the supervisor was there before.
func (f *Fleet) wait(ctx context.Context, started *daemon, progress io.Writer) error {
	begin := time.Now()
	said := map[string]string{}
	quiet := begin
	var status supervise.Status
	var ended error
	err := poll(ctx, func() bool {
		if started != nil {
			select {
			case err := <-started.ended:
				ended, started = f.supervisorEnded(err), nil
			default:
			}
		} else if supervisor, err := running(f.Dir); err != nil || supervisor == 0 {
			ended = errors.Join(errors.New("the fleet was stopped"), err)
		}
		if ended != nil {
			return true
		}
		now, err := supervise.ReadStatus(statusPath(f.Dir))
		if err != nil {
			return false // not written yet
		}
		status = now
		if started != nil && report(progress, time.Since(begin), status, said) {
			quiet = time.Now()
		}
		if time.Since(quiet) > patience && !status.AllReady() {
			quiet = time.Now()
			fmt.Fprintf(progress, "%6.1fs  waiting: %s\n", time.Since(begin).Seconds(), notReady(status))
		}
		return status.AllReady()
	})
	if ended != nil {
		return ended
	}
	if err != nil {
		return fmt.Errorf("%w: %s", ErrNotReady, notReady(status))
	}
	return nil
}

// supervisorEnded explains why the supervisor that Up started has ended. It is nil if another Up was quicker: then its
// supervisor is the one to wait for.
func (f *Fleet) supervisorEnded(err error) error {
	if supervisor, _ := running(f.Dir); supervisor != 0 {
		return nil
	}
	if err == nil {
		return errors.New("the fleet was stopped")
	}
	log := supervisorLogPath(f.Dir)
	return fmt.Errorf("the supervisor ended: %w; its log %s says:\n%s", err, log, lastLines(log, 10))
}

// report prints what has become of units, and says whether there was any news. Said holds what was printed last of each: a
// unit that fails in the same way again and again is mentioned once.
func report(w io.Writer, elapsed time.Duration, status supervise.Status, said map[string]string) bool {
	news := false
	for _, u := range status.Units {
		var text string
		switch u.State {
		case supervise.Ready, supervise.Done:
			text = "is " + strings.ToLower(string(u.State))
		case supervise.Failed:
			text = "failed: " + u.Message + logHint(u)
		}
		if text == "" || text == said[u.Name] {
			continue
		}
		said[u.Name], news = text, true
		fmt.Fprintf(w, "%6.1fs  %s %s\n", elapsed.Seconds(), u.Name, text)
	}
	return news
}

// notReady lists what keeps the fleet from being ready.
func notReady(status supervise.Status) string {
	var reasons []string
	for _, u := range status.Units {
		// What merely waits for another isn't the reason.
		if u.State == supervise.Ready || u.State == supervise.Done || u.State == supervise.Waiting {
			continue
		}
		reason := u.Name + " is " + strings.ToLower(string(u.State))
		if u.Message != "" {
			reason += " (" + u.Message + ")"
		}
		reasons = append(reasons, reason+logHint(u))
	}
	if len(reasons) == 0 {
		return "the supervisor doesn't answer"
	}
	return strings.Join(reasons, "; ")
}

func logHint(u supervise.UnitStatus) string {
	if u.Log == "" {
		return ""
	}
	return ", see " + u.Log
}

// poll asks until the answer is true or ctx ends.
func poll(ctx context.Context, done func() bool) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// stop ends the supervisor, and so everything; first politely, then surely.
func (f *Fleet) stop(ctx context.Context) error {
	for _, attempt := range []struct {
		signal   syscall.Signal
		patience time.Duration
	}{{syscall.SIGTERM, 30 * time.Second}, {syscall.SIGKILL, 10 * time.Second}} {
		supervisor, err := running(f.Dir)
		if err != nil || supervisor == 0 {
			return err
		}
		if err := syscall.Kill(supervisor, attempt.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stopping the fleet's supervisor, process %d: %w", supervisor, err)
		}
		waiting, cancel := context.WithTimeout(ctx, attempt.patience)
		err = poll(waiting, func() bool {
			supervisor, err := running(f.Dir)
			return err == nil && supervisor == 0
		})
		cancel()
		if err == nil {
			return nil
		}
	}
	return errors.New("stopping the fleet: its supervisor doesn't end")
}
