package testkube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// Compact has etcd forget all but the newest state of each object. A watch that was interrupted before, and wants to go on
// where it was, is told 410 then, unless the API server still remembers: see Restart.
func Compact(t testing.TB) {
	t.Helper()
	Config(t)
	s, _ := shared()
	socket := s.cluster.EtcdSocket()
	etcd := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	var status struct {
		Header struct{ Revision json.Number }
	}
	if err := ask(t.Context(), etcd, "maintenance/status", map[string]any{}, &status); err != nil {
		t.Fatalf("compacting etcd: %v", err)
	}
	compaction := map[string]any{"revision": status.Header.Revision, "physical": true}
	if err := ask(t.Context(), etcd, "kv/compaction", compaction, &struct{}{}); err != nil {
		t.Fatalf("compacting etcd: %v", err)
	}
}

// ask calls etcd by the JSON form of its API (etcd.io/docs, "gRPC gateway").
func ask(ctx context.Context, etcd *http.Client, method string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://etcd/v3/"+method, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := etcd.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking etcd for %s: %s: %s", method, response.Status, text)
	}
	return json.Unmarshal(text, answer)
}
