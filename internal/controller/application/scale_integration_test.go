//go:build integration

package application

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// TestManyApplications has one repository with many applications: a commit to one of them concerns no other. The number is
// small enough for each run; APPLICATIONS=1000 makes it a measurement.
func TestManyApplications(t *testing.T) {
	n := 50
	if text := os.Getenv("APPLICATIONS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	f := newFleet(t)
	name := func(i int) string { return fmt.Sprintf("app%04d", i) }
	files := map[string]string{}
	for i := range n {
		files[name(i)+"/cm.yaml"] = configMap(name(i), "one")
	}
	f.commit(files)
	for i := range n {
		f.app(name(i), name(i), automated)
	}
	count := func(value string) int {
		var list corev1.ConfigMapList
		if err := f.client.List(t.Context(), &list, client.InNamespace(f.target)); err != nil {
			t.Fatal(err)
		}
		have := 0
		for _, cm := range list.Items {
			if cm.Data["key"] == value {
				have++
			}
		}
		return have
	}
	versions := func() (all map[string]string, synced int) {
		var list v1alpha1.ApplicationList
		if err := f.client.List(t.Context(), &list, client.InNamespace(f.hub)); err != nil {
			t.Fatal(err)
		}
		all = map[string]string{}
		for _, app := range list.Items {
			all[app.Name] = app.ResourceVersion
			if app.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced && app.Status.Health.Status == v1alpha1.HealthStatusHealthy && !running(app.Status.OperationState) {
				synced++
			}
		}
		return all, synced
	}
	allSynced := func(context.Context) bool { _, synced := versions(); return synced == n }

	began := time.Now()
	stop := f.start()
	f.until("all are synced", allSynced)
	t.Logf("%d applications, nothing deployed, until all are synced: %s", n, time.Since(began))

	before, _ := versions()
	began = time.Now()
	f.commit(map[string]string{name(n/2) + "/cm.yaml": configMap(name(n/2), "two")})
	f.until("the one is applied", func(context.Context) bool { return f.value(name(n/2), "key") == "two" })
	t.Logf("a commit that touches one, before git add until applied: %s", time.Since(began))
	f.until("it is synced", allSynced)
	after, _ := versions()
	changed := 0
	for app := range after {
		if after[app] != before[app] {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d applications were written to", changed)
	}

	for i := range n {
		files[name(i)+"/cm.yaml"] = configMap(name(i), "three")
	}
	began = time.Now()
	f.commit(files)
	f.until("all are applied", func(context.Context) bool { return count("three") == n })
	t.Logf("a commit that touches all, before git add until applied: %s", time.Since(began))
	f.until("all are synced", allSynced)

	stop()
	before, _ = versions()
	began = time.Now()
	f.start()
	f.until("all have been compared", func(context.Context) bool { return f.reconciles() >= uint64(n) })
	t.Logf("restart until all are compared: %s", time.Since(began))
	after, _ = versions()
	for app := range after {
		if after[app] != before[app] {
			t.Errorf("the restart wrote to %s", app)
		}
	}
}
