package cluster

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// definitionKinds are what defines kinds.
var definitionKinds = []schema.GroupVersionResource{
	{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
	{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"},
}

// settle is how long the API server gets to serve what a definition says, and further changes are waited for.
const settle = 300 * time.Millisecond

// discover keeps the list of kinds up to date: at each change of a definition, and now and then where definitions may not
// be watched.
func (c *Cluster) discover() {
	changed := make(chan string, 64)
	for _, resource := range definitionKinds {
		go c.followDefinitions(resource, changed)
	}
	for {
		names := map[string]bool{}
		timer := time.NewTimer(c.options.Rediscover)
		select {
		case name := <-changed:
			names[name] = true
			c.collect(changed, names)
		case <-timer.C:
		case <-c.ctx.Done():
		}
		timer.Stop()
		if c.ctx.Err() != nil {
			return
		}
		c.rediscover(names)
	}
}

// collect waits until definitions have settled.
func (c *Cluster) collect(changed chan string, names map[string]bool) {
	timer := time.NewTimer(settle)
	defer timer.Stop()
	for {
		select {
		case name := <-changed:
			names[name] = true
		case <-timer.C:
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// rediscover asks for the kinds, restarts the watches of versions that are no longer served, and tells what changed.
// Names are those of definitions (plural.group) whose kinds count as changed although they are still served.
func (c *Cluster) rediscover(names map[string]bool) {
	ctx, cancel := c.request(c.ctx)
	defer cancel()
	before := c.kinds.all()
	if err := c.kinds.refresh(ctx, c.discovery); err != nil {
		c.options.logger().Warn("cluster doesn't tell its kinds", "cluster", c.settings.Name, "error", err)
		return
	}
	after := c.kinds.all()
	changed := map[schema.GroupKind]bool{}
	for _, kinds := range []map[schema.GroupKind]map[string]Kind{before, after} {
		for kind, versions := range kinds {
			if !maps.Equal(before[kind], after[kind]) {
				changed[kind] = true
			}
			for _, served := range versions {
				if names[served.Resource.GroupResource().String()] {
					changed[kind] = true
				}
			}
		}
	}
	for kind := range changed {
		c.restart(kind)
		c.publish(Change{Server: c.settings.Server, Kind: kind})
	}
}

// restart begins the watches of a kind anew whose version is no longer served. Its objects stay known meanwhile. A kind
// that is gone is found out by its watch.
func (c *Cluster) restart(kind schema.GroupKind) {
	preferred, ok := c.kinds.find(kind.WithVersion(""))
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, w := range c.watches {
		if key.kind != kind {
			continue
		}
		if served, ok := c.kinds.find(w.gvk); !ok || served.Resource != w.resource {
			c.begin(key, preferred.Resource, w.whole)
		}
	}
}

// followDefinitions sends the names of definitions that appear, change or go.
func (c *Cluster) followDefinitions(resource schema.GroupVersionResource, changed chan<- string) {
	client := c.metadata.Resource(resource)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return client.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return client.Watch(ctx, options)
		},
	}
	reflector := cache.NewReflectorWithOptions(lw, &metav1.PartialObjectMetadata{}, &definitions{changed: changed, done: c.ctx.Done()},
		cache.ReflectorOptions{Name: "cluster", TypeDescription: resource.Resource, Backoff: &wait.Backoff{
			Duration: c.options.RetryMin, Cap: c.options.RetryMax, Factor: 2, Jitter: 1, Steps: 10,
		}})
	for {
		err := reflector.ListAndWatchWithContext(c.ctx)
		delay := c.options.RetryMax
		if apierrors.IsForbidden(err) || gone(err) {
			delay = c.options.RefusedRetry
		}
		if err != nil && !pause(c.ctx, delay) || c.ctx.Err() != nil {
			return
		}
	}
}

// definitions is what a reflector of definitions writes to: it tells what is new.
type definitions struct {
	changed chan<- string
	done    <-chan struct{}
	// known are the generations by name; nil before the first list. Only the reflector's goroutine uses it.
	known map[string]int64
}

var _ cache.ReflectorStore = (*definitions)(nil)

func (d *definitions) tell(name string) {
	select {
	case d.changed <- name:
	case <-d.done:
	}
}

// Add takes a definition that appeared.
func (d *definitions) Add(obj any) error { return d.Update(obj) }

// Update takes one that changed. Its status counts too: a definition is served once it is established.
func (d *definitions) Update(obj any) error {
	o, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	d.known[o.GetName()] = o.GetGeneration()
	d.tell(o.GetName())
	return nil
}

// Delete takes one that is gone.
func (d *definitions) Delete(obj any) error {
	o, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	delete(d.known, o.GetName())
	d.tell(o.GetName())
	return nil
}

// Replace takes them all; the first time, nothing is new.
func (d *definitions) Replace(list []any, _ string) error {
	known := make(map[string]int64, len(list))
	for _, obj := range list {
		o, err := meta.Accessor(obj)
		if err != nil {
			return err
		}
		known[o.GetName()] = o.GetGeneration()
	}
	before := d.known
	d.known = known
	if before == nil {
		return nil
	}
	for name, generation := range known {
		if old, ok := before[name]; !ok || old != generation {
			d.tell(name)
		}
	}
	for name := range before {
		if _, ok := known[name]; !ok {
			d.tell(name)
		}
	}
	return nil
}

// Resync is of no use here.
func (d *definitions) Resync() error { return nil }

// Excluded tells that the settings leave a kind out.
func (c *Cluster) Excluded(kind schema.GroupKind) bool {
	return c.options.Excluded != nil && c.options.Excluded(c.settings.Server, kind)
}

// Manages tells what can't be managed because the cluster is limited to namespaces; nil if it can. The words are Argo CD's.
func (c *Cluster) Manages(kind, namespace, name string) error {
	switch {
	case len(c.settings.Namespaces) == 0:
		return nil
	case namespace == "" && !c.settings.ClusterResources:
		return notManaged("cluster level " + kind + ` "` + name + `" can not be managed when in namespaced mode`)
	case namespace != "" && !slices.Contains(c.settings.Namespaces, namespace):
		return notManaged(`namespace "` + namespace + `" for ` + kind + ` "` + name + `" is not managed`)
	}
	return nil
}

type notManaged string

// Error begins with a capital, as upstream's does.
func (e notManaged) Error() string { return strings.ToUpper(string(e[:1])) + string(e[1:]) }
