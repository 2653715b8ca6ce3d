//go:build integration

package application

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// crowd is many applications of one repository, each a folder with a ConfigMap.
type crowd struct {
	*fleet
	names []string
}

// newCrowd makes as many as APPLICATIONS says, by default few enough for each run.
func newCrowd(t *testing.T) *crowd {
	n := 50
	if text := os.Getenv("APPLICATIONS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	c := &crowd{fleet: newFleet(t)}
	for i := range n {
		c.names = append(c.names, fmt.Sprintf("app%04d", i))
	}
	c.commit(c.files("one"))
	for _, name := range c.names {
		c.app(name, name, automated)
	}
	return c
}

// files are the manifests of all with a value.
func (c *crowd) files(value string) map[string]string {
	files := map[string]string{}
	for _, name := range c.names {
		files[name+"/cm.yaml"] = configMap(name, value)
	}
	return files
}

// having counts the ConfigMaps with a value.
func (c *crowd) having(value string) (count int) {
	var list corev1.ConfigMapList
	if err := c.client.List(c.t.Context(), &list, client.InNamespace(c.target)); err != nil {
		c.t.Fatal(err)
	}
	for _, cm := range list.Items {
		if cm.Data["key"] == value {
			count++
		}
	}
	return count
}

func (c *crowd) untilAllSynced() {
	c.t.Helper()
	c.until("all are synced", func(context.Context) bool {
		var list v1alpha1.ApplicationList
		if err := c.client.List(c.t.Context(), &list, client.InNamespace(c.hub)); err != nil {
			c.t.Fatal(err)
		}
		for _, app := range list.Items {
			s := app.Status
			if s.Sync.Status != v1alpha1.SyncStatusCodeSynced || s.Health.Status != v1alpha1.HealthStatusHealthy || running(s.OperationState) {
				return false
			}
		}
		return len(list.Items) == len(c.names)
	})
}

// settled returns the requests since the last time, once the events are out, of which there is one for each operation.
func (c *crowd) settled(operations int) map[asked]int {
	c.t.Helper()
	all := map[asked]int{}
	c.until("the events are out", func(context.Context) bool {
		for _, request := range c.wire.take() {
			all[request]++
		}
		return all[asked{"POST", "events " + c.hub}] >= operations
	})
	return all
}

// applied is the request for a name's ConfigMap, written that for its application's status.
func (c *crowd) applied(name string) asked {
	return asked{"PATCH", "configmaps " + c.target + "/" + name}
}
func (c *crowd) written(name string) asked {
	return asked{"PATCH", "applications " + c.hub + "/" + c.name(name)}
}

// TestWorkIsInProportionToTheChange counts what is asked of the API server, and renderings: a cold start, and a commit, cost each
// application that they concern one apply, one write of its status and an event, and others nothing; a restart writes nothing. APPLICATIONS=1000 also makes it a measurement; `make bench` is a
// better one.
func TestWorkIsInProportionToTheChange(t *testing.T) {
	c := newCrowd(t)
	n := len(c.names)

	began := time.Now()
	stop := c.start()
	c.untilAllSynced()
	t.Logf("%d applications, nothing deployed, until all are synced: %s", n, time.Since(began))
	all := c.settled(n)
	for _, name := range c.names {
		c.expect(all, c.applied(name), 1)
		c.expect(all, c.written(name), 1)
	}
	c.expectNothingElse(all, true)

	one := c.names[n/2]
	rendered, _ := c.renderer.Counts()
	began = time.Now()
	c.commit(map[string]string{one + "/cm.yaml": configMap(one, "two")})
	c.until("the one is applied", func(context.Context) bool { return c.value(one, "key") == "two" })
	t.Logf("a commit that touches one, before git add until applied: %s", time.Since(began))
	c.untilAllSynced()
	all = c.settled(1)
	c.expect(all, c.applied(one), 1)
	c.expect(all, c.written(one), 1)
	c.expectNothingElse(all, false)
	if now, _ := c.renderer.Counts(); now != rendered+1 {
		t.Errorf("a commit to one application rendered %d", now-rendered)
	}

	began = time.Now()
	c.commit(c.files("three"))
	c.until("all are applied", func(context.Context) bool { return c.having("three") == n })
	t.Logf("a commit that touches all, before git add until applied: %s", time.Since(began))
	c.untilAllSynced()
	all = c.settled(n)
	for _, name := range c.names {
		c.expect(all, c.applied(name), 1)
		c.expect(all, c.written(name), 1)
	}
	c.expectNothingElse(all, false)

	stop()
	c.wire.take()
	began = time.Now()
	c.start()
	c.until("all have been compared", func(context.Context) bool { return c.reconciles() >= uint64(n) })
	t.Logf("restart until all are compared: %s", time.Since(began))
	if written := writes(c.wire.take()); written != "" {
		t.Errorf("the restart wrote:\n%s", written)
	}
}

// expect checks a count, and takes it out.
func (c *crowd) expect(all map[asked]int, request asked, want int) {
	c.t.Helper()
	if got := all[request]; got != want {
		c.t.Errorf("%d times %s, want %d", got, request, want)
	}
	delete(all, request)
}

// expectNothingElse takes events as they are. A start also reads, but no single application or ConfigMap.
func (c *crowd) expectNothingElse(all map[asked]int, starts bool) {
	c.t.Helper()
	for request, count := range all {
		one := strings.HasPrefix(request.object, "configmaps "+c.target+"/") || strings.HasPrefix(request.object, "applications "+c.hub+"/")
		if !strings.HasPrefix(request.object, "events ") && !(starts && request.method == "GET" && !one) {
			c.t.Errorf("%d times %s", count, request)
		}
	}
}
