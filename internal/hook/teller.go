package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"k8s.io/utils/clock"
)

// firstRetry is the pause after the first failure; it doubles up to Options.RetryInterval.
const firstRetry = 50 * time.Millisecond

// maxAnswer bounds how much of an answer is read, so that the connection can be used again.
const maxAnswer = 64 << 10

// closeGrace is how long a call on its way may go on after Close.
const closeGrace = time.Second

// teller tells one endpoint about one source.
type teller struct {
	to       Endpoint
	source   Source
	record   record
	client   *http.Client
	clock    clock.WithTicker
	log      *slog.Logger
	maxPause time.Duration
	wake     chan struct{}
}

func newTeller(opts Options, to Endpoint, s Source, r record) *teller {
	t := &teller{
		to: to, source: s, record: r, client: opts.Client, clock: opts.Clock, maxPause: opts.RetryInterval,
		log:  opts.Logger.With("source", r.Source, "endpoint", r.Endpoint),
		wake: make(chan struct{}, 1),
	}
	t.changed() // what changed while nobody was telling
	return t
}

// changed wakes the teller. A wake that is already pending covers this one too, because the state is read after it.
func (t *teller) changed() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// run tells differences as they come until ctx ends. After a failure it tries again, at the latest when the pause is over
// or when something changes.
func (t *teller) run(ctx context.Context) {
	var pause time.Duration
	var retry <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		case <-retry:
		}
		err := t.tellAll(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			if pause > 0 {
				t.log.Info("the webhook receiver is back")
			}
			pause, retry = 0, nil
		default:
			if pause == 0 { // once per outage, not once per try
				t.log.Warn("a webhook waits for its receiver; it is tried until it answers", "error", err)
			}
			pause = min(max(2*pause, firstRetry), t.maxPause)
			retry = t.clock.After(pause)
		}
	}
}

// tellAll tells every difference between what was told and what is there. An error means that some is left.
func (t *teller) tellAll(ctx context.Context) error {
	state, err := t.source.State(ctx)
	if err != nil {
		return err
	}
	for _, key := range differences(t.record.Told, state) {
		if err := t.tell(ctx, key, state[key]); err != nil {
			return err
		}
	}
	return nil
}

// differences lists the keys whose values differ, sorted.
func differences(told, state map[string]string) []string {
	keys := map[string]bool{}
	for k, v := range state {
		if told[k] != v {
			keys[k] = true
		}
	}
	for k := range told {
		if _, there := state[k]; !there {
			keys[k] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// tell delivers one change and records it.
func (t *teller) tell(ctx context.Context, key, now string) error {
	change := Change{Key: key, Before: t.record.Told[key], After: now, Told: t.record.Told}
	d, err := t.source.Delivery(ctx, t.to, change)
	if err != nil {
		return err
	}
	if d != nil {
		err := t.post(ctx, d)
		var refused refusedError
		if errors.As(err, &refused) {
			// The same again would be refused again, and hold up all that follows.
			t.log.Warn("the webhook receiver refuses a delivery; it is skipped", "key", key, "error", err)
		} else if err != nil {
			return err
		}
	}
	if now == "" {
		delete(t.record.Told, key)
	} else {
		t.record.Told[key] = now
	}
	// A crash before this save tells the change twice; receivers compare with what they know, as for any webhook.
	return t.record.save()
}

// post makes the call. When ctx ends, a call on its way still has a moment to succeed: a receiver that was told without it
// being recorded would be told again.
func (t *teller) post(ctx context.Context, d *Delivery) error {
	ended := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ended, func() { time.AfterFunc(closeGrace, cancel) })()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.to.URL, bytes.NewReader(d.Body))
	if err != nil {
		return fmt.Errorf("delivering to %s: %w", t.to, withoutURL(err))
	}
	req.Header = d.Header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("User-Agent", "fairlead")
	resp, err := t.client.Do(req)
	if err != nil {
		return fmt.Errorf("delivering to %s: %w", t.to, withoutURL(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return nil
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return refusedError{resp.Status}
	}
	return fmt.Errorf("delivering to %s: the receiver answered %s", t.to, resp.Status)
}

// withoutURL removes the URL, which may carry a token, from an error of net/http.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
