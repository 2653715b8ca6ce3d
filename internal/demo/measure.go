package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// logLine is one line of the hub's log, as far as the way of a commit is told there.
type logLine struct {
	Time     time.Time `json:"time"`
	Message  string    `json:"msg"`
	Tag      string    `json:"tag"`
	Commit   string    `json:"commit"`
	App      string    `json:"app"`
	Revision string    `json:"revision"`
}

// measure takes the times of the stages from the Build and the hub's log.
func (w *world) measure(ctx context.Context) error {
	head, err := w.gitOutput(ctx, deployClone, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	hub, err := w.fleet.unit("hub")
	if err != nil {
		return err
	}
	seen, err := findLine(hub.Log, func(l logLine) bool { return l.Message == "tag seen" && l.Tag == w.release })
	if err != nil {
		return fmt.Errorf("finding when the tag was seen: %w", err)
	}
	committed, err := findLine(hub.Log, func(l logLine) bool { return l.Message == "image update committed" && l.Commit == head })
	if err != nil {
		return fmt.Errorf("finding when the tag was committed: %w", err)
	}
	applied, err := findLine(hub.Log, func(l logLine) bool {
		return l.Message == "operation ended" && l.App == "echo-dev" && l.Revision != "" && strings.HasPrefix(head, l.Revision)
	})
	if err != nil {
		return fmt.Errorf("finding when dev was applied: %w", err)
	}
	started, finished := w.built.Status.StartedAt, w.built.Status.FinishedAt
	w.stages.add("push → build start", started.Sub(w.pushedAt), true)
	w.stages.add("build", finished.Sub(started), false)
	w.stages.add("image pushed → tag seen", max(0, seen.Sub(finished)), true)
	w.stages.add("tag seen → commit", committed.Sub(seen), true)
	w.stages.add("commit → applied in dev", applied.Sub(committed), true)
	w.stages.add("applied → ready", w.readyAt.Sub(applied), false)
	return nil
}

// findLine is the time of the first line of a log that is wanted.
func findLine(path string, wanted func(logLine) bool) (time.Time, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, err
	}
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line logLine
		if json.Unmarshal(scanner.Bytes(), &line) == nil && wanted(line) {
			return line.Time, nil
		}
	}
	return time.Time{}, errors.Join(errors.New("the log doesn't tell"), scanner.Err())
}
