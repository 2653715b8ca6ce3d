package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// results runs scenarios, a few at once, and counts them. It stands where testing.T does in a test.
type results struct {
	verbose bool
	slots   chan struct{}
	running sync.WaitGroup

	mu              sync.Mutex
	passed, skipped int
	failed          []string
}

func newResults(verbose bool, parallel int) *results {
	return &results{verbose: verbose, slots: make(chan struct{}, max(parallel, 1))}
}

func (r *results) named(name string) testscript.T { return &scenarioRun{results: r, name: name} }

// summary waits for all scenarios, and tells.
func (r *results) summary(ctx context.Context) error {
	r.running.Wait()
	slices.Sort(r.failed)
	if len(r.failed) > 0 {
		fmt.Println("failed:\n  " + strings.Join(r.failed, "\n  "))
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", r.passed, len(r.failed), r.skipped)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("running scenarios: %w", ctx.Err())
	case len(r.failed) > 0:
		return fmt.Errorf("%d scenarios differ from Argo CD", len(r.failed))
	case r.passed == 0:
		return errors.New("no scenario was run")
	}
	return nil
}

// scenarioRun is one scenario.
type scenarioRun struct {
	*results
	name            string
	log             strings.Builder
	broken, ignored bool
}

// Run starts a scenario when there is a place for it.
func (s *scenarioRun) Run(name string, f func(testscript.T)) {
	s.running.Go(func() {
		s.slots <- struct{}{}
		defer func() { <-s.slots }()
		child := &scenarioRun{results: s.results, name: s.name + "/" + name}
		began := time.Now()
		done := make(chan struct{})
		// FailNow and Skip end their goroutine.
		go func() {
			defer close(done)
			f(child)
		}()
		<-done
		child.record(time.Since(began))
	})
}

func (s *scenarioRun) record(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	verdict := "ok  "
	switch {
	case s.broken:
		verdict = "FAIL"
		s.failed = append(s.failed, strings.Join(append([]string{s.name}, s.reasons()...), "\n    "))
	case s.ignored:
		verdict = "skip"
		s.skipped++
	default:
		s.passed++
	}
	if s.broken || s.verbose {
		fmt.Println(s.log.String())
	}
	fmt.Printf("%s %s (%.1f s)\n", verdict, s.name, took.Seconds())
}

// reasons are the lines of the log that say why the scenario failed: the summary repeats them, as the log itself may be long.
func (s *scenarioRun) reasons() []string {
	var lines []string
	for line := range strings.Lines(s.log.String()) {
		if reason, ok := strings.CutPrefix(strings.TrimSpace(line), "FAIL: "); ok {
			lines = append(lines, reason)
		}
	}
	return lines
}

func (s *scenarioRun) Skip(words ...any) {
	s.Log(words...)
	s.ignored = true
	runtime.Goexit()
}

func (s *scenarioRun) Fatal(words ...any) {
	s.Log(words...)
	s.FailNow()
}

func (s *scenarioRun) FailNow() {
	s.broken = true
	runtime.Goexit()
}

func (s *scenarioRun) Log(words ...any) { fmt.Fprintln(&s.log, words...) }
func (s *scenarioRun) Parallel()        {}
func (s *scenarioRun) Verbose() bool    { return s.verbose }
