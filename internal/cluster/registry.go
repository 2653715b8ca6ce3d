package cluster

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/settings"
)

// Change says that something changed in a cluster.
type Change struct {
	// Server is the cluster's URL.
	Server string
	// Instance is the application concerned, as its objects name it; empty means all applications of the cluster.
	Instance string
	// Child is true when the change is in an object that the application doesn't manage but that belongs to one that it
	// does, such as a Pod.
	Child bool
	// Orphan is true besides when an object that no application has came, went or changed hands, in a namespace whose orphans
	// the application monitors.
	Orphan bool
	// Kind is set when the definition of a kind appeared, changed or went: what is known of its manifests holds no longer.
	Kind schema.GroupKind
}

// Registry keeps the connection to each cluster.
type Registry struct {
	options Options

	mu       sync.Mutex
	clusters map[connectionKey]*Cluster
	closed   bool

	listenersMu sync.RWMutex
	listeners   map[int]func(Change)
	nextID      int
}

// connectionKey tells connections apart. The name is part of it: where two Secrets have the same address by mistake, the
// one with the wrong credentials must not take the connection away from the other.
type connectionKey struct{ server, name string }

func keyOfConnection(s settings.Cluster) connectionKey { return connectionKey{s.Server, s.Name} }

// NewRegistry makes a registry without connections.
func NewRegistry(options Options) (*Registry, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	return &Registry{options: options, clusters: map[connectionKey]*Cluster{}, listeners: map[int]func(Change){}}, nil
}

// Subscribe calls back at each change of any cluster, until cancel. The callback must not block.
func (r *Registry) Subscribe(callback func(Change)) (cancel func()) {
	r.listenersMu.Lock()
	defer r.listenersMu.Unlock()
	id := r.nextID
	r.nextID++
	r.listeners[id] = callback
	return func() {
		r.listenersMu.Lock()
		defer r.listenersMu.Unlock()
		delete(r.listeners, id)
	}
}

func (r *Registry) publish(change Change) {
	r.listenersMu.RLock()
	defer r.listenersMu.RUnlock()
	for _, callback := range r.listeners {
		callback(change)
	}
}

// Get returns the connection to a cluster, and makes one if there is none or its settings changed. The error is
// ErrUnreachable if it can't be reached, ErrNotReady if that isn't known yet; both are told at once, and a Change follows
// when it turns.
func (r *Registry) Get(ctx context.Context, s settings.Cluster) (*Cluster, error) {
	c, err := r.connection(s)
	if err != nil {
		return nil, err
	}
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func (r *Registry) connection(s settings.Cluster) (*Cluster, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	key := keyOfConnection(s)
	if c, ok := r.clusters[key]; ok {
		if sameConnection(c.settings, s) && c.objects.same(r.options.objects()) {
			return c, nil
		}
		c.close()
	}
	config, err := s.RESTConfig()
	if err != nil {
		return nil, fmt.Errorf("configuring cluster %q: %w", s.Name, err)
	}
	if r.options.QPS > 0 {
		config.QPS, config.Burst = r.options.QPS, r.options.Burst
	}
	c := newCluster(s, config, r.options, r.publish)
	r.clusters[key] = c
	return c, nil
}

// sameConnection tells whether a change of settings needs no new connection.
func sameConnection(a, b settings.Cluster) bool {
	return a.Name == b.Name && a.HubConfig == b.HubConfig && a.ClusterResources == b.ClusterResources &&
		reflect.DeepEqual(a.Config, b.Config) && reflect.DeepEqual(a.Namespaces, b.Namespaces)
}

// Keep closes the connections to clusters that are no longer configured.
func (r *Registry) Keep(configured []settings.Cluster) {
	wanted := map[connectionKey]bool{}
	for _, s := range configured {
		wanted[keyOfConnection(s)] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, c := range r.clusters {
		if !wanted[key] {
			c.close()
			delete(r.clusters, key)
		}
	}
}

// Release says that an application no longer needs anything of the clusters, but for the one with that URL; empty for all.
func (r *Registry) Release(instance, but string) {
	for _, c := range r.Known() {
		if c.Server() != but {
			c.Release(instance)
		}
	}
}

// Invalidate throws away what is known of a cluster, and connects anew.
func (r *Registry) Invalidate(s settings.Cluster) error {
	r.mu.Lock()
	if c, ok := r.clusters[keyOfConnection(s)]; ok {
		c.close()
		delete(r.clusters, keyOfConnection(s))
	}
	r.mu.Unlock()
	_, err := r.connection(s)
	return err
}

// Known are the clusters to which there is a connection, or was an attempt at one.
func (r *Registry) Known() []*Cluster {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*Cluster
	for _, c := range r.clusters {
		all = append(all, c)
	}
	return all
}

// Close ends all connections.
func (r *Registry) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for server, c := range r.clusters {
		c.close()
		delete(r.clusters, server)
	}
}
