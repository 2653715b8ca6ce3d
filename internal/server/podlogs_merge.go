package server

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"fairlead.dev/fairlead/internal/protocol"
)

// errPast ends a merge at a time that the caller set.
var errPast = errors.New("the rest is too late")

// mergeLogs hands on the lines of logs that end, the oldest first. It keeps one line of each.
func mergeLogs(ctx context.Context, logs []chan *protocol.LogEntry, emit func(*protocol.LogEntry) error) error {
	heads := make([]*protocol.LogEntry, len(logs))
	open := slices.Clone(logs)
	for {
		oldest := -1
		for i := range open {
			if heads[i] == nil && open[i] != nil {
				select {
				case entry, more := <-open[i]:
					if heads[i] = entry; !more {
						open[i] = nil
					}
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if heads[i] != nil && (oldest < 0 || heads[i].TimeStamp.Before(&heads[oldest].TimeStamp)) {
				oldest = i
			}
		}
		if oldest < 0 {
			return nil
		}
		if err := emit(heads[oldest]); err != nil {
			return err
		}
		heads[oldest] = nil
	}
}

const (
	// logWindow is within which lines of followed logs are put into order: a quiet pod must not hold up the others.
	logWindow = 100 * time.Millisecond
	// maxLogWindow bounds the lines that wait.
	maxLogWindow = 2000
)

// mergeFollowed hands on the lines of logs that go on, those of a moment in the order of time.
func (s *Server) mergeFollowed(ctx context.Context, logs []chan *protocol.LogEntry, emit func(*protocol.LogEntry) error) error {
	lines := make(chan *protocol.LogEntry)
	var forwarders sync.WaitGroup
	for _, log := range logs {
		forwarders.Go(func() {
			for entry := range log {
				select {
				case lines <- entry:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	go func() { forwarders.Wait(); close(lines) }()
	ticker := s.options.Clock.NewTicker(logWindow)
	defer ticker.Stop()
	var waiting []*protocol.LogEntry
	flush := func() error {
		slices.SortStableFunc(waiting, func(a, b *protocol.LogEntry) int { return a.TimeStamp.Compare(b.TimeStamp.Time) })
		for _, entry := range waiting {
			if err := emit(entry); err != nil {
				return err
			}
		}
		waiting = waiting[:0]
		return nil
	}
	for {
		select {
		case entry, more := <-lines:
			if !more {
				return flush()
			}
			if waiting = append(waiting, entry); len(waiting) < maxLogWindow {
				continue
			}
		case <-ticker.C():
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := flush(); err != nil {
			return err
		}
	}
}
