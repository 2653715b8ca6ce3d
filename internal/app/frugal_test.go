package app

import "testing"

func TestTidiesOnceAfterABurst(t *testing.T) {
	tidied := 0
	f := &frugal{quiet: 10, worth: 100, tidy: func() { tidied++ }}
	for i, step := range []struct {
		allocated, live uint64
		want            int
	}{
		{1000, 50, 0}, // a burst goes on
		{2000, 50, 0},
		{2005, 50, 1}, // it has ended
		{2009, 50, 1}, // nothing worth it since
		{2100, 50, 1}, // a small burst
		{2106, 50, 2},
		{2300, 4000, 2}, // little in proportion to what lives
		{2301, 4000, 2},
	} {
		if f.look(step.allocated, step.live); tidied != step.want {
			t.Errorf("step %d: tidied %d times, want %d", i, tidied, step.want)
		}
	}
}
