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
	// every is how often to look; a burst has ended when less than quiet bytes were allocated since the last look.
	every time.Duration
	quiet uint64
	// worth is how many allocated bytes make a collection worth while, at least a quarter of the heap.
	worth uint64
	// tidy collects, and gives back to the system what is free.
	tidy func()

	last, tidied uint64
}

// gcPercent lets the heap grow by half between collections, where Go's default doubles it. It costs CPU only while there
// is work.
const gcPercent = 50

// stayFrugal is for the manager of a long-lived process. Who has set GOGC knows better.
func stayFrugal() manager.RunnableFunc {
	if previous := debug.SetGCPercent(gcPercent); previous != 100 {
		debug.SetGCPercent(previous)
	}
	f := &frugal{every: 10 * time.Second, quiet: 4 << 20, worth: 8 << 20, tidy: func() {
		debug.FreeOSMemory()
		forgetStartup()
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
	rests := allocated-f.last < f.quiet
	f.last = allocated
	if rests && allocated-f.tidied > max(f.worth, live/4) {
		f.tidied = allocated
		f.tidy()
	}
}
