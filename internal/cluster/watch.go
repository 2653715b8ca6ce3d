package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// watchKey is a kind, and the namespace where the connection is limited to some.
type watchKey struct {
	kind      schema.GroupKind
	namespace string
}

// watched is one watch and what became of it.
type watched struct {
	gvk      schema.GroupVersionKind
	resource schema.GroupVersionResource
	// whole says that objects are watched whole; else it is their metadata.
	whole bool
	stop  context.CancelFunc
	// synced is closed when everything was listed once.
	synced chan struct{}

	// The rest is guarded by Cluster.mu.

	// err is why the API server refuses it; nil if it doesn't.
	err error
	// forbidden says that the account may not watch the kind, and the settings say to go on without it.
	forbidden bool
	// at is the version of the newest list, syncedAt its time.
	at       string
	syncedAt time.Time
	reading  reading
}

// Watch makes sure that the objects of these kinds are watched for an application, and waits a little until all are known.
// From now on the application needs these kinds and no others. A kind that the cluster doesn't serve, or that settings or
// permissions leave out, is no error: there are no objects of it. ErrNotReady means that listing goes on; a Change of the
// whole cluster follows. A kind that can't be read, or no longer, for longer than Options.Grace is an error that says so.
func (c *Cluster) Watch(ctx context.Context, instance string, gvks ...schema.GroupVersionKind) error {
	c.need(instance, gvks)
	return c.watch(ctx, true, gvks)
}

func (c *Cluster) watch(ctx context.Context, whole bool, gvks []schema.GroupVersionKind) error {
	var pending []*watched
	for _, gvk := range gvks {
		started, err := c.startWatches(ctx, gvk, whole)
		if err != nil {
			return err
		}
		pending = append(pending, started...)
	}
	var timeout <-chan time.Time
	for _, w := range pending {
		if isClosed(w.synced) || c.refused(w) {
			continue
		}
		if timeout == nil {
			timer := time.NewTimer(c.options.Patience)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-w.synced:
		case <-timeout:
			return c.notSynced(w)
		case <-c.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range pending {
		if w.err != nil {
			return fmt.Errorf("watching %s in cluster %q: %w", w.resource.Resource, c.settings.Name, w.err)
		}
	}
	if c.outage != nil {
		return c.outage
	}
	for _, w := range pending {
		if late := c.late(w); late != nil {
			return late
		}
	}
	return nil
}

// refused tells of a watch that needn't be waited for.
func (c *Cluster) refused(w *watched) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return w.err != nil || c.late(w) != nil
}

func (c *Cluster) notSynced(w *watched) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case w.forbidden:
		return nil
	case w.err != nil:
		return fmt.Errorf("listing %s in cluster %q: %w", w.resource.Resource, c.settings.Name, w.err)
	case c.outage != nil:
		return c.outage
	}
	if late := c.late(w); late != nil {
		return late
	}
	return fmt.Errorf("listing %s in cluster %q: %w", w.resource.Resource, c.settings.Name, ErrNotReady)
}

// startWatches starts what isn't running yet for a kind, and returns its watches. A watch of metadata makes room for one
// of whole objects; what it has found stays until the new one is through.
func (c *Cluster) startWatches(ctx context.Context, gvk schema.GroupVersionKind, whole bool) ([]*watched, error) {
	if c.Excluded(gvk.GroupKind()) {
		return nil, nil
	}
	if found := c.running(gvk.GroupKind(), whole); found != nil {
		return found, nil
	}
	kind, err := c.Kind(ctx, gvk)
	var unknown *UnknownKindError
	if errors.As(err, &unknown) || err == nil && !kind.Watchable {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	namespaces := c.settings.Namespaces
	if !kind.Namespaced && len(namespaces) > 0 && !c.settings.ClusterResources {
		return nil, nil
	}
	if len(namespaces) == 0 || !kind.Namespaced {
		namespaces = []string{metav1.NamespaceAll}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*watched
	for _, namespace := range namespaces {
		key := watchKey{gvk.GroupKind(), namespace}
		w := c.watches[key]
		if w == nil || whole && !w.whole {
			w = c.begin(key, kind.Resource, whole)
		}
		all = append(all, w)
	}
	return all, nil
}

// begin starts a watch in place of the one that there may be. The caller holds mu.
func (c *Cluster) begin(key watchKey, resource schema.GroupVersionResource, whole bool) *watched {
	if old := c.watches[key]; old != nil {
		old.stop()
	}
	ctx, stop := context.WithCancel(c.ctx)
	w := &watched{
		gvk: key.kind.WithVersion(resource.Version), resource: resource, whole: whole, stop: stop, synced: make(chan struct{}),
	}
	c.watches[key] = w
	go c.follow(ctx, key, w)
	return w
}

// running are the watches of a kind; nil unless all of them are there, and whole if asked.
func (c *Cluster) running(kind schema.GroupKind, whole bool) []*watched {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := func(namespace string) *watched {
		if w := c.watches[watchKey{kind, namespace}]; w != nil && (w.whole || !whole) {
			return w
		}
		return nil
	}
	if w := found(metav1.NamespaceAll); w != nil {
		return []*watched{w}
	}
	var all []*watched
	for _, namespace := range c.settings.Namespaces {
		w := found(namespace)
		if w == nil {
			return nil
		}
		all = append(all, w)
	}
	return all
}

// isBlind tells of a kind that nothing is known of because it may not be watched.
func (c *Cluster) isBlind(kind schema.GroupKind) bool {
	c.mu.Lock()
	for _, namespace := range append([]string{metav1.NamespaceAll}, c.settings.Namespaces...) {
		if w := c.watches[watchKey{kind, namespace}]; w != nil && w.forbidden {
			c.mu.Unlock()
			return true
		}
	}
	c.mu.Unlock()
	if len(c.settings.Namespaces) == 0 || c.settings.ClusterResources {
		return false
	}
	served, ok := c.kinds.find(kind.WithVersion(""))
	return ok && !served.Namespaced
}

// follow keeps one watch going until it is stopped or the kind is gone.
func (c *Cluster) follow(ctx context.Context, key watchKey, w *watched) {
	reflector := c.reflector(key, w)
	for delay := c.options.RetryMin; ; {
		began := time.Now()
		err := reflector.ListAndWatchWithContext(ctx)
		if ctx.Err() != nil {
			return
		}
		if gone(err) {
			c.forget(key, w)
			return
		}
		switch {
		case refusal(err) != nil:
			delay = max(delay, c.options.RefusedRetry) // it rarely mends by itself
		case err == nil || time.Since(began) > c.options.RetryMax:
			delay = c.options.RetryMin
		}
		if err != nil && !pause(ctx, delay) {
			return
		}
		delay = min(2*delay, max(c.options.RetryMax, delay))
	}
}

// gone tells that the cluster no longer serves a kind.
func gone(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) }

// refusal is the API server's no to an account; nil if it is something else.
func refusal(err error) error {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return err
	}
	return nil
}

// forget drops a kind that is no longer served, with its objects.
func (c *Cluster) forget(key watchKey, w *watched) {
	c.mu.Lock()
	current := c.watches[key] == w
	if current {
		delete(c.watches, key)
	}
	c.mu.Unlock()
	if !current {
		return
	}
	c.kinds.invalidate()
	c.store.drop(key)
	c.publish(Change{Server: c.settings.Server})
}

// listed notes that a watch has everything, and whether time went back since its last list.
func (c *Cluster) listed(w *watched, at string) (wentBack bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wentBack = w.at != "" && older(at, w.at)
	w.at, w.syncedAt = at, time.Now()
	return wentBack
}

func (c *Cluster) synced(w *watched) {
	c.mu.Lock()
	first := !isClosed(w.synced)
	if first {
		close(w.synced)
	}
	c.mu.Unlock()
	if first {
		c.publish(Change{Server: c.settings.Server})
	}
}

// note tells outages of the cluster from refusals of one kind: an API server that says no is there. One that no longer
// knows the account is as good as gone.
func (c *Cluster) note(ctx context.Context, w *watched, err error) {
	var status apierrors.APIStatus
	refused := refuses(err)
	skip := apierrors.IsForbidden(err) && c.mayGoWithout(ctx, w)
	c.mu.Lock()
	before := w.err
	if refused && !gone(err) && !skip {
		w.err = err
	} else if err == nil || skip {
		w.err = nil
	}
	w.forbidden = skip || w.forbidden && err != nil
	turned := (before == nil) != (w.err == nil)
	c.mu.Unlock()
	switch {
	case err == nil || refused:
		c.watchesWork()
	case errors.Is(err, context.Canceled) || c.ctx.Err() != nil:
	case apierrors.IsUnauthorized(err):
		c.declareOutage(time.Time{}, err)
	case !errors.As(err, &status):
		c.watchesFail(err)
	}
	if skip {
		c.synced(w)
	}
	if turned {
		c.publish(Change{Server: c.settings.Server})
	}
}
