//go:build integration

package application

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// silence is a host that takes connections and never answers.
func silence(t *testing.T) (url string, asked func() int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	var mu sync.Mutex
	var open []net.Conn
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, connection)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, connection := range open {
			_ = connection.Close()
		}
	})
	return "http://" + listener.Addr().String(), func() int { mu.Lock(); defer mu.Unlock(); return len(open) }
}

// TestHangingHostConcernsOnlyItsOwn has fifty applications of repositories of a host that hangs beside five of another. What
// the healthy ones get must be what they get alone, but for the moment that a reconcile waits at first.
func TestHangingHostConcernsOnlyItsOwn(t *testing.T) {
	f := newFleet(t)
	f.options.Poll, f.options.PollJitter = 300*time.Millisecond, 0
	f.options.Patience = 500 * time.Millisecond
	f.silent = true // only polling tells of commits
	f.start()
	hanging, asked := silence(t)
	for i := range 50 {
		f.app(fmt.Sprint("hanging", i), "a", automated, func(app *v1alpha1.Application) {
			app.Spec.Source.RepoURL = fmt.Sprintf("%s/team/app%d.git", hanging, i)
		})
	}
	f.until("the host is asked by as many as may", func(context.Context) bool { return asked() >= 8 })
	files := map[string]string{}
	for i := range 5 {
		files[fmt.Sprintf("healthy%d/a.yaml", i)] = configMap(fmt.Sprint("healthy", i), "one")
	}
	revision := f.commit(files)
	began := time.Now()
	for i := range 5 {
		f.app(fmt.Sprint("healthy", i), fmt.Sprint("healthy", i), automated)
	}
	for i := range 5 {
		f.untilSynced(fmt.Sprint("healthy", i), revision)
	}
	first := time.Since(began)
	for i := range 5 {
		files[fmt.Sprintf("healthy%d/a.yaml", i)] = configMap(fmt.Sprint("healthy", i), "two")
	}
	revision = f.commit(files)
	began = time.Now()
	for i := range 5 {
		f.untilSynced(fmt.Sprint("healthy", i), revision)
	}
	next := time.Since(began)
	t.Logf("first syncs after %s, those of a commit that polling found after %s", first, next)
	if first > 5*time.Second || next > 5*time.Second {
		t.Errorf("beside a host that hangs, first syncs took %s and those of a commit %s", first, next)
	}
}
