package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"fairlead.dev/fairlead/internal/settings"
)

// Cluster is the connection to one cluster. It is safe for concurrent use; get it from Registry.Get.
type Cluster struct {
	settings settings.Cluster
	config   *rest.Config
	options  Options
	publish  func(Change)
	ctx      context.Context
	close    context.CancelFunc

	http      *http.Client
	dynamic   dynamic.Interface
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
}

func newCluster(s settings.Cluster, config *rest.Config, options Options, publish func(Change)) *Cluster {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Cluster{
		settings: s, config: config, options: options, publish: publish, ctx: ctx, close: cancel,
		first: make(chan struct{}), connected: make(chan struct{}), watches: map[watchKey]*watched{},
	}
	c.store = newStore(options.Tracking, func(instance string, child bool) {
		publish(Change{Server: s.Server, Instance: instance, Child: child})
	})
	go c.connect()
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
			c.outage = nil
			close(c.connected)
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
		if err == nil || !c.pause(wait) {
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
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.options.RequestTimeout)
	defer cancel()
	return c.kinds.refresh(ctx, c.discovery)
}

// pause waits a random time around d; false when the connection was closed meanwhile.
func (c *Cluster) pause(d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx.Done():
		return false
	}
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

func (c *Cluster) declareOutage(since time.Time, cause error) {
	c.mu.Lock()
	declare := c.failing.Equal(since) && c.outage == nil && c.ctx.Err() == nil
	if declare {
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
