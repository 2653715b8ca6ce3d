package cluster

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"fairlead.dev/fairlead/internal/settings"
)

// Cluster is the connection to one cluster. It is safe for concurrent use; get it from Registry.Get.
type Cluster struct {
	settings settings.Cluster
	config   *rest.Config
	options  Options
	objects  Objects
	publish  func(Change)
	ctx      context.Context
	close    context.CancelFunc

	http      *http.Client
	dynamic   dynamic.Interface
	metadata  metadata.Interface
	discovery discovery.DiscoveryInterfaceWithContext
	kinds     kinds
	store     *store

	mu sync.Mutex
	// first is closed after the first attempt to connect, connected when one has succeeded.
	first, connected chan struct{}
	outage           *unreachable
	// failing is since when watches have been failing; zero if they aren't.
	failing time.Time
	watches map[watchKey]*watched
	needs   needs
	// turned is when the connection came or went.
	turned time.Time
	// accounts are the clients of those that requests are made as (As).
	accounts map[string]dynamic.Interface
}

func newCluster(s settings.Cluster, config *rest.Config, options Options, publish func(Change)) *Cluster {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Cluster{
		settings: s, config: config, options: options, publish: publish, ctx: ctx, close: cancel,
		first: make(chan struct{}), connected: make(chan struct{}), watches: map[watchKey]*watched{},
		needs: newNeeds(), turned: time.Now(),
	}
	c.objects = options.objects()
	c.store = newStore(maker{tracking: c.objects.Tracking, health: c.objects.Health, labels: c.objects.Labels}, func(t telling) {
		publish(Change{Server: s.Server, Instance: t.instance, Child: t.child, Orphan: t.orphan})
	})
	c.store.quiet = options.Quiet
	go c.connect()
	go c.sweep()
	return c
}

// Server is the cluster's URL, which identifies it.
func (c *Cluster) Server() string { return c.settings.Server }

// Name is what people call the cluster.
func (c *Cluster) Name() string { return c.settings.Name }

// connect tries until the cluster answers once. What happens afterwards, the watches see.
func (c *Cluster) connect() {
	for wait := c.options.RetryMin; ; wait = min(2*wait, c.options.RetryMax) {
		err := c.dial()
		if c.ctx.Err() != nil {
			return
		}
		c.mu.Lock()
		if err == nil {
			c.outage, c.turned = nil, time.Now()
			close(c.connected)
			go c.discover()
		} else if c.outage == nil {
			c.outage = &unreachable{cluster: c.settings.Name, since: time.Now(), cause: err}
			c.options.logger().Warn("cluster can't be reached", "cluster", c.settings.Name, "error", err)
		} else {
			c.outage = &unreachable{cluster: c.settings.Name, since: c.outage.since, cause: err}
		}
		isFirst := !isClosed(c.first)
		if isFirst {
			close(c.first)
		}
		c.mu.Unlock()
		if err == nil || isFirst {
			c.publish(Change{Server: c.settings.Server})
		}
		if err == nil || !pause(c.ctx, wait) {
			return
		}
	}
}

func (c *Cluster) dial() error {
	if c.http == nil {
		client, err := rest.HTTPClientFor(c.config)
		if err != nil {
			return err
		}
		c.http = client
		if c.dynamic, err = dynamic.NewForConfigAndClient(c.config, client); err != nil {
			return err
		}
		d, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, client)
		if err != nil {
			return err
		}
		c.discovery = d
		if c.metadata, err = metadata.NewForConfigAndClient(metadata.ConfigFor(c.config), client); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.options.RequestTimeout)
	defer cancel()
	return c.kinds.refresh(ctx, c.discovery)
}

// ready waits a little for the first contact, and tells of an outage.
func (c *Cluster) ready(ctx context.Context) error {
	if !isClosed(c.first) {
		timer := time.NewTimer(c.options.Patience)
		defer timer.Stop()
		select {
		case <-c.first:
		case <-timer.C:
			return fmt.Errorf("connecting to cluster %q: %w", c.settings.Name, ErrNotReady)
		case <-c.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.outage != nil {
		return c.outage
	}
	return nil
}

// request bounds a request in time, by the caller's context and by the life of the connection.
func (c *Cluster) request(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, c.options.RequestTimeout)
	stop := context.AfterFunc(c.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// watchesFail notes that a watch failed; once that lasts longer than Grace, the cluster counts as unreachable.
func (c *Cluster) watchesFail(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.failing.IsZero() {
		c.failing = now
		time.AfterFunc(c.options.Grace, func() { c.declareOutage(now, cause) })
	}
	if c.outage != nil {
		c.outage = &unreachable{cluster: c.settings.Name, since: c.outage.since, cause: cause}
	}
}

// declareOutage says that the cluster can't be reached, unless watches have worked since they began to fail; a zero time
// says so in any case.
func (c *Cluster) declareOutage(since time.Time, cause error) {
	c.mu.Lock()
	declare := (since.IsZero() || c.failing.Equal(since)) && c.outage == nil && c.ctx.Err() == nil
	if declare {
		if since.IsZero() {
			since = time.Now()
		}
		c.turned = since
		c.outage = &unreachable{cluster: c.settings.Name, since: since, cause: cause}
		c.options.logger().Warn("cluster can't be reached", "cluster", c.settings.Name, "error", cause)
	}
	c.mu.Unlock()
	if declare {
		c.publish(Change{Server: c.settings.Server})
	}
}

// watchesWork notes that a watch got through.
func (c *Cluster) watchesWork() {
	c.mu.Lock()
	recovered := c.outage != nil
	c.failing, c.outage = time.Time{}, nil
	if recovered {
		c.turned = time.Now()
	}
	c.mu.Unlock()
	if recovered {
		c.options.logger().Info("cluster is reached again", "cluster", c.settings.Name)
		c.publish(Change{Server: c.settings.Server})
	}
}

func isClosed(ch chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
