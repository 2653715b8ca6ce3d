package cluster

import (
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// reading is how the reading of a kind goes. Cluster.mu guards it.
type reading struct {
	// begun is when the list that goes on now began, failing since when none came through, and no watch either; zero if
	// it is otherwise. cause is why the last attempt failed.
	begun, failing time.Time
	cause          error
}

var (
	errBrokenOff = errors.New("the list breaks off before its end")
	errSlow      = errors.New("the list doesn't come to its end")
)

// unread is a kind of which nothing is known, or nothing new.
type unread struct {
	kind, cluster string
	since         time.Time
	cause         error
}

func (e *unread) Error() string {
	return fmt.Sprintf("reading %s in cluster %q, since %s: %v: check its API server, and proxies on the way to it; nothing is compared or pruned until all of them are read",
		e.kind, e.cluster, e.since.UTC().Format(time.RFC3339), e.cause)
}

func (e *unread) Unwrap() error { return e.cause }

// late is why a kind counts as unread: it failed for longer than Grace, or takes too long. Nil while it is only just being
// read, and where the API server refuses it, which is told otherwise. The caller holds mu.
func (c *Cluster) late(w *watched) error {
	since, cause := w.reading.failing, w.reading.cause
	switch now := time.Now(); {
	case w.err != nil || w.forbidden:
		return nil
	case !since.IsZero() && now.Sub(since) >= c.options.Grace:
	case !w.reading.begun.IsZero() && now.Sub(w.reading.begun) >= c.tooLong():
		since, cause = w.reading.begun, errSlow
	default:
		return nil
	}
	return &unread{kind: w.resource.GroupResource().String(), cluster: c.settings.Name, since: since, cause: cause}
}

func (c *Cluster) tooLong() time.Duration { return 2 * c.options.RequestTimeout }

// reads notes that a list begins. One that began before, and wasn't told to be through, has broken off.
func (c *Cluster) reads(w *watched, options metav1.ListOptions) {
	if options.Continue != "" {
		return // the next page of the same list
	}
	c.mu.Lock()
	again := !w.reading.begun.IsZero()
	w.reading.begun = time.Now()
	c.mu.Unlock()
	if again {
		c.fails(w, errBrokenOff)
	}
	c.lookAfter(c.tooLong(), w)
}

// fails notes that a list or a watch didn't come about.
func (c *Cluster) fails(w *watched, err error) {
	if refuses(err) {
		return
	}
	c.mu.Lock()
	first := w.reading.failing.IsZero()
	if first {
		w.reading.failing = time.Now()
	}
	w.reading.cause = err
	c.mu.Unlock()
	if first {
		c.lookAfter(c.options.Grace, w)
	}
}

// through notes that everything is known, and followed.
func (c *Cluster) through(w *watched) {
	c.mu.Lock()
	late := c.late(w) != nil
	w.reading = reading{}
	c.mu.Unlock()
	if late {
		c.publish(Change{Server: c.settings.Server})
	}
}

// lookAfter has applications look at the cluster if the kind then counts as unread.
func (c *Cluster) lookAfter(d time.Duration, w *watched) {
	time.AfterFunc(d, func() {
		c.mu.Lock()
		late := c.ctx.Err() == nil && c.late(w) != nil
		c.mu.Unlock()
		if late {
			c.publish(Change{Server: c.settings.Server})
		}
	})
}

// refuses tells an API server's no, which is there to stay, from trouble on the way or for the moment.
func refuses(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && !apierrors.IsServiceUnavailable(err) && !apierrors.IsTimeout(err) &&
		!apierrors.IsTooManyRequests(err) && !apierrors.IsServerTimeout(err) && !apierrors.IsResourceExpired(err) &&
		!apierrors.IsGone(err) && !apierrors.IsUnauthorized(err)
}
