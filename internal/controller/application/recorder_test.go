package application

import (
	"context"
	"log/slog"
	"testing"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/runtime"
)

// heard hands on what is recorded.
type heard chan string

func (h heard) Eventf(_, _ runtime.Object, _, reason, _, _ string, _ ...any) { h <- reason }

func TestEventsKeepTheirOrderAndNoneIsLostBelowTheLimit(t *testing.T) {
	const many = 1000
	inner := make(heard, many)
	p := newPacedRecorder(inner, slog.New(slog.DiscardHandler))
	p.limiter = rate.NewLimiter(rate.Inf, 1)
	for i := range many {
		p.Eventf(nil, nil, "Normal", string(rune('a'+i%26)), "Sync", "")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.run(ctx) }()
	for i := range many {
		if got := <-inner; got != string(rune('a'+i%26)) {
			t.Fatalf("event %d is %q", i, got)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Nothing waits for events: not for a full queue, and not for a limiter.
func TestEventsHoldUpNobody(t *testing.T) {
	inner := make(heard, heldEvents+10)
	p := newPacedRecorder(inner, slog.New(slog.DiscardHandler))
	for range heldEvents + 10 {
		p.Eventf(nil, nil, "Normal", "x", "Sync", "")
	}
	if got := len(p.waiting); got != heldEvents {
		t.Errorf("%d events wait, want %d", got, heldEvents)
	}
}
