//go:build integration

package application

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// chance plays commits, faults and strangers at random. Git's state is held beside it, to compare the cluster with.
type chance struct {
	*fleet
	random *rand.Rand
	// git is what each file holds, former what it held before the last commit; nil after a revert.
	git, former map[string]string
	// lasting are the objects that Git has had since they were last looked at, and that no stranger deleted.
	lasting map[string]types.UID
	n       int
}

var chanceApps = []string{"a", "b", "c"}

// TestChance checks, after random commits and faults, that the cluster becomes exactly what Git says, and that no object was
// deleted that Git had all the time. FAIRLEAD_SEED repeats a run, FAIRLEAD_PROOF=10m is a longer one.
func TestChance(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("FAIRLEAD_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FAIRLEAD_SEED=%d", seed)
	c := &chance{fleet: newFleet(t), random: rand.New(rand.NewPCG(seed, 0)), git: map[string]string{}}
	c.options.RetryMax = 500 * time.Millisecond
	for _, app := range chanceApps {
		for i := range 4 {
			c.git[file(app, i)] = configMap(objectName(app, i), "v0")
		}
	}
	c.commit(c.git)
	c.start()
	for _, app := range chanceApps {
		c.app(app, app, automated)
	}
	c.quiet()
	end := time.Now().Add(max(15*time.Second, longRun(t)))
	rounds := 0
	for ; time.Now().Before(end) && !t.Failed(); rounds++ {
		for range 2 + c.random.IntN(6) {
			c.step()
		}
		c.quiet()
	}
	t.Logf("%d rounds, %d steps", rounds, c.n)
}

func file(app string, i int) string       { return fmt.Sprintf("%s/%d.yaml", app, i) }
func objectName(app string, i int) string { return fmt.Sprintf("%s-%d", app, i) }

func (c *chance) any() (app string, i int) {
	return chanceApps[c.random.IntN(len(chanceApps))], c.random.IntN(4)
}

// step does one thing at random.
func (c *chance) step() {
	c.t.Helper()
	c.n++
	steps := []struct {
		name string
		do   func()
	}{
		{"commit", c.changeGit}, {"commit", c.changeGit}, {"commit", c.changeGit}, {"revert", c.revertGit}, {"break", c.breakGit},
		{"fault", c.breakWire}, {"fault", c.breakWire}, {"mend", func() { c.wire.breakBy(nil) }},
		{"kill", c.kill},
		{"strange change", c.changeObject}, {"strange deletion", c.deleteObject},
		{"sync", func() { app, _ := c.any(); c.sync(app, v1alpha1.SyncOperation{Prune: true}) }},
		{"refresh", func() {
			app, _ := c.any()
			c.patch(app, func(a *v1alpha1.Application) {
				a.Annotations = map[string]string{v1alpha1.RefreshAnnotation: "hard"}
			})
		}},
	}
	s := steps[c.random.IntN(len(steps))]
	c.t.Logf("step %d: %s", c.n, s.name)
	s.do()
}

// set commits changes; empty content deletes.
func (c *chance) set(changes map[string]string) string {
	c.t.Helper()
	c.former = maps.Clone(c.git)
	for name, content := range changes {
		if c.git[name] = content; content == "" {
			delete(c.git, name)
		}
	}
	c.forget()
	return c.commit(changes)
}

// forget no longer expects objects to last that Git doesn't have.
func (c *chance) forget() {
	maps.DeleteFunc(c.lasting, func(name string, _ types.UID) bool { return c.git[strings.Replace(name, "-", "/", 1)+".yaml"] == "" })
}

// changeGit writes and removes some files. The first of each folder stays.
func (c *chance) changeGit() {
	changes := map[string]string{}
	for range 1 + c.random.IntN(4) {
		app, i := c.any()
		changes[file(app, i)] = configMap(objectName(app, i), fmt.Sprintf("v%d", c.n))
		if i > 0 && c.random.IntN(2) == 0 {
			changes[file(app, i)] = ""
		}
	}
	maps.DeleteFunc(changes, func(name, content string) bool { return content == "" && c.git[name] == "" })
	if len(changes) > 0 {
		c.set(changes)
	}
}

func (c *chance) revertGit() {
	if c.former == nil {
		return
	}
	c.git, c.former = c.former, nil
	c.forget()
	c.revert()
}

// breakGit has a manifest in a folder that isn't YAML, so that nothing of the folder may be synced, least of all pruned.
func (c *chance) breakGit() {
	if app, _ := c.any(); c.git[app+"/broken.yaml"] == "" {
		c.set(map[string]string{app + "/broken.yaml": "kind: [\n"})
	}
}

func (c *chance) breakWire() {
	all := wireFaults()
	names := slices.Sorted(maps.Keys(all))
	name := names[c.random.IntN(len(names))]
	c.t.Log(name)
	c.wire.breakBy(all[name])
}

// kill restarts the hub. What is broken works until it has read what kinds there are: a hub that can't ends, and its supervisor
// starts it again.
func (c *chance) kill() {
	c.stop()
	broken := c.wire.mend()
	c.start()
	c.wire.breakBy(broken)
}

func (c *chance) changeObject() {
	app, i := c.any()
	cm := &corev1.ConfigMap{}
	cm.Namespace, cm.Name = c.target, objectName(app, i)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"data":{"key":"theirs"}}`))
	if err := client.IgnoreNotFound(c.client.Patch(c.t.Context(), cm, patch)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chance) deleteObject() {
	app, i := c.any()
	cm := &corev1.ConfigMap{}
	cm.Namespace, cm.Name = c.target, objectName(app, i)
	delete(c.lasting, cm.Name)
	if err := client.IgnoreNotFound(c.client.Delete(c.t.Context(), cm)); err != nil {
		c.t.Fatal(err)
	}
}

// quiet mends everything, waits until the cluster is what Git says, and checks what lasted.
func (c *chance) quiet() {
	c.t.Helper()
	c.wire.breakBy(nil)
	c.n++
	last := map[string]string{}
	for _, app := range chanceApps {
		last[file(app, 0)] = configMap(objectName(app, 0), fmt.Sprintf("v%d", c.n))
		if c.git[app+"/broken.yaml"] != "" {
			last[app+"/broken.yaml"] = ""
		}
	}
	revision := c.set(last)
	for _, app := range chanceApps {
		c.untilSynced(app, revision)
	}
	var live map[string]string
	c.until("the cluster is what Git says", func(ctx context.Context) bool {
		live = map[string]string{}
		var list corev1.ConfigMapList
		if err := c.client.List(ctx, &list, client.InNamespace(c.target)); err != nil {
			return false
		}
		for _, cm := range list.Items {
			if cm.Name != "kube-root-ca.crt" {
				live[strings.Replace(cm.Name, "-", "/", 1)+".yaml"] = configMap(cm.Name, cm.Data["key"])
			}
		}
		return maps.Equal(live, c.git)
	})
	now := c.uids()
	for name, uid := range c.lasting {
		if now[name] != uid {
			c.t.Errorf("%s was deleted, though Git had it all the time", name)
		}
	}
	c.lasting = now
}
