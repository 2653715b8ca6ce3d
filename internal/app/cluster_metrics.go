package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/cluster"
)

// clusterMetrics shows the clusters when it is asked, under upstream's names.
type clusterMetrics struct{ clusters *cluster.Registry }

var (
	clusterInfoDesc       = prometheus.NewDesc("argocd_cluster_info", "Information about a cluster; the value is 1.", []string{"server", "k8s_version", "name"}, nil)
	clusterObjectsDesc    = prometheus.NewDesc("argocd_cluster_api_resource_objects", "Objects in the cache of a cluster.", []string{"server"}, nil)
	clusterKindsDesc      = prometheus.NewDesc("argocd_cluster_api_resources", "Kinds that are watched in a cluster.", []string{"server"}, nil)
	clusterAgeDesc        = prometheus.NewDesc("argocd_cluster_cache_age_seconds", "Seconds since a kind of the cluster was last listed.", []string{"server"}, nil)
	clusterConnectionDesc = prometheus.NewDesc("argocd_cluster_connection_status", "1 while a cluster answers, else 0.", []string{"server", "k8s_version"}, nil)
	clusterEventsDesc     = prometheus.NewDesc("argocd_cluster_events_total", "Changes that watches told of, by kind.", []string{"server", "group", "kind"}, nil)
	clusterKindDesc       = prometheus.NewDesc("fairlead_cluster_cached_objects", "Objects in the cache of a cluster, by kind.", []string{"server", "group", "kind"}, nil)
)

// Describe implements prometheus.Collector.
func (c clusterMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		clusterInfoDesc, clusterObjectsDesc, clusterKindsDesc, clusterAgeDesc, clusterConnectionDesc, clusterEventsDesc, clusterKindDesc,
	} {
		descriptions <- d
	}
}

// Collect implements prometheus.Collector.
func (c clusterMetrics) Collect(metrics chan<- prometheus.Metric) {
	seen := map[string]bool{} // several Secrets may have one address by mistake
	for _, each := range c.clusters.Known() {
		server := each.Server()
		if seen[server] {
			continue
		}
		seen[server] = true
		info := each.Info()
		gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
			metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{server}, labels...)...)
		}
		connected := 0.
		if info.Connected {
			connected = 1
		}
		gauge(clusterInfoDesc, 1, info.Version, each.Name())
		gauge(clusterConnectionDesc, connected, info.Version)
		gauge(clusterObjectsDesc, float64(info.Objects))
		gauge(clusterKindsDesc, float64(info.Watches))
		if !info.Synced.IsZero() {
			gauge(clusterAgeDesc, time.Since(info.Synced).Seconds())
		}
		for kind, count := range each.Kinds() {
			gauge(clusterKindDesc, float64(count), kind.Group, kind.Kind)
		}
		each.EachEventCount(func(kind schema.GroupKind, count int64) {
			metrics <- prometheus.MustNewConstMetric(clusterEventsDesc, prometheus.CounterValue, float64(count), server, kind.Group, kind.Kind)
		})
	}
}
