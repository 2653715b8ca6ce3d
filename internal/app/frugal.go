package app

import (
	"context"
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// frugal keeps a process small that works in bursts: a commit to a thousand applications is followed by hours of rest, and
// Go by itself keeps most of what the burst took.
type frugal struct {
	// every is how often to look. It rests when less than quiet bytes were allocated since the last look; a burst has ended after
	// patience such looks.
	every    time.Duration
	quiet    uint64
	patience int
	// worth is how many allocated bytes make a collection worth while, at least a quarter of the heap.
	worth uint64
	// tidy collects, and gives back to the system what is free.
	tidy func()
	// grow says by how many per cent of what lives the heap may grow between collections.
	grow func(percent int)

	last, tidied   uint64
	rests, percent int
}

// The heap may grow by half between collections, where Go's default doubles it; a small one, while there is work, by leastGrowth
// bytes, up to Go's default. Less would cost a burst a quarter of its CPU. More would scatter what a burst keeps among what it
// throws away: with 40 MB, what was kept of a thousand applications, 36 MB, held on to 66 MB of pages.
const (
	leastPercent, mostPercent = 50, 100
	leastGrowth               = 16 << 20
)

// growth is how many per cent the heap may grow over what lives while there is work.
func growth(live uint64) int {
	return int(min(max(leastPercent, leastGrowth*100/max(live, 1)), mostPercent))
}

// stayFrugal is for the manager of a long-lived process. Who has set GOGC knows better.
func stayFrugal() manager.RunnableFunc {
	grow := func(percent int) { debug.SetGCPercent(percent) }
	if previous := debug.SetGCPercent(mostPercent); previous != mostPercent {
		debug.SetGCPercent(previous)
		grow = func(int) {}
	}
	f := &frugal{every: 2 * time.Second, quiet: 1 << 20, patience: 5, worth: 8 << 20, percent: mostPercent, grow: grow, tidy: func() {
		debug.FreeOSMemory()
		forgetProgram()
	}}
	return f.run
}

func (f *frugal) run(ctx context.Context) error {
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		metrics.Read(samples)
		for _, s := range samples {
			if s.Value.Kind() != metrics.KindUint64 {
				return fmt.Errorf("watching the memory: this Go doesn't tell %s", s.Name)
			}
		}
		f.look(samples[0].Value.Uint64(), samples[1].Value.Uint64())
	}
}

// look decides, from the bytes that were ever allocated and those that live.
func (f *frugal) look(allocated, live uint64) {
	percent := leastPercent
	if allocated-f.last < f.quiet {
		f.rests++
	} else {
		f.rests, percent = 0, growth(live)
	}
	f.last = allocated
	if percent != f.percent {
		f.percent = percent
		f.grow(percent)
	}
	if f.rests >= f.patience && allocated-f.tidied > max(f.worth, live/4) {
		f.tidied = allocated
		f.tidy()
	}
}
