package render

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/lru"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/render/plugin"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Options are how a Renderer works. Start from Default.
type Options struct {
	// Timeout bounds one rendering, waiting for a place not counted.
	Timeout time.Duration
	// Parallel bounds the renderings at one time.
	Parallel int
	// CacheBytes bounds the memory for finished renderings.
	CacheBytes int64
	// Plugins calls config management plugins; nil means that there are none.
	Plugins *plugin.Client
}

// Default returns the options that suit a hub.
func Default() Options {
	return Options{
		// The largest public charts take a second; Argo CD allows 90 seconds for charts with network in between.
		Timeout: 60 * time.Second,
		// Rendering only computes, and the hub must answer meanwhile.
		Parallel: max(1, runtime.GOMAXPROCS(0)),
		// Some 10,000 small applications. What falls out is rendered again.
		CacheBytes: 48 << 20,
	}
}

// Validate tells the first option that can't be.
func (o Options) Validate() error {
	switch {
	case o.Timeout <= 0:
		return errors.New("the time limit for rendering must be positive")
	case o.Parallel <= 0:
		return errors.New("the number of parallel renderings must be positive")
	case o.CacheBytes < 0:
		return errors.New("the cache of renderings can't be smaller than nothing")
	}
	return nil
}

// Renderer renders sources, and remembers the results. It is safe for concurrent use.
type Renderer struct {
	options  Options
	slots    chan struct{}
	cache    *lru.Cache[key, *entry]
	rendered atomic.Int64
	reused   atomic.Int64
}

// entry is a finished rendering, also one that failed: a broken application isn't rendered again at each commit either.
type entry struct {
	result *Result
	err    error
	reads  reads
	// capabilities are set if the result depends on them.
	capabilities string
}

// New makes a renderer.
func New(options Options) (*Renderer, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	return &Renderer{
		options: options,
		slots:   make(chan struct{}, options.Parallel),
		cache:   lru.New[key, *entry](options.CacheBytes),
	}, nil
}

// Counts returns how many sources were rendered and how many renderings were reused, since the start.
func (r *Renderer) Counts() (rendered, reused int64) {
	return r.rendered.Load(), r.reused.Load()
}

// Render renders a source, or returns what it gave at an earlier commit if that still holds. Errors are for the person who
// wrote the source: they name the file and what to do. They are remembered like results, but not those of the context or
// of an unreadable mirror.
func (r *Renderer) Render(ctx context.Context, request Request) (*Result, error) {
	if request.Tree == nil {
		return nil, errors.New("rendering needs a tree of the source")
	}
	k, err := request.key()
	if err != nil {
		return nil, err
	}
	if known, ok := r.cache.Get(k); ok && !request.Fresh && known.fits(&request) {
		r.reused.Add(1)
		if known.err != nil {
			return nil, known.err
		}
		result := *known.result
		result.Cached = true
		return &result, nil
	}
	job := newJob(&request)
	job.plugins = r.options.Plugins
	if err := r.prepare(ctx, job); err != nil {
		finished := job.finish(nil, err)
		if ctx.Err() == nil && !job.transient {
			r.cache.Put(k, finished, finished.bytes())
		}
		return nil, err
	}
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to render: %w", context.Cause(ctx))
	}
	limited, cancel := context.WithTimeoutCause(ctx, r.options.Timeout, fmt.Errorf("no end after %s", r.options.Timeout))
	defer cancel()
	done := make(chan *entry, 1)
	go func() {
		// The place is kept until the rendering really ends, so that those that nobody waits for can't pile up.
		defer func() { <-r.slots }()
		done <- r.render(limited, job)
	}()
	select {
	case finished := <-done:
		if limited.Err() != nil && finished.err != nil {
			return nil, fmt.Errorf("rendering %s: %w", request.Source.Path, context.Cause(limited))
		}
		r.cache.Put(k, finished, finished.bytes())
		return finished.result, finished.err
	case <-limited.Done():
		return nil, fmt.Errorf("rendering %s: %w", request.Source.Path, context.Cause(limited))
	}
}

// prepare is outside of the places for rendering: who waits for a network must not keep others from computing.
func (r *Renderer) prepare(ctx context.Context, job *job) (err error) {
	r.rendered.Add(1)
	defer job.recover(ctx, &err)
	return job.prepare(ctx)
}

func (r *Renderer) render(ctx context.Context, job *job) *entry {
	objects, err := func() (objects []*unstructured.Unstructured, err error) {
		defer job.recover(ctx, &err)
		return job.run(ctx)
	}()
	return job.finish(objects, err)
}

// recover turns a panic into an error of this source.
func (j *job) recover(ctx context.Context, err *error) {
	if panicked := recover(); panicked != nil {
		slog.ErrorContext(ctx, "rendering panicked", "path", j.request.Source.Path, "application", j.request.AppName, "panic", panicked, "stack", string(debug.Stack()))
		*err = fmt.Errorf("rendering %s: the renderer failed on this input: %v", j.request.Source.Path, panicked)
	}
}

// finish makes an entry of the job's outcome.
func (j *job) finish(objects []*unstructured.Unstructured, err error) *entry {
	finished := &entry{err: err, reads: j.reads()}
	if j.usesCapabilities() {
		finished.capabilities = j.request.capabilities()
	}
	if err == nil {
		finished.result = &Result{Objects: objects, SourceType: j.sourceType, Images: images(objects), reads: finished.reads}
	}
	return finished
}

func (e *entry) fits(request *Request) bool {
	return (e.capabilities == "" || e.capabilities == request.capabilities()) && e.reads.hold(request.Tree, request.Refs, request.Network)
}

func (e *entry) bytes() int64 {
	n := e.reads.bytes() + int64(len(e.capabilities)) + 512
	if e.result != nil {
		for _, u := range e.result.Objects {
			n += weigh(u.Object)
		}
	}
	return n
}

// weigh is about what a value takes in memory.
func weigh(value any) int64 {
	switch value := value.(type) {
	case map[string]any:
		// A map's first group of eight entries is made at once.
		n := int64(48 + max(8, len(value)*5/4)*33)
		for name, child := range value {
			n += int64(len(name)) + weigh(child)
		}
		return n
	case []any:
		n := int64(24 + 16*len(value))
		for _, child := range value {
			n += weigh(child)
		}
		return n
	case string:
		return 16 + int64(len(value))
	default:
		return 8
	}
}

func images(objects []*unstructured.Unstructured) []string {
	var all []string
	for _, u := range objects {
		all = append(all, object.Images(u)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sourcePath is the source's folder as a path in the repository.
func sourcePath(source *v1alpha1.ApplicationSource) (string, error) {
	if path.IsAbs(source.Path) {
		return "", fmt.Errorf("%s: app path is absolute: give it relative to the repository", source.Path)
	}
	clean := path.Join(".", source.Path)
	if clean == ".." || len(clean) > 2 && clean[:3] == "../" {
		return "", fmt.Errorf("%s: app path leads out of the repository", source.Path)
	}
	return clean, nil
}
