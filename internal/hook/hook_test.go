package hook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is a source in memory.
type memory struct {
	mu     sync.Mutex
	values map[string]string
	broken error
}

func (m *memory) set(key, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value == "" {
		delete(m.values, key)
		return
	}
	m.values[key] = value
}

func (m *memory) State(context.Context) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values), m.broken
}

func (m *memory) Delivery(_ context.Context, to Endpoint, c Change) (*Delivery, error) {
	if strings.HasPrefix(c.Key, "quiet") {
		return nil, nil
	}
	body, err := json.Marshal([]string{c.Key, c.Before, c.After})
	return &Delivery{Header: http.Header{"X-Secret": {to.Secret}}, Body: body}, err
}

// receiver answers with a status and passes on what it was told.
type receiver struct {
	*httptest.Server
	told chan string
	mu   sync.Mutex
	// status answers the next deliveries; empty: 200.
	status []int
}

func newReceiver(t *testing.T, status ...int) *receiver {
	r := &receiver{told: make(chan string, 100), status: status}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.status) > 0 {
			w.WriteHeader(r.status[0])
			r.status = r.status[1:]
			return
		}
		r.told <- string(body) + req.Header.Get("X-Secret")
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) expect(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-r.told:
		if got != want {
			t.Fatalf("told %s, want %s", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("not told within 10 s: %s", want)
	}
}

func (r *receiver) expectNothing(t *testing.T) {
	t.Helper()
	select {
	case got := <-r.told:
		t.Fatalf("told %s, want nothing", got)
	default:
	}
}

func newGroup(t *testing.T, dir string, to ...Endpoint) *Group {
	t.Helper()
	g, err := NewGroup(Options{Dir: dir, Endpoints: to, RetryInterval: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func add(t *testing.T, g *Group, s Source, fresh bool) {
	t.Helper()
	if err := g.Add(t.Context(), "shop/app", s, fresh); err != nil {
		t.Fatal(err)
	}
}

func TestTellsEachChangeOnce(t *testing.T) {
	r := newReceiver(t)
	g := newGroup(t, t.TempDir(), Endpoint{URL: r.URL, Secret: "s3"})
	s := &memory{values: map[string]string{"main": "1"}}
	add(t, g, s, true)
	r.expect(t, `["main","","1"]s3`)
	s.set("main", "2")
	s.set("quiet", "9")
	g.Changed("shop/app")
	r.expect(t, `["main","1","2"]s3`)
	s.set("main", "")
	s.set("next", "3")
	g.Changed("shop/app")
	r.expect(t, `["main","2",""]s3`)
	r.expect(t, `["next","","3"]s3`)
	g.Changed("shop/app")
	g.Changed("nobody")
	g.Close()
	r.expectNothing(t)
}

func TestReceiverIsTriedUntilItAnswers(t *testing.T) {
	r := newReceiver(t, 500, 503, 404, 401, 302)
	g := newGroup(t, t.TempDir(), Endpoint{URL: r.URL})
	add(t, g, &memory{values: map[string]string{"main": "1"}}, true)
	r.expect(t, `["main","","1"]`)
}

func TestRefusedDeliveryDoesNotHoldUpTheNext(t *testing.T) {
	r := newReceiver(t, 400)
	g := newGroup(t, t.TempDir(), Endpoint{URL: r.URL})
	add(t, g, &memory{values: map[string]string{"a": "1", "b": "1"}}, true)
	r.expect(t, `["b","","1"]`)
}

func TestOneReceiverDownDoesNotHoldUpTheOther(t *testing.T) {
	down := httptest.NewServer(nil)
	down.Close()
	up := newReceiver(t)
	g := newGroup(t, t.TempDir(), Endpoint{URL: down.URL}, Endpoint{URL: up.URL})
	add(t, g, &memory{values: map[string]string{"main": "1"}}, true)
	up.expect(t, `["main","","1"]`)
}

func TestAfterARestartOnlyTheDifferenceIsTold(t *testing.T) {
	r, dir := newReceiver(t), t.TempDir()
	s := &memory{values: map[string]string{"main": "1", "old": "1"}}
	g := newGroup(t, dir, Endpoint{URL: r.URL})
	add(t, g, s, true)
	r.expect(t, `["main","","1"]`)
	r.expect(t, `["old","","1"]`)
	g.Close()
	s.set("main", "2") // pushed, and killed before anyone was told
	s.set("main", "3")
	s.set("old", "")
	g = newGroup(t, dir, Endpoint{URL: r.URL})
	add(t, g, s, false)
	r.expect(t, `["main","1","3"]`)
	r.expect(t, `["old","1",""]`)
	g.Close()
	r.expectNothing(t)
}

func TestNewReceiverHearsOfNewChangesOnly(t *testing.T) {
	r := newReceiver(t)
	s := &memory{values: map[string]string{"main": "1"}}
	g := newGroup(t, t.TempDir(), Endpoint{URL: r.URL})
	add(t, g, s, false)
	s.set("main", "2")
	g.Changed("shop/app")
	r.expect(t, `["main","1","2"]`)
}

func TestUnreadableRecordStartsAnew(t *testing.T) {
	r, dir := newReceiver(t), t.TempDir()
	to := Endpoint{URL: r.URL}
	if err := os.WriteFile(recordPath(dir, "shop/app", to), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &memory{values: map[string]string{"main": "1"}}
	g := newGroup(t, dir, to)
	add(t, g, s, false)
	s.set("main", "2")
	g.Changed("shop/app")
	r.expect(t, `["main","1","2"]`)
}

func TestBrokenSource(t *testing.T) {
	g := newGroup(t, t.TempDir(), Endpoint{URL: "http://127.0.0.1:1"})
	err := g.Add(t.Context(), "shop/app", &memory{broken: errors.New("disk on fire")}, false)
	if err == nil || !strings.Contains(err.Error(), "starting webhooks of shop/app: disk on fire") {
		t.Fatalf("got %v", err)
	}
	if g.Known("shop/app") {
		t.Fatal("a source that couldn't be added is known")
	}
}

func TestNoSecretInLogsAndRecords(t *testing.T) {
	e := Endpoint{URL: "http://user:pass@127.0.0.1:1/hook?token=hush", Secret: "hush"}
	if s := e.String(); s != "http://127.0.0.1:1/hook" {
		t.Fatalf("got %s", s)
	}
	if err := (Endpoint{URL: "hush"}).Validate(); err == nil || strings.Contains(err.Error(), "hush") {
		t.Fatalf("got %v", err)
	}
	dir := t.TempDir()
	g := newGroup(t, dir, e)
	add(t, g, &memory{}, true)
	g.Close()
	data, err := os.ReadFile(recordPath(dir, "shop/app", e))
	if err != nil || strings.Contains(string(data), "hush") || strings.Contains(string(data), "pass") {
		t.Fatalf("%s %v", data, err)
	}
	if filepath.Dir(recordPath(dir, "../../x", e)) != dir {
		t.Fatal("a source's name leaves the folder")
	}
}
