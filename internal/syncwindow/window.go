// Package syncwindow tells when an application may be synced: an AppProject's windows, in which syncs are allowed or denied.
//
// It decides about a moment that it is given and knows no clock; who holds what syncs back is internal/controller/application
// and internal/server. Start with Matching and Windows.Allows.
package syncwindow

import (
	"fmt"
	"time"
	_ "time/tzdata" // time zones where the machine has none, as in an image from scratch

	"github.com/robfig/cron/v3"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/project"
)

// The kinds of windows.
const (
	allow = "allow"
	deny  = "deny"
)

// Windows are those that concern one application.
type Windows []*v1alpha1.SyncWindow

// Request is a sync that wants to begin or to go on.
type Request struct {
	// Manual says that a person asked for it.
	Manual bool
	// Began is when it began; zero for one that has not.
	Began time.Time
}

// Matching are the windows that concern an application: by its name, its cluster (as its spec names it) or its namespace;
// with andOperator by all of them that the window names.
func Matching(windows v1alpha1.SyncWindows, name string, d v1alpha1.ApplicationDestination) Windows {
	var matching Windows
	for _, w := range windows {
		if w != nil && concerns(w, name, d) {
			matching = append(matching, w)
		}
	}
	return matching
}

func concerns(w *v1alpha1.SyncWindow, name string, d v1alpha1.ApplicationDestination) bool {
	named, matched := 0, 0
	for _, selector := range []struct {
		patterns []string
		values   []string
	}{{w.Applications, []string{name}}, {w.Clusters, []string{d.Name, d.Server}}, {w.Namespaces, []string{d.Namespace}}} {
		if len(selector.patterns) == 0 {
			continue
		}
		named++
		if matchesAny(selector.patterns, selector.values) {
			matched++
		}
	}
	if w.UseAndOperator {
		return named > 0 && matched == named
	}
	return matched > 0
}

func matchesAny(patterns, values []string) bool {
	for _, pattern := range patterns {
		for _, value := range values {
			if (value != "" || len(values) == 1) && project.Glob(pattern, value, 0) {
				return true
			}
		}
	}
	return false
}

// schedule is a window's time, read.
type schedule struct {
	cron     cron.Schedule
	duration time.Duration
	zone     *time.Location
}

// longest bounds a window: a typing mistake must not make the search for its boundaries endless.
const longest = 366 * 24 * time.Hour

var cronFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// read parses a window's schedule (five cron fields), duration (Go's) and time zone (IANA's; empty is UTC).
func read(w *v1alpha1.SyncWindow) (schedule, error) {
	parsed, err := parseCron(w.Schedule)
	if err != nil {
		return schedule{}, fmt.Errorf("cannot parse schedule '%s': %w", w.Schedule, err)
	}
	duration, err := time.ParseDuration(w.Duration)
	if err != nil {
		return schedule{}, fmt.Errorf("cannot parse duration '%s': %w", w.Duration, err)
	}
	if duration <= 0 || duration > longest {
		return schedule{}, fmt.Errorf("cannot use duration '%s': it must be positive and at most a year", w.Duration)
	}
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil {
		return schedule{}, fmt.Errorf("cannot parse '%s' time zone: %w", w.TimeZone, err)
	}
	return schedule{cron: parsed, duration: duration, zone: zone}, nil
}

// parseCron is the parser without its panics, which some inputs make.
func parseCron(text string) (parsed cron.Schedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return cronFields.Parse(text)
}

// Validate tells what is wrong with a window.
func Validate(w *v1alpha1.SyncWindow) error {
	if w.Kind != allow && w.Kind != deny {
		return fmt.Errorf("kind '%s' mismatch: can only be allow or deny", w.Kind)
	}
	_, err := read(w)
	return err
}

// runAt is the earliest run of the window that ends after t, and whether it has begun.
func (s schedule) runAt(t time.Time) (start time.Time, begun bool) {
	start = s.cron.Next(t.In(s.zone).Add(-s.duration))
	return start, !start.IsZero() && !start.After(t)
}

// Active are the windows that are open at a moment, from the minute of their schedule on.
func (w Windows) Active(at time.Time) (Windows, error) {
	var active Windows
	for _, window := range w {
		s, err := read(window)
		if err != nil {
			return nil, err
		}
		if _, begun := s.runAt(at); begun {
			active = append(active, window)
		}
	}
	return active, nil
}

// Allows tells whether a sync may begin or go on at a moment. An open deny window forbids; else, if there are any allow
// windows, one must be open. A person's sync gets past if the windows in its way let manual syncs past: all open deny
// windows, or one of the closed allow windows. A sync that began when it was allowed may overrun where all open deny
// windows, or the allow window in which it began, say so. The error is of a window that can't be read: nothing is allowed.
func (w Windows) Allows(r Request, at time.Time) (bool, error) {
	active, err := w.Active(at)
	if err != nil {
		return false, fmt.Errorf("invalid sync windows: %w", err)
	}
	denied := active.of(deny)
	open := len(active.of(allow)) > 0 || len(w.of(allow)) == 0
	switch {
	case len(denied) == 0 && open,
		r.Manual && len(denied) > 0 && all(denied, letsManual),
		r.Manual && len(denied) == 0 && some(w.of(allow), letsManual):
		return true, nil
	case r.Began.IsZero(), !all(denied, overruns):
		return false, nil
	}
	return w.mayOverrun(r, open)
}

// mayOverrun tells whether a sync began when it was allowed, and, if no allow window is open any more, in one that lets
// syncs overrun.
func (w Windows) mayOverrun(r Request, open bool) (bool, error) {
	allowed, err := w.Allows(Request{Manual: r.Manual}, r.Began)
	if err != nil || !allowed || open {
		return allowed, err
	}
	then, err := w.Active(r.Began)
	return some(then.of(allow), overruns), err
}

// changes bounds the search for the moment at which a sync is allowed: with windows of a minute, some days.
const changes = 5000

// Opens is the next moment after at in which the sync is allowed. If none is found soon, it is a moment to ask again; false
// means that it never is.
func (w Windows) Opens(r Request, at time.Time) (time.Time, bool) {
	for range changes {
		next := w.nextChange(at)
		if next.IsZero() {
			return time.Time{}, false
		}
		if ok, err := w.Allows(r, next); err != nil {
			return time.Time{}, false
		} else if ok {
			return next, true
		}
		at = next
	}
	return at, true
}

// nextChange is when the next window opens or closes; zero if none ever does.
func (w Windows) nextChange(at time.Time) time.Time {
	var next time.Time
	consider := func(t time.Time) {
		if t.After(at) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, window := range w {
		s, err := read(window)
		if err != nil {
			return time.Time{}
		}
		if start := s.cron.Next(at.In(s.zone)); !start.IsZero() {
			consider(start)
		}
		if start, _ := s.runAt(at); !start.IsZero() {
			consider(start.Add(s.duration))
		}
	}
	return next
}

func (w Windows) of(kind string) Windows {
	var some Windows
	for _, window := range w {
		if window.Kind == kind {
			some = append(some, window)
		}
	}
	return some
}

func letsManual(w *v1alpha1.SyncWindow) bool { return w.ManualSync }
func overruns(w *v1alpha1.SyncWindow) bool   { return w.SyncOverrun }

func all(windows Windows, is func(*v1alpha1.SyncWindow) bool) bool {
	for _, w := range windows {
		if !is(w) {
			return false
		}
	}
	return true
}

func some(windows Windows, is func(*v1alpha1.SyncWindow) bool) bool {
	for _, w := range windows {
		if is(w) {
			return true
		}
	}
	return false
}
