package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// Targets of issue 4: a whole list, and what many policies may add to it.
const listed, perPolicies = time.Second, 100 * time.Millisecond

// manyApplications starts a hub that has them, and checks that all users see all.
func manyApplications(ctx context.Context, w *world) error {
	objects := make([]client.Object, w.options.Listed)
	for i := range objects {
		objects[i] = realistic(i)
	}
	if err := w.invite(ctx); err != nil {
		return err
	}
	if err := w.createAll(ctx, objects); err != nil {
		return err
	}
	began := time.Now()
	if err := w.hub.start(); err != nil {
		return err
	}
	if err := w.logOn(ctx); err != nil {
		return err
	}
	w.table.time(fmt.Sprintf("start of a hub with %d applications → it answers", w.options.Listed), time.Since(began), 0, limit{}, "")
	for _, user := range []string{admin, reader} {
		c, err := w.dial(w.callers[user].token)
		if err != nil {
			return err
		}
		list, err := hubclient.Call(ctx, c, protocol.ApplicationList, &protocol.ApplicationQuery{})
		if err != nil {
			return fmt.Errorf("listing the applications for %s: %w", user, err)
		}
		if len(list.Items) != w.options.Listed {
			return fmt.Errorf("listing the applications for %s: %d of %d are there", user, len(list.Items), w.options.Listed)
		}
	}
	if err := tidied(ctx); err != nil {
		return err
	}
	return w.weigh(" with them", -1, -1, "")
}

// lists: all applications in one answer.
func lists(ctx context.Context, w *world) error {
	bare, err := w.bareList(ctx)
	if err != nil {
		return err
	}
	for _, one := range []way{overGRPC, overGRPCGzip, overWeb, overREST, overRESTGzip, ofUI, ofUIGzip} {
		if err := w.listBy(ctx, one, bare); err != nil {
			return err
		}
	}
	if err := w.policyCost(ctx); err != nil {
		return err
	}
	return w.listOnCommandLine(ctx)
}

// listBy adds the rows of one way: time, size, CPU and memory.
func (w *world) listBy(ctx context.Context, by way, bare time.Duration) error {
	if err := w.hub.resetPeak(); err != nil {
		return err
	}
	cpuBefore, err1 := w.hub.cpu()
	times, size, err2 := w.rounds(ctx, admin, by, &protocol.ApplicationQuery{})
	cpu, err3 := w.hub.cpu()
	peak, err4 := w.hub.memory("VmHWM")
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return err
		}
	}
	median, worst := spread(times)
	w.table.time(fmt.Sprintf("list of %d by %s, median", w.options.Listed, by.name), median, bare, limit{most: listed}, "")
	w.table.time("  the worst of some rounds", worst, bare, limit{}, "")
	w.table.number("  size", float64(size)/1e6, " MB", -1, "")
	w.table.number("  CPU of the hub", float64((cpu-cpuBefore).Milliseconds())/float64(len(times)), " ms", -1, "")
	w.table.number("  RSS of the hub at the peak", peak, " MB", -1, "")
	return nil
}

// rounds lists some times, one after the other.
func (w *world) rounds(ctx context.Context, user string, by way, q *protocol.ApplicationQuery) (times []time.Duration, size int64, err error) {
	for range w.options.Rounds {
		a, err := w.callers[user].list(ctx, by, q)
		if err != nil {
			return nil, 0, err
		}
		times, size = append(times, a.took), a.bytes
	}
	return times, size, nil
}

// policyCost compares what the two users wait, in turns. Names alone show the policies' share best: the answer is small.
func (w *world) policyCost(ctx context.Context) error {
	for _, by := range []way{ofNames, overGRPC, ofUI} {
		times := map[string][]time.Duration{}
		for range 2 * w.options.Rounds {
			for _, user := range []string{admin, reader} {
				a, err := w.callers[user].list(ctx, by, &protocol.ApplicationQuery{})
				if err != nil {
					return err
				}
				times[user] = append(times[user], a.took)
			}
		}
		of := map[string]time.Duration{}
		for user := range times {
			of[user], _ = spread(times[user])
		}
		w.table.time(fmt.Sprintf("list of %d by %s, admin, median", w.options.Listed, by.name), of[admin], 0, limit{most: listed}, "")
		w.table.time(fmt.Sprintf("  what %d policies add", policies), max(0, of[reader]-of[admin]), 0, limit{most: perPolicies}, "")
	}
	return nil
}

// bareList is what the API server takes to list the same.
func (w *world) bareList(ctx context.Context) (time.Duration, error) {
	c, err := rest.HTTPClientFor(w.config)
	if err != nil {
		return 0, fmt.Errorf("listing without a hub: %w", err)
	}
	var times []time.Duration
	for range w.options.Rounds {
		began := time.Now()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.config.Host+"/apis/argoproj.io/v1alpha1/namespaces/"+hubNamespace+"/applications?resourceVersion=0", nil)
		if err != nil {
			return 0, err
		}
		answer, err := c.Do(request)
		if err != nil {
			return 0, fmt.Errorf("listing without a hub: %w", err)
		}
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			return 0, fmt.Errorf("listing without a hub: %w", err)
		}
		times = append(times, time.Since(began))
	}
	median, _ := spread(times)
	return median, nil
}

// listOnCommandLine is the whole command: it starts, logs on, reads, and prints a table.
func (w *world) listOnCommandLine(ctx context.Context) error {
	var times []time.Duration
	for range w.options.Rounds {
		began := time.Now()
		cmd := exec.CommandContext(ctx, w.hub.program, "app", "list", "--server", w.callers[reader].base, "--auth-token", w.callers[reader].token)
		cmd.Env = append(os.Environ(), "HOME="+filepath.Join(w.dir, "home"))
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("listing on the command line: %w", err)
		}
		times = append(times, time.Since(began))
		if got := max(0, bytes.Count(out, []byte("\n"))-1); got != w.options.Listed {
			return fmt.Errorf("listing on the command line: %d of %d lines", got, w.options.Listed)
		}
	}
	median, _ := spread(times)
	w.table.time("fairlead app list, the whole command, for "+reader, median, 0, limit{}, "")
	return nil
}

// filtersAndPages: less than all, as the server picks it.
func filtersAndPages(ctx context.Context, w *world) error {
	for _, filter := range []struct {
		name  string
		query protocol.ApplicationQuery
	}{
		{"by a label of a team", protocol.ApplicationQuery{Selector: "team=" + teamOf(7)}},
		{"of a project", protocol.ApplicationQuery{Projects: []string{teamOf(7)}}},
		{"of a repository", protocol.ApplicationQuery{Repo: repositoryOf(7)}},
		{"by name", protocol.ApplicationQuery{Name: appName(7)}},
	} {
		times, size, err := w.rounds(ctx, reader, overGRPC, &filter.query)
		if err != nil {
			return err
		}
		median, _ := spread(times)
		w.table.time("list "+filter.name+", median", median, 0, limit{}, "")
		w.table.number("  size", float64(size)/1e6, " MB", -1, "")
	}
	const page = 500
	for _, by := range []way{overREST, ofNames} {
		var all time.Duration
		var times []time.Duration
		for q := (protocol.ApplicationQuery{Limit: page}); ; {
			a, err := w.callers[reader].list(ctx, by, &q)
			if err != nil {
				return err
			}
			all, times = all+a.took, append(times, a.took)
			if q.Continue = a.next; a.next == "" {
				break
			}
		}
		if want := (w.options.Listed + page - 1) / page; len(times) != want {
			return fmt.Errorf("listing pages by %s: there were %d, not %d", by.name, len(times), want)
		}
		_, worst := spread(times)
		w.table.time(fmt.Sprintf("pages of %d by %s, all of them", page, by.name), all, 0, limit{}, "")
		w.table.time("  the slowest page", worst, 0, limit{}, "")
	}
	return nil
}
