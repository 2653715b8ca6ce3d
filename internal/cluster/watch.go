package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// watchKey is a kind, and the namespace where the connection is limited to some.
type watchKey struct {
	kind      schema.GroupKind
	namespace string
}

// watched is one watch and what became of it.
type watched struct {
	resource schema.GroupVersionResource
	// synced is closed when everything was listed once.
	synced chan struct{}
	// err is why the API server refuses it; nil if it doesn't. Guarded by Cluster.mu.
	err error
}

// Watch makes sure that the kinds are watched and waits a little until all their objects are known. A kind that the
// cluster doesn't serve is no error: there are no objects of it. ErrNotReady means that listing goes on; a Change of the
// whole cluster follows.
func (c *Cluster) Watch(ctx context.Context, gvks ...schema.GroupVersionKind) error {
	var pending []*watched
	for _, gvk := range gvks {
		started, err := c.startWatches(ctx, gvk)
		if err != nil {
			return err
		}
		pending = append(pending, started...)
	}
	var timeout <-chan time.Time
	for _, w := range pending {
		if isClosed(w.synced) {
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
	return nil
}

func (c *Cluster) notSynced(w *watched) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case w.err != nil:
		return fmt.Errorf("listing %s in cluster %q: %w", w.resource.Resource, c.settings.Name, w.err)
	case c.outage != nil:
		return c.outage
	}
	return fmt.Errorf("listing %s in cluster %q: %w", w.resource.Resource, c.settings.Name, ErrNotReady)
}

// startWatches starts what isn't running yet for a kind, and returns its watches.
func (c *Cluster) startWatches(ctx context.Context, gvk schema.GroupVersionKind) ([]*watched, error) {
	if found := c.running(gvk.GroupKind()); found != nil {
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
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	} else if !kind.Namespaced {
		if !c.settings.ClusterResources {
			return nil, fmt.Errorf("watching %s: cluster %q is limited to namespaces, and the kind is not in one: "+
				"set clusterResources on the cluster, or take the object out", gvk.Kind, c.settings.Name)
		}
		namespaces = []string{metav1.NamespaceAll}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*watched
	for _, namespace := range namespaces {
		key := watchKey{gvk.GroupKind(), namespace}
		w := c.watches[key]
		if w == nil {
			w = &watched{resource: kind.Resource, synced: make(chan struct{})}
			c.watches[key] = w
			go c.follow(key, w)
		}
		all = append(all, w)
	}
	return all, nil
}

func (c *Cluster) running(kind schema.GroupKind) []*watched {
	c.mu.Lock()
	defer c.mu.Unlock()
	namespaces := c.settings.Namespaces
	if w := c.watches[watchKey{kind, metav1.NamespaceAll}]; w != nil {
		return []*watched{w}
	}
	var all []*watched
	for _, namespace := range namespaces {
		if w := c.watches[watchKey{kind, namespace}]; w != nil {
			all = append(all, w)
		}
	}
	if len(all) < len(namespaces) {
		return nil
	}
	return all
}

// follow keeps one watch going until the connection is closed or the kind is gone.
func (c *Cluster) follow(key watchKey, w *watched) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	sink := &sink{store: c.store, key: key, synced: func() { c.synced(w) }}
	reflector := cache.NewReflectorWithOptions(c.listerWatcher(key, w), &unstructured.Unstructured{}, sink, cache.ReflectorOptions{
		Name:            "cluster",
		TypeDescription: key.kind.String(),
		Backoff: &wait.Backoff{
			Duration: c.options.RetryMin, Cap: c.options.RetryMax, Factor: 2, Jitter: 1, Steps: 10,
		},
	})
	for delay := c.options.RetryMin; ; {
		began := time.Now()
		err := reflector.ListAndWatchWithContext(ctx)
		if c.ctx.Err() != nil {
			return
		}
		if gone(err) {
			c.forget(key)
			return
		}
		if err == nil || time.Since(began) > c.options.RetryMax {
			delay = c.options.RetryMin
		}
		if err != nil && !c.pause(delay) {
			return
		}
		delay = min(2*delay, c.options.RetryMax)
	}
}

// gone tells that the cluster no longer serves a kind.
func gone(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) }

// forget drops a kind that is no longer served, with its objects.
func (c *Cluster) forget(key watchKey) {
	c.mu.Lock()
	delete(c.watches, key)
	c.mu.Unlock()
	c.kinds.invalidate()
	c.store.replace(key, nil, "")
	c.publish(Change{Server: c.settings.Server})
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

// listerWatcher lists and watches one kind, and notes how that goes.
func (c *Cluster) listerWatcher(key watchKey, w *watched) *cache.ListWatch {
	resource := c.dynamic.Resource(w.resource).Namespace(key.namespace)
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			ctx, cancel := context.WithTimeout(ctx, 2*c.options.RequestTimeout)
			defer cancel()
			list, err := resource.List(ctx, options)
			c.note(w, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			watcher, err := resource.Watch(ctx, options)
			c.note(w, err)
			return watcher, err
		},
	}
}

// note tells outages of the cluster from refusals of one kind: an API server that says no is there.
func (c *Cluster) note(w *watched, err error) {
	var status apierrors.APIStatus
	refused := errors.As(err, &status) && !apierrors.IsServiceUnavailable(err) && !apierrors.IsTimeout(err) &&
		!apierrors.IsTooManyRequests(err) && !apierrors.IsServerTimeout(err) && !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err)
	c.mu.Lock()
	before := w.err
	if refused && !gone(err) {
		w.err = err
	} else if err == nil {
		w.err = nil
	}
	turned := (before == nil) != (w.err == nil)
	c.mu.Unlock()
	switch {
	case err == nil || refused:
		c.watchesWork()
	case !errors.Is(err, context.Canceled) && c.ctx.Err() == nil && !errors.As(err, &status):
		c.watchesFail(err)
	}
	if turned {
		c.publish(Change{Server: c.settings.Server})
	}
}

// sink hands what a reflector sees to the store.
type sink struct {
	store  *store
	key    watchKey
	synced func()
}

var _ cache.TransformingStore = (*sink)(nil)

// Transformer trims objects as soon as they are decoded, so that a long list never is in memory whole.
func (s *sink) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) {
		if u, ok := obj.(*unstructured.Unstructured); ok {
			s.store.trim(u)
		}
		return obj, nil
	}
}

// Add takes an object that appeared.
func (s *sink) Add(obj any) error { return s.Update(obj) }

// Update takes an object that changed.
func (s *sink) Update(obj any) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		s.store.put(u)
	}
	return nil
}

// Delete takes an object that is gone.
func (s *sink) Delete(obj any) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		s.store.remove(u)
	}
	return nil
}

// Replace takes everything there is of the kind.
func (s *sink) Replace(list []any, resourceVersion string) error {
	objects := make([]*unstructured.Unstructured, 0, len(list))
	for _, obj := range list {
		if u, ok := obj.(*unstructured.Unstructured); ok {
			objects = append(objects, u)
		}
	}
	s.store.replace(s.key, objects, resourceVersion)
	s.synced()
	return nil
}

// Resync is of no use here.
func (s *sink) Resync() error { return nil }
