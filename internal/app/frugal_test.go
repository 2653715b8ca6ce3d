package app

import (
	"slices"
	"testing"
)

func TestTidiesOnceAfterABurst(t *testing.T) {
	tidied := 0
	f := &frugal{quiet: 10, patience: 2, worth: 100, tidy: func() { tidied++ }, grow: func(int) {}}
	for i, step := range []struct {
		allocated, live uint64
		want            int
	}{
		{1000, 50, 0}, // a burst goes on
		{2000, 50, 0},
		{2005, 50, 0},
		{2006, 50, 1}, // it has ended
		{2009, 50, 1}, // nothing worth it since
		{2010, 50, 1},
		{2100, 50, 1}, // a small burst
		{2106, 50, 1},
		{2107, 50, 2},
		{2300, 4000, 2}, // little in proportion to what lives
		{2301, 4000, 2},
		{2302, 4000, 2},
	} {
		if f.look(step.allocated, step.live); tidied != step.want {
			t.Errorf("step %d: tidied %d times, want %d", i, tidied, step.want)
		}
	}
}

func TestHeapsGrowMoreWhileThereIsWork(t *testing.T) {
	var told []int
	f := &frugal{quiet: 10, patience: 2, worth: 1 << 40, grow: func(percent int) { told = append(told, percent) }}
	for i, live := range []uint64{0, 1 << 20, 20 << 20, 20 << 20, 40 << 20, 400 << 20, 1 << 20} {
		f.look(uint64(i+1)*100, live)
	}
	f.look(705, 1<<20)
	if want := []int{100, 80, 50, 100, 50}; !slices.Equal(told, want) {
		t.Errorf("the heap may grow by %v per cent, want %v", told, want)
	}
}
