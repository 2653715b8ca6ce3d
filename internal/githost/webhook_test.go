package githost

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fairlead.dev/fairlead/internal/hook"
)

func endpoint(r *receiver) hook.Endpoint {
	if r == nil {
		return hook.Endpoint{}
	}
	return hook.Endpoint{URL: r.URL + "/api/webhook", Secret: secret}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func contextWithStop(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

func TestWebhooks(t *testing.T) {
	r := newReceiver(t)
	h := newHost(t, endpoint(r))
	work := checkout(t, h.clone("dev", "shop/app"))

	first := write(t, work, "first\n\nbody", "a.txt", "a", "old.txt", "x")
	git(t, work, "push", "-q", "origin", "main")
	p := r.next(t)
	if p.Ref != "refs/heads/main" || p.Before != noObject || p.After != first || !p.Created || p.Deleted || p.Forced {
		t.Errorf("new branch: %+v", p)
	}
	if p.Pusher.Login != "dev" || p.Sender.Username != "dev" {
		t.Errorf("pushed by %+v", p.Pusher)
	}
	repo := p.Repository
	if repo.FullName != "shop/app" || repo.Name != "app" || repo.Owner.Login != "shop" || repo.DefaultBranch != "main" ||
		repo.CloneURL != h.Server.URL+"/shop/app.git" || repo.HTMLURL != h.Server.URL+"/shop/app" {
		t.Errorf("the repository is %+v", repo)
	}
	if c := p.Commits; p.TotalCommits != 1 || len(c) != 1 || c[0].ID != first || c[0].Message != "first\n\nbody\n" ||
		!slices.Equal(c[0].Added, []string{"a.txt", "old.txt"}) || c[0].Author.Name != "Ann" || c[0].Author.Email != "ann@example.com" || c[0].Timestamp.IsZero() {
		t.Errorf("commits: %+v", c)
	}

	second := write(t, work, "second", "a.txt", "b", "dir/söme file", "x")
	third := write(t, work, "third", "old.txt", "")
	git(t, work, "push", "-q", h.clone("ops", "shop/app"), "main")
	p = r.next(t)
	if p.Before != first || p.After != third || p.Created || p.Pusher.Login != "ops" || p.HeadCommit == nil || p.HeadCommit.ID != third {
		t.Errorf("push: %+v", p)
	}
	if c := p.Commits; len(c) != 2 || c[0].ID != third || !slices.Equal(c[0].Removed, []string{"old.txt"}) ||
		c[1].ID != second || !slices.Equal(c[1].Modified, []string{"a.txt"}) || !slices.Equal(c[1].Added, []string{"dir/söme file"}) {
		t.Errorf("commits: %+v", c)
	}

	git(t, work, "tag", "-a", "v1.0.0", "-m", "release")
	git(t, work, "push", "-q", "origin", "v1.0.0")
	p = r.next(t)
	if p.Ref != "refs/tags/v1.0.0" || !p.Created || p.After != git(t, work, "rev-parse", "v1.0.0") || p.HeadCommit.ID != third || len(p.Commits) != 0 {
		t.Errorf("tag: %+v", p)
	}

	git(t, work, "push", "-q", "origin", "main:feature")
	if p = r.next(t); p.Ref != "refs/heads/feature" || !p.Created || len(p.Commits) != 0 || p.HeadCommit.ID != third {
		t.Errorf("branch at a known commit: %+v", p)
	}
	git(t, work, "push", "-q", "origin", ":feature", ":v1.0.0")
	for _, ref := range []string{"refs/heads/feature", "refs/tags/v1.0.0"} {
		if p = r.next(t); p.Ref != ref || !p.Deleted || p.After != noObject || p.Before == noObject || p.HeadCommit != nil {
			t.Errorf("deleted: %+v", p)
		}
	}

	git(t, work, "reset", "-q", "--hard", first)
	forced := write(t, work, "another second", "b.txt", "b")
	git(t, work, "push", "-q", "--force", "origin", "main")
	if p = r.next(t); p.Before != third || p.After != forced || !p.Forced || len(p.Commits) != 0 || p.TotalCommits == 0 || p.HeadCommit.ID != forced {
		t.Errorf("forced: %+v", p)
	}
}

func TestMergeListsWhatItBrings(t *testing.T) {
	r := newReceiver(t)
	h := newHost(t, endpoint(r))
	work := checkout(t, h.clone("dev", "shop/app"))
	write(t, work, "first", "a.txt", "a")
	git(t, work, "push", "-q", "origin", "main")
	r.next(t)
	git(t, work, "checkout", "-q", "-b", "side")
	write(t, work, "side", "side.txt", "s")
	git(t, work, "checkout", "-q", "main")
	write(t, work, "main", "main.txt", "m")
	git(t, work, "push", "-q", "origin", "main", "side")
	r.next(t)
	r.next(t)
	git(t, work, "merge", "-q", "side", "-m", "merge")
	git(t, work, "push", "-q", "origin", "main")
	p := r.next(t)
	var added []string
	for _, c := range p.Commits {
		added = append(added, c.Added...)
	}
	if p.TotalCommits != 2 || len(p.Commits) != 2 || !slices.Contains(added, "side.txt") || slices.Contains(added, "main.txt") {
		t.Errorf("%+v", p)
	}
}

func TestLongHistoryIsCut(t *testing.T) {
	r := newReceiver(t)
	h := newHost(t, endpoint(r))
	work := checkout(t, h.clone("dev", "shop/app"))
	for range maxCommits + 5 {
		write(t, work, "again")
	}
	git(t, work, "push", "-q", "origin", "main")
	if p := r.next(t); len(p.Commits) != maxCommits || p.TotalCommits <= maxCommits {
		t.Errorf("%d commits of %d", len(p.Commits), p.TotalCommits)
	}
}

// A host that is stopped between a push and its webhook tells it after the next start.
func TestWebhookAfterARestart(t *testing.T) {
	r, dir := newReceiver(t), t.TempDir()
	h := start(t, testOptions(dir, endpoint(r)), "")
	address := h.Listener.Addr().String()
	work := checkout(t, h.clone("dev", "shop/app"))
	first := write(t, work, "first", "a.txt", "a")
	git(t, work, "push", "-q", "origin", "main")
	r.next(t)

	r.down.Store(true)
	write(t, work, "second", "b.txt", "b")
	git(t, work, "push", "-q", "origin", "main", "main:new")
	third := write(t, work, "third", "c.txt", "c")
	git(t, work, "push", "-q", "origin", "main")
	h.stop()
	r.down.Store(false)
	if len(r.events) != 0 {
		t.Fatal("told too early")
	}

	h = start(t, testOptions(dir, endpoint(r)), address)
	defer h.stop()
	p := r.next(t)
	if p.Ref != "refs/heads/main" || p.Before != first || p.After != third || p.TotalCommits != 2 || p.Pusher.Login != "dev" {
		t.Errorf("%+v", p)
	}
	if p = r.next(t); p.Ref != "refs/heads/new" || !p.Created {
		t.Errorf("%+v", p)
	}
}

func TestProtectedBranch(t *testing.T) {
	r := newReceiver(t)
	h := newHost(t, endpoint(r))
	work := checkout(t, h.clone("dev", "shop/deploy"))
	first := write(t, work, "first", "a.txt", "a")
	git(t, work, "push", "-q", "origin", "main")
	r.next(t)

	const protections = "/api/v1/repos/shop/deploy/branch_protections"
	if status, _ := h.call(t, "", "POST", protections, `{"rule_name":"main"}`); status != http.StatusUnauthorized {
		t.Errorf("anyone may protect: %d", status)
	}
	for _, rule := range []string{"main", "release/*"} {
		if status, body := h.call(t, "ops", "POST", protections, `{"rule_name":"`+rule+`"}`); status != http.StatusCreated {
			t.Fatalf("%d %s", status, body)
		}
	}
	if status, body := h.call(t, "", "GET", protections, ""); status != http.StatusOK || strings.Count(body, "rule_name") != 2 {
		t.Errorf("%d %s", status, body)
	}
	second := write(t, work, "second", "b.txt", "b")
	for _, branch := range []string{"main", "release/1.0"} {
		out, err := try(t, work, "push", "origin", "HEAD:refs/heads/"+branch)
		if err == nil || !strings.Contains(out, "the branch "+branch+" is protected") || !strings.Contains(out, "DELETE "+h.Server.URL+protections) {
			t.Errorf("%v: %s", err, out)
		}
	}
	git(t, work, "push", "-q", "origin", "HEAD:feature")
	if p := r.next(t); p.Ref != "refs/heads/feature" {
		t.Errorf("%+v", p)
	}
	if status, body := h.call(t, "ops", "DELETE", protections+"/main", ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, body)
	}
	if err := h.Unprotect("shop/deploy", "release/*"); err != nil {
		t.Fatal(err)
	}
	git(t, work, "push", "-q", "origin", "main")
	if p := r.next(t); p.Before != first || p.After != second {
		t.Errorf("%+v", p)
	}
	for body, status := range map[string]int{`{"rule_name":"a b"}`: 422, `{"rule_name":"$(x)"}`: 422, `nonsense`: 422, `{"rule_name":"x","enable_push":true}`: 422} {
		if got, answer := h.call(t, "ops", "POST", protections, body); got != status {
			t.Errorf("%s: %d %s", body, got, answer)
		}
	}
	if status, body := h.call(t, "", "GET", "/api/v1/repos/shop/deploy", ""); status != 200 || !strings.Contains(body, `"full_name":"shop/deploy"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := h.call(t, "", "GET", "/api/v1/repos/no/such", ""); status != 404 {
		t.Errorf("%d", status)
	}
}

func FuzzParseLog(f *testing.F) {
	f.Add([]byte("\x01>\x00id\x00n\x00e\x002026-01-02T03:04:05Z\x00n\x00e\x00message\n\x02\x00\nA\x00file\x00M\x00other\x00\x01>\x00"))
	f.Add([]byte(""))
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		commits, err := parseLog(data)
		if err != nil && commits != nil {
			t.Fatal("commits and an error")
		}
	})
}
