//go:build integration

package application

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/customization"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/testkube"
)

// benchObjects are n objects of an application: Deployments, Services, ServiceAccounts and ConfigMaps of 2 KB.
func benchObjects(b *testing.B, n int) *desired.Manifests {
	b.Helper()
	var text strings.Builder
	for i := range n {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&text, `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%d, labels: {app: web, tier: front}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web-%d}}
  template:
    metadata: {labels: {app: web-%d}}
    spec:
      containers:
      - name: web
        image: registry.example/web:1
        args: [--listen=:8080, --log=json]
        env: [{name: A, value: a}, {name: B, value: b}, {name: C, value: c}, {name: D, value: d}]
        ports: [{name: http, containerPort: 8080, protocol: TCP}, {name: metrics, containerPort: 9090, protocol: TCP}]
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
        readinessProbe: {httpGet: {path: /healthz, port: http}}
`, i, i, i)
		case 1:
			fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Service\nmetadata: {name: web-%d}\nspec: {selector: {app: web-%d}, ports: [{port: 80, protocol: TCP, targetPort: http, name: http}]}\n", i, i)
		case 2:
			fmt.Fprintf(&text, "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web-%d, annotations: {role: web}}\n", i)
		default:
			fmt.Fprintf(&text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-%d}\ndata: {key: %q, other: a}\n", i, strings.Repeat("x", 2048))
		}
	}
	objects, err := object.Parse([]byte(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	return &desired.Manifests{Objects: objects, Revisions: []string{""}}
}

// benchCompare is one application and what compares it, against a real cluster's cache.
type benchCompare struct {
	*Reconciler
	visit     *visit
	manifests *desired.Manifests
	// changed has something when the cluster told of a change.
	changed chan struct{}
}

func newBenchCompare(b *testing.B, n int) *benchCompare {
	b.Helper()
	namespace := testkube.Namespace(b)
	registry, err := cluster.NewRegistry(cluster.Default())
	if err != nil {
		b.Fatal(err)
	}
	s := &session{verdicts: map[object.Key]verdict{}}
	c := &benchCompare{
		Reconciler: &Reconciler{clock: clock.RealClock{}, options: Default()}, manifests: benchObjects(b, n), changed: make(chan struct{}, 1),
		visit: &visit{
			app:     &v1alpha1.Application{Spec: v1alpha1.ApplicationSpec{Destination: v1alpha1.ApplicationDestination{Namespace: namespace}}},
			session: s, instance: "bench", options: Default(), custom: customization.Default(),
			project: &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{
				SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}},
			}},
		},
	}
	cancel := registry.Subscribe(func(cluster.Change) {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	})
	b.Cleanup(func() {
		cancel()
		registry.Close()
	})
	c.patiently(b, func() error {
		connection, err := Registry{registry}.Get(b.Context(), settings.Cluster{Server: settings.InClusterServer, Name: "in-cluster", HubConfig: testkube.Config(b)})
		c.visit.cluster = recording{Cluster: connection, session: s}
		return err
	})
	for _, o := range c.compareAll(b).objects {
		if _, err := c.visit.cluster.Apply(b.Context(), o.target, cluster.ApplyOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// patiently tries until the cluster knows what it needs to.
func (c *benchCompare) patiently(b *testing.B, try func() error) {
	b.Helper()
	for err := try(); err != nil; err = try() {
		if !errors.Is(err, cluster.ErrNotReady) {
			b.Fatal(err)
		}
		<-c.changed
	}
}

func (c *benchCompare) compareAll(b *testing.B) (found *comparison) {
	b.Helper()
	c.patiently(b, func() (err error) {
		found, err = c.compare(b.Context(), c.visit, c.manifests)
		return err
	})
	return found
}

// BenchmarkCompare compares an application of 200 objects, all in sync, with a real cluster's cache. Known is a look at which
// nothing has changed; word for word is the first look after a restart; queries is the same with a jq expression that
// concerns every object; asked is what it takes where the API server has to say what it makes of each manifest.
func BenchmarkCompare(b *testing.B) {
	const n = 200
	c := newBenchCompare(b, n)
	s := c.visit.session
	query := v1alpha1.ResourceIgnoreDifferences{Group: "*", Kind: "*", JQPathExpressions: []string{`.spec.template.spec.containers[]? | select(.name == "proxy")`}}
	for _, test := range []struct {
		name  string
		rules []v1alpha1.ResourceIgnoreDifferences
		first bool
	}{{"known", nil, false}, {"word for word", nil, true}, {"queries", []v1alpha1.ResourceIgnoreDifferences{query}, true}} {
		b.Run(test.name, func(b *testing.B) {
			rules, err := diff.Compile(test.rules, c.visit.custom.Compare)
			if err != nil {
				b.Fatal(err)
			}
			s.rules = rules
			b.ReportAllocs()
			used := cpu(b)
			for b.Loop() {
				if test.first {
					clear(s.verdicts)
				}
				if found := c.compareAll(b); found.status != v1alpha1.SyncStatusCodeSynced {
					b.Fatalf("it is %s", found.status)
				}
			}
			b.ReportMetric(float64((cpu(b)-used).Microseconds())/float64(b.N)/n, "cpu-µs/object")
		})
	}
	b.Run("asked", func(b *testing.B) {
		used := cpu(b)
		for b.Loop() {
			for _, target := range s.placed.Objects {
				if _, err := c.visit.cluster.Apply(b.Context(), target, cluster.ApplyOptions{DryRun: true}); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64((cpu(b)-used).Microseconds())/float64(b.N)/n, "cpu-µs/object")
	})
}

// cpu is what this process has used so far: unlike the time, it doesn't depend on what else the machine does.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
