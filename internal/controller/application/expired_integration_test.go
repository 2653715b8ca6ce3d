//go:build integration

package application

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/testkube"
)

// breakable is a wire that can be cut, watches that go on included. It counts the watches that it hears to be too late.
type breakable struct {
	mu      sync.Mutex
	watches []io.Closer
	isCut   bool
	late    atomic.Int64
}

func (b *breakable) fault(request *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if b.down() {
		return nil, syscall.ECONNREFUSED // whoever watches tries to go on where it was
	}
	response, err := send()
	if err != nil || !watch(request) {
		return response, err
	}
	if response.StatusCode == http.StatusGone {
		b.late.Add(1)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watches = append(b.watches, response.Body)
	response.Body = listening{response.Body, b}
	return response, nil
}

func (b *breakable) down() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.isCut
}

// cut closes all watches and lets nothing through; mend ends that.
func (b *breakable) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isCut = true
	for _, w := range b.watches {
		_ = w.Close()
	}
	b.watches = nil
}

func (b *breakable) mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isCut = false
}

// listening counts events of a watch that say 410, and ends it like an API server that goes down, rather than with an error.
type listening struct {
	io.ReadCloser
	wire *breakable
}

func (l listening) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if bytes.Contains(p[:n], []byte(`"code":410`)) {
		l.wire.late.Add(1)
	}
	if err != nil && l.wire.down() {
		err = io.EOF
	}
	return n, err
}

// TestWatchesThatMissedTooMuch has the API server itself refuse to go on with watches: etcd is compacted and the API server
// restarted while the hub can't reach it, and the objects change.
func TestWatchesThatMissedTooMuch(t *testing.T) {
	f := newFleet(t)
	revision := f.commit(release(1))
	var wire breakable
	f.wire.breakBy(wire.fault)
	f.start()
	f.app("a", "a", automated)
	f.untilSynced("a", revision)
	keepers := f.keepers()
	f.deletions()
	wire.cut()
	first := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "first", Namespace: f.target}}
	if err := f.client.Patch(t.Context(), first, client.RawPatch(types.MergePatchType, []byte(`{"data":{"key":"changed"}}`))); err != nil {
		t.Fatal(err)
	}
	if err := f.client.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "extra", Namespace: f.target}}); err != nil {
		t.Fatal(err)
	}
	testkube.Compact(t)
	testkube.Restart(t)
	wire.mend()
	f.until("drift is healed", func(context.Context) bool { return f.value("first", "key") == "v1" && f.value("extra", "key") == "v1" })
	if late := wire.late.Load(); late == 0 {
		t.Error("no watch was too late")
	}
	f.untilSynced("a", f.commit(release(2)))
	f.wantRelease(2, keepers)
}
