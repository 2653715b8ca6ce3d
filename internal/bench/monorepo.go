package bench

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// coldStart: the hub starts, and nothing is deployed.
func coldStart(ctx context.Context, w *world) error {
	n := w.options.Applications
	if _, err := w.git.push(ctx, manifests(n, "start")); err != nil {
		return err
	}
	var apps []client.Object
	for i := range n {
		apps = append(apps, w.newApplication(hubNamespace, appName(i), "apps/"+appName(i)))
	}
	if err := w.createAll(ctx, apps); err != nil {
		return err
	}
	began := time.Now()
	if err := w.hub.start(); err != nil {
		return err
	}
	at, err := w.seen.until(ctx, w.options.Patience, "all are synced and healthy", func() bool { return w.seen.allDone(n) })
	if err != nil {
		return err
	}
	cpu, err := w.hub.cpu()
	if err != nil {
		return err
	}
	c, err := w.hub.settled(ctx)
	if err != nil {
		return err
	}
	w.table.time("cold start: nothing deployed → all Synced and Healthy", at.Sub(began), w.bare.create, limit{w.scaled(15 * time.Second), 2.5}, "228 s")
	w.table.number("  API writes per application", c.writes/float64(n), "", -1, "")
	w.table.number("  API reads per application", c.reads/float64(n), "", -1, "")
	w.table.number("  CPU of the hub per application", each(cpu, n), " ms", -1, "")
	return nil
}

// manifests are the files of so many applications, in a round.
func manifests(n int, round string) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[manifestPath(appName(i))] = manifest(appName(i), round)
	}
	return files
}

// commitToOne: a commit touches one application, and concerns no other.
func commitToOne(ctx context.Context, w *world) error {
	var times []time.Duration
	var writes, reads, rendered, others float64
	for round := range w.options.Rounds {
		name := appName(round * w.options.Applications / w.options.Rounds)
		before, err := w.hub.settled(ctx)
		if err != nil {
			return err
		}
		versions := w.seen.versions()
		text := fmt.Sprint("one ", round)
		pushed, err := w.git.push(ctx, map[string]string{manifestPath(name): manifest(name, text)})
		if err != nil {
			return err
		}
		at, err := w.seen.until(ctx, w.options.Patience, "the commit is applied", func() bool { return w.seen.maps[name].round == text })
		if err != nil {
			return err
		}
		times = append(times, at.Sub(pushed))
		_, err = w.seen.until(ctx, w.options.Patience, "the application is synced", func() bool {
			return w.seen.apps[name].done() && w.seen.apps[name].version != versions["application "+name]
		})
		if err != nil {
			return err
		}
		after, err := w.hub.settled(ctx)
		if err != nil {
			return err
		}
		writes, reads = max(writes, after.writes-before.writes), max(reads, after.reads-before.reads)
		rendered = max(rendered, after.rendered-before.rendered)
		others += changedBut(versions, w.seen.versions(), name)
	}
	median, worst := spread(times)
	w.table.time("commit to one application, webhook → applied, median", median, w.bare.one, limit{most: 500 * time.Millisecond}, "14 to 48 s, then a minute of load")
	w.table.time("  the worst of some rounds", worst, w.bare.one, limit{most: 500 * time.Millisecond}, "")
	w.table.exactly("  renderings", rendered, 1, "")
	w.table.exactly("  objects of other applications written to", others, 0, "")
	w.table.number("  API requests to write (apply, status, event)", writes, "", 3, "")
	w.table.exactly("  API reads", reads, 0, "")
	return nil
}

// settled waits until the hub makes no more requests, and returns its counts.
func (h *hub) settled(ctx context.Context) (counts, error) {
	const quiet = 1500 * time.Millisecond // longer than client-go holds back an event's repetition
	last, err := h.counts(ctx)
	for err == nil {
		select {
		case <-time.After(quiet):
		case <-ctx.Done():
			return last, ctx.Err()
		}
		var now counts
		now, err = h.counts(ctx)
		if now.writes == last.writes && now.reads == last.reads && now.rendered == last.rendered {
			return now, err
		}
		last = now
	}
	return last, err
}

// spent is what a hub had done, and used for it.
type spent struct {
	counts
	cpu time.Duration
}

// spent is settled with the CPU time.
func (h *hub) spent(ctx context.Context) (s spent, err error) {
	if s.counts, err = h.settled(ctx); err == nil {
		s.cpu, err = h.cpu()
	}
	return s, err
}

// each is a time for each of n applications, in ms.
func each(d time.Duration, n int) float64 { return float64(d.Microseconds()) / 1000 / float64(n) }

// commitToAll: a commit touches every application.
func commitToAll(ctx context.Context, w *world) error {
	n := w.options.Applications
	before, err := w.hub.spent(ctx)
	if err != nil {
		return err
	}
	pushed, err := w.git.push(ctx, manifests(n, "all"))
	if err != nil {
		return err
	}
	applied, err := w.seen.until(ctx, w.options.Patience, "all are applied", func() bool {
		count := 0
		for _, m := range w.seen.maps {
			if m.round == "all" {
				count++
			}
		}
		return count == n
	})
	if err != nil {
		return err
	}
	synced, err := w.seen.until(ctx, w.options.Patience, "all are synced", func() bool { return w.seen.allDone(n) })
	if err != nil {
		return err
	}
	cpu, err := w.hub.cpu()
	if err != nil {
		return err
	}
	after, err := w.hub.settled(ctx)
	if err != nil {
		return err
	}
	w.table.time("commit to all, webhook → all applied", applied.Sub(pushed), w.bare.update, limit{most: w.scaled(15 * time.Second)}, "381 s")
	w.table.time("  → all Synced and Healthy", synced.Sub(pushed), w.bare.update, limit{}, "statuses trail by 6 to 77 s")
	w.table.number("  API writes per application", (after.writes-before.writes)/float64(n), "", -1, "")
	w.table.number("  API reads per application", (after.reads-before.reads)/float64(n), "", -1, "")
	w.table.number("  CPU of the hub per application", each(cpu-before.cpu, n), " ms", -1, "")
	return nil
}

// selfHeal: a deleted object comes back.
func selfHeal(ctx context.Context, w *world) error {
	var times []time.Duration
	for round := range w.options.Rounds {
		// Others than those of the commits to one: a self-heal soon after another of the same revision is held back.
		name := appName((round*w.options.Applications + w.options.Applications/2) / w.options.Rounds)
		if _, err := w.hub.settled(ctx); err != nil {
			return err
		}
		version := w.seen.maps[name].version
		began := time.Now()
		err := w.client.Delete(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: targetNamespace}})
		if err != nil {
			return fmt.Errorf("deleting a ConfigMap: %w", err)
		}
		at, err := w.seen.until(ctx, w.options.Patience, "the object is back", func() bool {
			now := w.seen.maps[name].version
			return now != "" && now != version
		})
		if err != nil {
			return err
		}
		times = append(times, at.Sub(began))
	}
	median, worst := spread(times)
	w.table.time("self-heal of a deleted object, median", median, w.bare.apply, limit{most: 300 * time.Millisecond}, "0.35 s")
	w.table.time("  the worst of some rounds", worst, w.bare.apply, limit{}, "")
	return nil
}

// atRest: nothing happens. The hub has done all the work before, so that its memory is that of a hub in use.
func atRest(ctx context.Context, w *world) error {
	before, err := w.hub.settled(ctx)
	if err != nil {
		return err
	}
	counted := time.Now()
	// The metrics that were just read are the last that anybody asks for until the CPU time has been taken twice.
	if err := tidied(ctx); err != nil {
		return err
	}
	began := time.Now()
	cpu, err := w.hub.cpu()
	if err != nil {
		return err
	}
	select {
	case <-time.After(w.options.Rest):
	case <-ctx.Done():
		return ctx.Err()
	}
	used, err := w.hub.cpu()
	if err != nil {
		return err
	}
	took := time.Since(began)
	after, err := w.hub.counts(ctx)
	if err != nil {
		return err
	}
	w.table.number("at rest: CPU, of a core", 100*float64(used-cpu)/float64(took), " %", 0.5*w.scale(), "13 %")
	w.table.number("  API requests a minute", (after.reads+after.writes-before.reads-before.writes)/time.Since(counted).Minutes(), "", -1, "")
	return w.weigh("", 120, 500, "630 to 920 MB")
}

// tidied gives a hub the time to notice that a burst has ended, and to collect once.
func tidied(ctx context.Context) error {
	select {
	case <-time.After(30 * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// weigh adds rows of the hub's memory; the targets are for 1,000 applications and for more.
func (w *world) weigh(when string, small, large float64, argo string) error {
	if w.options.Applications > 1000 {
		small = large
	}
	total, err1 := w.hub.memory("VmRSS")
	own, err2 := w.hub.memory("RssAnon")
	peak, err3 := w.hub.memory("VmHWM")
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return err
		}
	}
	w.table.number("memory of the hub (RSS)"+when, total, " MB", small, argo)
	w.table.number("  of it anonymous: heap, stacks", own, " MB", -1, "")
	w.table.number("  RSS at the peak", peak, " MB", -1, "")
	return nil
}

// restart: the hub starts, and everything is in sync.
func restart(ctx context.Context, w *world) error {
	n := w.options.Applications
	versions := w.seen.versions()
	w.hub.stop()
	began := time.Now()
	if err := w.hub.start(); err != nil {
		return err
	}
	at, err := w.hub.untilCounts(ctx, w.options.Patience, "all are compared", func(c counts) bool { return c.compared >= float64(n) })
	if err != nil {
		return err
	}
	cpu, err := w.hub.cpu()
	if err != nil {
		return err
	}
	c, err := w.hub.settled(ctx)
	if err != nil {
		return err
	}
	w.table.time("restart, all in sync → all compared", at.Sub(began), w.bare.list, limit{most: w.scaled(5 * time.Second)}, "3.3 s for 21 of them")
	w.table.exactly("  applications and objects written to", changedBut(versions, w.seen.versions(), ""), 0, "")
	w.table.number("  API writes (what the hub installs)", c.writes, "", -1, "")
	w.table.number("  API reads", c.reads, "", -1, "")
	w.table.number("  CPU of the hub per application", each(cpu, n), " ms", -1, "")
	if err := tidied(ctx); err != nil {
		return err
	}
	return w.weigh(" some time after the restart", 120, 500, "")
}
