package bench

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

// changes is how many applications change while there are watchers.
const changes = 200

// watches: what it costs to tell of changes, to nobody, and to many.
func watches(ctx context.Context, w *world) error {
	if err := w.watchAll(ctx); err != nil {
		return err
	}
	none, err := w.toldTo(ctx, 0, way{name: "nobody"})
	if err != nil {
		return err
	}
	w.table.number("a change of an application: CPU of the hub, nobody watches", none.cpu, " ms", -1, "")
	for _, by := range []way{overGRPC, {name: "REST"}, {name: "REST, the UI's fields", fields: watchFields}} {
		many, err := w.toldTo(ctx, w.options.Watchers, by)
		if err != nil {
			return err
		}
		w.table.number(fmt.Sprintf("  %d watchers by %s", w.options.Watchers, by.name), many.cpu, " ms", -1, "")
		w.table.number("    of it for each watcher", 1000*(many.cpu-none.cpu)/float64(w.options.Watchers), " µs", -1, "")
		w.table.time("    change → all of them know, median", many.median, 0, limit{}, "")
		w.table.time("    the worst", many.worst, 0, limit{}, "")
	}
	return nil
}

// watchAll is a watch that begins with all that there is.
func (w *world) watchAll(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	count := 0
	err := w.callers[reader].events(ctx, overGRPC, &protocol.ApplicationQuery{}, func() {
		if count++; count == w.options.Listed {
			cancel()
		}
	})
	if err != nil {
		return err
	}
	w.table.time(fmt.Sprintf("watch → told of all %d", count), time.Since(began), 0, limit{}, "")
	return nil
}

// told is what telling of one change took; cpu is in ms.
type told struct {
	cpu           float64
	median, worst time.Duration
}

// toldTo changes applications one after the other, each when all watchers know of the one before.
func (w *world) toldTo(ctx context.Context, watchers int, by way) (told, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	var events, listening atomic.Int64
	for range watchers {
		group.Go(func() error {
			// From a version on, so that nobody begins with everything.
			q, first := &protocol.ApplicationQuery{ResourceVersion: "1"}, true
			return w.callers[reader].events(ctx, by, q, func() {
				if first {
					first = false
					listening.Add(1)
				}
				events.Add(1)
			})
		})
	}
	if err := w.untilListening(ctx, watchers, &listening, &events); err != nil {
		return told{}, err
	}
	known := events.Load()
	before, err := w.hub.cpu()
	if err != nil {
		return told{}, err
	}
	var times []time.Duration
	for n := range changes {
		took, err := w.change(ctx, n, func() bool { return events.Load() == known+int64(watchers)*int64(n+1) })
		if err != nil {
			return told{}, err
		}
		times = append(times, took)
	}
	after, err := w.hub.cpu()
	if err != nil {
		return told{}, err
	}
	cancel()
	if err := group.Wait(); err != nil {
		return told{}, err
	}
	t := told{cpu: float64((after - before).Milliseconds()) / changes}
	t.median, t.worst = spread(times)
	return t, nil
}

// untilListening changes an application until each watcher has been told once, and waits until all have been told of all.
func (w *world) untilListening(ctx context.Context, watchers int, listening, events *atomic.Int64) error {
	for deadline := time.Now().Add(w.options.Patience); listening.Load() < int64(watchers); {
		if time.Now().After(deadline) {
			return fmt.Errorf("waiting until %d watchers are told of something: %d are", watchers, listening.Load())
		}
		before := listening.Load()
		if _, err := w.change(ctx, 0, func() bool { return true }); err != nil {
			return err
		}
		within(ctx, 100*time.Millisecond, func() bool { return listening.Load() != before })
	}
	// Nobody tells that there is no further event: they have come when for some time none does.
	for last := int64(-1); last != events.Load(); time.Sleep(300 * time.Millisecond) {
		last = events.Load()
	}
	return nil
}

// change gives an application a new status, as a comparison does, and waits until that is known.
func (w *world) change(ctx context.Context, n int, known func() bool) (time.Duration, error) {
	app := realistic(n * w.options.Listed / changes)
	before := &v1alpha1.Application{ObjectMeta: app.ObjectMeta}
	after := before.DeepCopy()
	after.Status.Sync.Revision = fmt.Sprintf("%040x", time.Now().UnixNano())
	if err := w.client.Patch(ctx, after, client.MergeFrom(before)); err != nil {
		return 0, fmt.Errorf("changing an application: %w", err)
	}
	began := time.Now()
	if !within(ctx, w.options.Patience, known) {
		return 0, fmt.Errorf("waiting until all watchers know of a change: %w", cmp.Or(context.Cause(ctx), context.DeadlineExceeded))
	}
	return time.Since(began), nil
}

// within waits for something, not longer than that. It looks as often as the table is exact, with little work beside what is
// measured.
func within(ctx context.Context, limit time.Duration, so func() bool) bool {
	for deadline := time.Now().Add(limit); !so(); time.Sleep(200 * time.Microsecond) {
		if time.Now().After(deadline) || ctx.Err() != nil {
			return false
		}
	}
	return true
}
