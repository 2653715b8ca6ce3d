//go:build integration

package application

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// wire is what lies between the hubs and the API server: it notes what they ask, and may fail.
type wire struct {
	mu       sync.Mutex
	requests []asked
	// fault, if set, stands in between: it may answer itself, fail, or send the request and spoil the answer.
	fault fault
}

type fault func(request *http.Request, send func() (*http.Response, error)) (*http.Response, error)

// asked is one request: its method, and what it is about.
type asked struct{ method, object string }

func (a asked) String() string { return a.method + " " + a.object }

var errDead = errors.New("the hub is dead")

func (w *wire) wrap(next http.RoundTripper, dead *atomic.Bool) http.RoundTripper {
	return roundTrip(func(request *http.Request) (*http.Response, error) {
		if dead.Load() && request.Method == http.MethodGet {
			return next.RoundTrip(request) // controller-runtime doesn't end before its first lists are through
		}
		if dead.Load() {
			return nil, errDead
		}
		w.mu.Lock()
		w.requests = append(w.requests, asked{request.Method + dryRun(request), objectOf(request.URL.Path)})
		fault := w.fault
		w.mu.Unlock()
		send := func() (*http.Response, error) { return next.RoundTrip(request) }
		if fault == nil {
			return send()
		}
		return fault(request, send)
	})
}

// breakBy sets the fault; nil mends.
func (w *wire) breakBy(fault fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = fault
}

// mend takes the fault away, and tells which it was.
func (w *wire) mend() fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	broken := w.fault
	w.fault = nil
	return broken
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func dryRun(request *http.Request) string {
	if request.URL.Query().Get("dryRun") != "" {
		return "(dry-run)"
	}
	return ""
}

// objectOf shortens /apis/GROUP/VERSION/namespaces/NS/RESOURCE/NAME to RESOURCE NS/NAME.
func objectOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		parts = parts[3:]
	default:
		return path
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		return parts[2] + " " + strings.Join(slices.Concat(parts[1:2], parts[3:]), "/")
	}
	return parts[0] + " " + strings.Join(parts[1:], "/")
}

// take returns the requests since it was last called, and forgets them.
func (w *wire) take() []asked {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.requests
	w.requests = nil
	return all
}

// writes are those among the requests that change something, but for events, each once with how often it was made.
func writes(requests []asked) string {
	return tally(requests, func(a asked) bool {
		return a.method != http.MethodGet && !strings.HasSuffix(a.method, "(dry-run)") && !strings.HasPrefix(a.object, "events ")
	})
}

func tally(requests []asked, counts func(asked) bool) string {
	times := map[string]int{}
	for _, a := range requests {
		if counts(a) {
			times[a.String()]++
		}
	}
	var lines []string
	for what, n := range times {
		lines = append(lines, fmt.Sprintf("%s ×%d\n", what, n))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// asked is how many requests there were since they were last taken.
func (w *wire) asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests)
}
