package cluster

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// reflector lists and watches one kind into the store. It streams the list where the API server can, pages it elsewhere,
// takes bookmarks, and lists anew when its version has expired; a list that breaks off counts for nothing.
func (c *Cluster) reflector(key watchKey, w *watched) *cache.Reflector {
	var exemplar runtime.Object = &metav1.PartialObjectMetadata{}
	lw := c.metadataOf(key.namespace, w)
	if w.whole {
		exemplar, lw = &unstructured.Unstructured{}, c.objectsOf(key.namespace, w)
	}
	return cache.NewReflectorWithOptions(c.noting(lw, w), exemplar, &sink{cluster: c, key: key, watched: w}, cache.ReflectorOptions{
		Name:            "cluster",
		TypeDescription: key.kind.String(),
		Backoff: &wait.Backoff{
			Duration: c.options.RetryMin, Cap: c.options.RetryMax, Factor: 2, Jitter: 1, Steps: 10,
		},
	})
}

func (c *Cluster) objectsOf(namespace string, w *watched) *cache.ListWatch {
	resource := c.dynamic.Resource(w.resource).Namespace(namespace)
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return resource.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return resource.Watch(ctx, options)
		},
	}
}

func (c *Cluster) metadataOf(namespace string, w *watched) *cache.ListWatch {
	resource := c.metadata.Resource(w.resource).Namespace(namespace)
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return resource.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return resource.Watch(ctx, options)
		},
	}
}

// noting selects what is watched, bounds lists in time, and notes how it goes.
func (c *Cluster) noting(lw *cache.ListWatch, w *watched) *cache.ListWatch {
	selector := ""
	if c.objects.Selector != nil {
		selector = c.objects.Selector(w.gvk.GroupKind(), c.settings.Server)
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = selector
			ctx, cancel := context.WithTimeout(ctx, c.tooLong())
			defer cancel()
			c.reads(w, options)
			list, err := lw.ListWithContextFunc(ctx, options)
			c.note(ctx, w, err)
			if err != nil {
				c.fails(w, err)
			}
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = selector
			lists := options.SendInitialEvents != nil && *options.SendInitialEvents
			if lists {
				c.reads(w, options)
			}
			watcher, err := lw.WatchFuncWithContext(ctx, options)
			c.note(ctx, w, err)
			if err != nil {
				c.fails(w, err)
			} else if !lists {
				c.through(w)
			}
			return watcher, err
		},
	}
}

// sink hands what a reflector sees to the store.
type sink struct {
	cluster *Cluster
	key     watchKey
	watched *watched
}

var _ cache.TransformingStore = (*sink)(nil)

// seen is a node on its way through the reflector, which looks at its namespace and name.
type seen struct {
	metav1.ObjectMeta
	node *node
}

// Transformer makes nodes as soon as objects are decoded, so that a long list never is in memory whole.
func (s *sink) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) {
		n := s.node(obj)
		if n == nil {
			return obj, nil
		}
		return &seen{ObjectMeta: metav1.ObjectMeta{Namespace: n.namespace, Name: n.name}, node: n}, nil
	}
}

func (s *sink) node(obj any) *node {
	switch o := obj.(type) {
	case *seen:
		return o.node
	case *unstructured.Unstructured:
		return s.cluster.store.whole(o)
	case *metav1.PartialObjectMetadata:
		return s.cluster.store.partial(s.watched.gvk, o)
	}
	return nil
}

// Add takes an object that appeared.
func (s *sink) Add(obj any) error { return s.Update(obj) }

// Update takes an object that changed.
func (s *sink) Update(obj any) error {
	if n := s.node(obj); n != nil {
		s.cluster.store.put(n)
	}
	return nil
}

// Delete takes an object that is gone.
func (s *sink) Delete(obj any) error {
	if o, err := meta.Accessor(obj); err == nil {
		s.cluster.store.remove(s.key.kind, o)
	}
	return nil
}

// Replace takes everything there is of the kind.
func (s *sink) Replace(list []any, resourceVersion string) error {
	nodes := make([]*node, 0, len(list))
	for _, obj := range list {
		if n := s.node(obj); n != nil {
			nodes = append(nodes, n)
		}
	}
	wentBack := s.cluster.listed(s.watched, resourceVersion)
	s.cluster.store.replace(s.key, nodes, resourceVersion, wentBack)
	s.cluster.synced(s.watched)
	s.cluster.through(s.watched)
	return nil
}

// Resync is of no use here.
func (s *sink) Resync() error { return nil }
