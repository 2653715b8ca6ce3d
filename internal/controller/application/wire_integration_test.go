//go:build integration

package application

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// wire notes what the hubs ask the API server.
type wire struct {
	mu       sync.Mutex
	requests []asked
	// fault, if set, may answer in the API server's place, or fail; it sees what would be sent.
	fault func(*http.Request) (*http.Response, error)
}

// asked is one request: its method, and what it is about.
type asked struct{ method, object string }

func (a asked) String() string { return a.method + " " + a.object }

func (w *wire) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(request *http.Request) (*http.Response, error) {
		w.mu.Lock()
		w.requests = append(w.requests, asked{request.Method + dryRun(request), objectOf(request.URL.Path)})
		fault := w.fault
		w.mu.Unlock()
		if fault != nil {
			if response, err := fault(request); response != nil || err != nil {
				return response, err
			}
		}
		return next.RoundTrip(request)
	})
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
		return parts[2] + " " + strings.Join(append(parts[1:2], parts[3:]...), "/")
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
