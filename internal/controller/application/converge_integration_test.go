//go:build integration

package application

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/testkube"
)

// After each fault here every application becomes what Git says, and only what Git dropped is deleted.

// release is a commit with everything that a sync knows: a hook before and after, waves, and in every other one an object
// less, which is pruned.
func release(n int) map[string]string {
	value := fmt.Sprintf("v%d", n)
	withAnnotations := func(name, annotations string) string {
		return strings.Replace(configMap(name, value), "  name: "+name, "  name: "+name+"\n  annotations: {"+annotations+"}", 1)
	}
	files := map[string]string{
		"a/first.yaml":  withAnnotations("first", `argocd.argoproj.io/sync-wave: "-1"`),
		"a/second.yaml": configMap("second", value),
		"a/before.yaml": withAnnotations("before", "argocd.argoproj.io/hook: PreSync"),
		"a/after.yaml":  withAnnotations("after", "argocd.argoproj.io/hook: PostSync"),
		"a/extra.yaml":  configMap("extra", value),
	}
	if n%2 == 0 {
		files["a/extra.yaml"] = ""
	}
	return files
}

// keepers are the objects of all releases, which are never pruned.
func (f *fleet) keepers() map[string]string {
	all := f.identities()
	maps.DeleteFunc(all, func(name, _ string) bool { return name != "first" && name != "second" })
	return all
}

// wantRelease checks that the cluster is what release n says, and that nothing was deleted but what may be.
func (f *fleet) wantRelease(n int, keepers map[string]string) {
	f.t.Helper()
	value := fmt.Sprintf("v%d", n)
	f.until("release "+value+" is there", func(context.Context) bool {
		extra := value
		if n%2 == 0 {
			extra = ""
		}
		return f.value("first", "key") == value && f.value("second", "key") == value && f.value("extra", "key") == extra
	})
	if after := f.keepers(); !maps.Equal(keepers, after) {
		f.t.Errorf("objects %v, then %v", keepers, after)
	}
	for line := range strings.Lines(f.deletions()) {
		if !slices.ContainsFunc([]string{"/extra ", "/before ", "/after ", "/migrate "}, func(may string) bool { return strings.Contains(line, may) }) {
			f.t.Errorf("deleted by mistake: %s", line)
		}
	}
}

// TestKilledAtEveryWrite kills the hub at the n-th write of a sync, for every n there is: just before it arrives for the odd
// ones, and just after for the even, in a long run for all. The next hub finds its place.
func TestKilledAtEveryWrite(t *testing.T) {
	step := 2
	if longRun(t) > 0 {
		step = 1
	}
	for name, then := range map[string]fault{"before it": reset, "after it": lost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			n := 1
			revision := f.commit(release(n))
			f.start()
			f.app("a", "a", automated)
			f.untilSynced("a", revision)
			keepers := f.keepers()
			first := 1
			if name == "after it" {
				first = step
			}
			for at := first; ; at += step {
				n++
				if f.killedAt(at, then, release(n)) {
					f.wantRelease(n, keepers)
					continue
				}
				if t.Logf("a sync makes fewer than %d writes", at); at < 8 {
					t.Error("that is too few to be a sync")
				}
				return
			}
		})
	}
}

// TestKilledBeforeItTold kills the hub at each write of a sync that isn't recorded before it acts. The next one tells of it all
// the same: no revision that was deployed is missing in the history.
func TestKilledBeforeItTold(t *testing.T) {
	for name, then := range map[string]fault{"before it": reset, "after it": lost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			plain := func(n int) map[string]string {
				return map[string]string{"a/first.yaml": configMap("first", fmt.Sprintf("v%d", n))}
			}
			revision := f.commit(plain(0))
			f.start()
			f.app("a", "a", automated)
			f.untilSynced("a", revision)
			for at := 1; f.killedAt(at, then, plain(at)); at++ {
				if last := f.get("a").Status.History; len(last) != at+1 {
					t.Errorf("killed at write %d: %d entries in the history, want %d", at, len(last), at+1)
				}
				if at == 10 {
					t.Fatal("a small sync makes more than ten writes")
				}
			}
			if got := len(f.get("a").Status.History); got < 4 {
				t.Errorf("%d syncs were seen: too few to have been killed at each write", got)
			}
		})
	}
}

// longRun is for how long a test of chance may go on, by FAIRLEAD_PROOF, such as 10m; zero is a short run.
func longRun(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("FAIRLEAD_PROOF")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("FAIRLEAD_PROOF: %v", err)
	}
	return d
}

// killedAt has files synced by a hub that is killed at a write, and by one after it. It is false if there are fewer writes.
func (f *fleet) killedAt(at int, then fault, files map[string]string) bool {
	f.stop()
	revision := f.commit(files)
	killed := make(chan struct{})
	f.wire.breakBy(killAt(int64(at), then, killed))
	f.start()
	isKilled := func() bool {
		select {
		case <-killed:
			return true
		default:
			return false
		}
	}
	f.until("it is killed or synced", func(context.Context) bool {
		s := f.get("a").Status
		return isKilled() || s.Sync.Status == v1alpha1.SyncStatusCodeSynced && s.Sync.Revision == revision && s.OperationState.Phase.Completed()
	})
	if !isKilled() {
		return false
	}
	f.stop()
	f.wire.breakBy(nil)
	f.start()
	f.untilSynced("a", revision)
	return true
}

// killAt has a fault in the n-th write; from then on nothing arrives any more.
func killAt(n int64, then fault, killed chan struct{}) fault {
	var count atomic.Int64
	return func(request *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if !write(request) {
			if count.Load() >= n {
				return reset(request, send)
			}
			return send()
		}
		switch i := count.Add(1); {
		case i < n:
			return send()
		case i == n:
			defer close(killed)
			return then(request, send)
		}
		return reset(request, send)
	}
}

// wireFaults are ways in which the wire fails all the time.
func wireFaults() map[string]fault {
	return map[string]fault{
		"errors":                some(3, answer(http.StatusInternalServerError, "InternalError")),
		"throttled":             when(write, some(3, answer(http.StatusTooManyRequests, "TooManyRequests"))),
		"unavailable":           some(4, answer(http.StatusServiceUnavailable, "ServiceUnavailable")),
		"conflicts":             when(write, some(2, answer(http.StatusConflict, "Conflict"))),
		"resets":                some(3, reset),
		"lost answers":          some(3, lost),
		"lost answers to write": when(write, some(2, lost)),
		"torn answers":          some(4, torn),
		"halved answers":        some(4, halved),
		"lists that break off":  when(list, some(2, torn)),
		"short watches":         when(watch, brief(20*time.Millisecond)),
		"expired watches":       when(watch, some(2, expired)),
		"slow":                  slow(30 * time.Millisecond),
		"watches refused":       when(watch, some(2, answer(http.StatusForbidden, "Forbidden"))),
	}
}

// TestFaultyWire has releases go out over a wire that fails in one way or another all the time; some must wait until it is
// mended, and none does harm.
func TestFaultyWire(t *testing.T) {
	for name, fault := range wireFaults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			revision := f.commit(release(1))
			f.start()
			f.app("a", "a", automated, func(app *v1alpha1.Application) {
				app.Spec.SyncPolicy.Retry = &v1alpha1.RetryStrategy{Limit: 3, Backoff: &v1alpha1.Backoff{Duration: "200ms", MaxDuration: "1s"}}
			})
			f.untilSynced("a", revision)
			keepers := f.keepers()
			f.deletions()
			f.wire.breakBy(fault)
			f.commit(release(2))
			f.commit(release(3))
			f.until("it was tried", func(context.Context) bool { return f.wire.asked() > 2 })
			f.wire.breakBy(nil)
			f.commit(release(4))
			f.until("the last release is synced", func(context.Context) bool {
				return f.get("a").Status.Sync.Status == v1alpha1.SyncStatusCodeSynced && f.value("first", "key") == "v4"
			})
			f.wantRelease(4, keepers)
		})
	}
}

// TestRestartOfTheAPIServer kills the API server while a sync waits for a hook.
func TestRestartOfTheAPIServer(t *testing.T) {
	f := newFleet(t)
	files := release(1)
	files["a/job.yaml"] = jobs
	revision := f.commit(files)
	f.start()
	f.app("a", "a", automated)
	f.end("migrate", "Complete")
	f.untilSynced("a", revision)
	keepers := f.keepers()
	files = release(2)
	files["a/job.yaml"] = jobs + "# again\n"
	revision = f.commit(files)
	f.until("the hook runs", func(context.Context) bool {
		s := f.get("a").Status.OperationState
		return s.Phase == v1alpha1.OperationRunning && strings.Contains(s.Message, "completion of hook")
	})
	testkube.Restart(t)
	f.end("migrate", "Complete")
	f.untilSynced("a", revision)
	f.wantRelease(2, keepers)
}

// slow delays every request.
func slow(d time.Duration) fault {
	return func(request *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return send()
		case <-request.Context().Done():
			return nil, request.Context().Err()
		}
	}
}

// TestDamagedMirror has the mirror spoilt while no hub runs.
func TestDamagedMirror(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"emptied files":   func(path string) error { return os.Truncate(path, 0) },
		"truncated files": func(path string) error { return os.Truncate(path, 20) },
		"removed files":   os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			revision := f.commit(release(1))
			f.start()
			f.app("a", "a", automated)
			f.untilSynced("a", revision)
			keepers := f.keepers()
			f.stop()
			damaged := 0
			err := filepath.WalkDir(f.mirrors, func(path string, entry os.DirEntry, err error) error {
				if err != nil || entry.IsDir() || !strings.Contains(path, "objects") {
					return err
				}
				damaged++
				_ = os.Chmod(path, 0o600)
				return damage(path)
			})
			if err != nil || damaged == 0 {
				t.Fatalf("damaged %d files: %v", damaged, err)
			}
			f.start()
			f.untilSynced("a", f.commit(release(2)))
			f.wantRelease(2, keepers)
		})
	}
}
