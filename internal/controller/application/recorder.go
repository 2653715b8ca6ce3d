package application

import (
	"context"
	"log/slog"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
)

const (
	// eventsPerSecond is how many events are written at the most, when more than eventBurst come at once. Nobody reads a
	// thousand events in a second, but their writes would hold up what they tell of: an event costs the API server half of
	// what the apply of a small object does.
	eventsPerSecond, eventBurst = 20, 20
	// heldEvents is how many may wait; more are left out, as the API server leaves out events after an hour.
	heldEvents = 20_000
)

// pacedRecorder writes events a few at a time, the oldest first. Those that wait when the hub ends are lost, as any event may be.
type pacedRecorder struct {
	inner   events.EventRecorder
	limiter *rate.Limiter
	waiting chan func()
	log     *slog.Logger
}

var _ events.EventRecorder = (*pacedRecorder)(nil)

func newPacedRecorder(inner events.EventRecorder, log *slog.Logger) *pacedRecorder {
	return &pacedRecorder{inner: inner, limiter: rate.NewLimiter(eventsPerSecond, eventBurst), waiting: make(chan func(), heldEvents), log: log}
}

// Eventf records an event when it is its turn. What it is given must not be changed afterwards.
func (p *pacedRecorder) Eventf(regarding, related runtime.Object, kind, reason, action, note string, args ...any) {
	write := func() { p.inner.Eventf(regarding, related, kind, reason, action, note, args...) }
	select {
	case p.waiting <- write:
	default:
		p.log.Warn("an event is left out: too many are waiting to be written", "reason", reason, "limit", heldEvents)
	}
}

// run writes events until ctx ends.
func (p *pacedRecorder) run(ctx context.Context) error {
	for {
		select {
		case write := <-p.waiting:
			if p.limiter.Wait(ctx) != nil {
				return nil
			}
			write()
		case <-ctx.Done():
			return nil
		}
	}
}
