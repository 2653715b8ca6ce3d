package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// suite is upstream's test program.
type suite struct {
	*world

	// limit is how long one test may take.
	limit time.Duration
}

// list are the names of all tests, in the program's order.
func (s *suite) list(ctx context.Context) ([]string, error) {
	cmd := s.program(ctx, "-test.list", ".")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the suite's tests: %w: %s", err, complaints.Bytes())
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "Test") {
			names = append(names, line)
		}
	}
	return names, nil
}

// all runs tests one after the other, as they share what they clean up, and reports.
func (s *suite) all(ctx context.Context, names []string) error {
	var passed, skipped int
	var failed []string
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		began := time.Now()
		verdict, err := s.one(ctx, name)
		if err != nil {
			return err
		}
		switch verdict {
		case "ok":
			passed++
		case "skip":
			skipped++
		default:
			failed = append(failed, name)
		}
		fmt.Printf("%-4s %s (%.1f s)\n", verdict, name, time.Since(began).Seconds())
	}
	slices.Sort(failed)
	if len(failed) > 0 {
		fmt.Println("failed:\n  " + strings.Join(failed, "\n  "))
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, len(failed), skipped)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("running the suite: %w", ctx.Err())
	case len(failed) > 0:
		return fmt.Errorf("%d tests failed", len(failed))
	case passed == 0:
		return errors.New("no test was run")
	}
	return nil
}

// one runs a test: ok, skip or FAIL. Its output is in the folder of logs.
func (s *suite) one(ctx context.Context, name string) (string, error) {
	file, err := os.Create(filepath.Join(s.logs, name+".log"))
	if err != nil {
		return "", fmt.Errorf("keeping the log of %s: %w", name, err)
	}
	defer file.Close()
	cmd := s.program(ctx, "-test.run", "^"+name+"$", "-test.v", "-test.timeout", s.limit.String())
	cmd.Stdout, cmd.Stderr = file, file
	failure := cmd.Run()
	// Processes that the test started, such as those of plugins, may be left.
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("running %s: %w", name, ctx.Err())
	}
	if failure != nil {
		return "FAIL", nil
	}
	out, err := os.ReadFile(file.Name())
	if err != nil {
		return "", fmt.Errorf("reading the log of %s: %w", name, err)
	}
	if bytes.Contains(out, []byte("--- SKIP: "+name+" (")) {
		return "skip", nil
	}
	return "ok", nil
}

// program is upstream's, in its folder. The test's own limit ends it sooner than this one, and tells where it stood.
func (s *suite) program(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.tools.suite, args...)
	cmd.Dir, cmd.Env = filepath.Join(s.source, "test", "e2e"), s.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}
