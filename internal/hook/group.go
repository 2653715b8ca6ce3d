package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Options configure a [Group].
type Options struct {
	// Dir is the folder of the records of what has been told. It is made if it doesn't exist. Required.
	Dir string
	// Endpoints are told of every change of every source. None: nothing is told, nothing is recorded.
	Endpoints []Endpoint
	// RetryInterval is the longest pause between two tries. Required.
	RetryInterval time.Duration
	// Client makes the calls. Nil: one with a timeout of 10 seconds that follows no redirects.
	Client *http.Client
	// Clock is for tests. Nil: the real one.
	Clock clock.WithTicker
	// Logger receives failures. Nil: slog.Default().
	Logger *slog.Logger
}

// Group tells all endpoints about all sources, each pair on its own, so that a receiver that is down holds up nobody else.
type Group struct {
	opts   Options
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	sources map[string][]*teller
}

// NewGroup returns a group without sources. It works until Close.
func NewGroup(opts Options) (*Group, error) {
	if opts.RetryInterval <= 0 {
		return nil, errors.New("starting webhooks: RetryInterval must be set")
	}
	if opts.Client == nil {
		opts.Client = &http.Client{
			Timeout:       10 * time.Second, // a receiver only has to note a delivery, not to act on it
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("starting webhooks: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Group{opts: opts, ctx: ctx, cancel: cancel, sources: map[string][]*teller{}}, nil
}

// Add starts telling the changes of a source. A source that is known already is left as it is.
//
// It decides what an endpoint without a record is taken to know: of a fresh source nothing, so that everything in it will
// be told; of another one everything that is there now, because the endpoint is a new one. A source must be added before
// its first change can happen: once Add has returned, no change can be missed, whatever is killed when.
func (g *Group) Add(ctx context.Context, name string, s Source, fresh bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.sources[name]; known {
		return nil
	}
	tellers := make([]*teller, 0, len(g.opts.Endpoints))
	for _, e := range g.opts.Endpoints {
		r := record{path: recordPath(g.opts.Dir, name, e), Source: name, Endpoint: e.String()}
		if err := g.open(ctx, &r, s, fresh); err != nil {
			return fmt.Errorf("starting webhooks of %s: %w", name, err)
		}
		tellers = append(tellers, newTeller(g.opts, e, s, r))
	}
	g.sources[name] = tellers
	for _, t := range tellers {
		g.done.Add(1)
		go func() {
			defer g.done.Done()
			t.run(g.ctx)
		}()
	}
	return nil
}

// open reads the record, or begins a new one.
func (g *Group) open(ctx context.Context, r *record, s Source, fresh bool) error {
	if r.exists() {
		err := r.load()
		if err == nil {
			return nil
		}
		// Telling everything again could start a build of every branch; polling finds what is lost by not telling it.
		g.opts.Logger.Warn("what a webhook receiver has been told is unreadable; it will hear of changes from now on",
			"source", r.Source, "endpoint", r.Endpoint, "error", err)
	}
	r.Told = map[string]string{}
	if !fresh {
		state, err := s.State(ctx)
		if err != nil {
			return err
		}
		r.Told = state
	}
	return r.save()
}

// Known says whether the source has been added.
func (g *Group) Known(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, known := g.sources[name]
	return known
}

// Changed says that the source's state may have changed, and returns at once. Unknown names are ignored.
func (g *Group) Changed(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.sources[name] {
		t.changed()
	}
}

// Close stops telling and waits for deliveries on their way to end. What is still to be told is told after the next start.
func (g *Group) Close() {
	g.cancel()
	g.done.Wait()
}

// escape turns a source's name into a file name.
func escape(name string) string { return url.PathEscape(name) }
