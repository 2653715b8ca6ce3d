package cluster

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// What only people ask for: hosts, events and logs.

// Host is a node of the cluster on which pods of an application run.
type Host struct {
	Name   string
	System corev1.NodeSystemInfo
	// Labels are the node's; they are the cache's own, and not to be written to.
	Labels map[string]string
	// Resources are thousandths of CPU, memory and storage.
	Resources []HostResource
}

// HostResource is what pods ask of a node.
type HostResource struct {
	Name                     corev1.ResourceName
	App, Neighbors, Capacity int64
}

// Hosts are the nodes on which the pods of a tree run. Where nodes may not be looked at there are none.
func (c *Cluster) Hosts(ctx context.Context, tree []TreeNode) ([]Host, error) {
	own, names := map[types.UID]bool{}, map[string]bool{}
	for _, n := range tree {
		if n.Node != "" {
			own[n.UID], names[n.Node] = true, true
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	if err := c.watchForPeople(ctx, map[schema.GroupKind]bool{nodes: true, pods: true}); err != nil {
		return nil, err
	}
	return c.store.hosts(own, names), nil
}

func (s *store) hosts(own map[types.UID]bool, names map[string]bool) []Host {
	type request struct{ milliCPU, milliMemory int64 }
	apps, neighbors := map[string]request{}, map[string]request{}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, n := range s.byKind[pods] {
		if n.summary == nil || n.summary.pod == nil || n.summary.pod.done || !names[n.summary.pod.node] {
			continue
		}
		p := n.summary.pod
		sums := neighbors
		if own[n.uid] {
			sums = apps
		}
		sum := sums[p.node]
		sums[p.node] = request{sum.milliCPU + p.milliCPU, sum.milliMemory + p.memBytes*1000}
	}
	var hosts []Host
	for p, n := range s.byKind[nodes] {
		if !names[p.name] || n.summary == nil || n.summary.host == nil {
			continue
		}
		capacity := n.summary.host.capacity
		hosts = append(hosts, Host{Name: p.name, System: n.summary.host.system, Labels: n.summary.host.labels, Resources: []HostResource{
			{corev1.ResourceCPU, apps[p.name].milliCPU, neighbors[p.name].milliCPU, capacity.Cpu().MilliValue()},
			{corev1.ResourceMemory, apps[p.name].milliMemory, neighbors[p.name].milliMemory, capacity.Memory().MilliValue()},
		}})
	}
	slices.SortFunc(hosts, func(a, b Host) int { return cmp.Compare(a.Name, b.Name) })
	return hosts
}

// maxEvents bounds the events of one object.
const maxEvents = 500

// Events are those of one object.
func (c *Cluster) Events(ctx context.Context, namespace, name, uid string) ([]corev1.Event, error) {
	ctx, cancel := c.request(ctx)
	defer cancel()
	selector := fields.Set{"involvedObject.name": name, "involvedObject.uid": uid, "involvedObject.namespace": namespace}
	list, err := c.dynamic.Resource(corev1.SchemeGroupVersion.WithResource("events")).Namespace(namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.SelectorFromSet(selector).String(), Limit: maxEvents,
	})
	if err != nil {
		return nil, fmt.Errorf("listing the events of %s in cluster %q: %w", name, c.settings.Name, err)
	}
	events := make([]corev1.Event, len(list.Items))
	for i := range list.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &events[i]); err != nil {
			return nil, fmt.Errorf("reading an event of %s: %w", name, err)
		}
	}
	return events, nil
}

// LogOptions select lines of a log.
type LogOptions struct {
	Container        string
	Follow, Previous bool
	// Tail and SinceSeconds are none when 0, Since when it is zero.
	Tail, SinceSeconds int64
	Since              time.Time
}

// Log is the log of a pod's container, each line with the kubelet's timestamp in front. The caller closes it; it also ends
// with ctx.
func (c *Cluster) Log(ctx context.Context, namespace, pod string, o LogOptions) (io.ReadCloser, error) {
	config := rest.CopyConfig(c.config)
	config.GroupVersion, config.APIPath = &corev1.SchemeGroupVersion, "/api"
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	client, err := rest.RESTClientForConfigAndClient(config, c.http)
	if err != nil {
		return nil, err
	}
	request := client.Get().Namespace(namespace).Resource("pods").Name(pod).SubResource("log").Param("timestamps", "true")
	if o.Container != "" {
		request.Param("container", o.Container)
	}
	if o.Follow {
		request.Param("follow", "true")
	}
	if o.Previous {
		request.Param("previous", "true")
	}
	if o.Tail > 0 {
		request.Param("tailLines", strconv.FormatInt(o.Tail, 10))
	}
	if o.SinceSeconds > 0 {
		request.Param("sinceSeconds", strconv.FormatInt(o.SinceSeconds, 10))
	}
	if !o.Since.IsZero() {
		request.Param("sinceTime", o.Since.UTC().Format(time.RFC3339))
	}
	return request.Stream(ctx)
}
