package scm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

// forge is what a host has; each kind of host tells it in its own form (forge_hosts_test.go), a page at a time.
type forge struct {
	t     *testing.T
	owner string
	repos []forgeRepo
	pulls []forgePull
	// page is how much the host gives at once, whatever is asked for, but never more than is asked for.
	page int
	// wants are headers that requests must have.
	wants map[string]string
	// spoil answers in the host's place, if it returns true.
	spoil func(w http.ResponseWriter, r *http.Request) bool
	// asked counts the requests.
	asked atomic.Int32
	url   string
}

type forgeRepo struct {
	id       int
	name     string
	branches []string // the first is the default; none if the repository is empty
	topics   []string
	archived bool
	files    []string // in all branches
}

type forgePull struct {
	number       int
	title        string
	branch, into string
	labels       []string
	author       string
}

// sha is the commit of a branch.
func sha(of ...string) string {
	var sum int
	for _, r := range strings.Join(of, "/") {
		sum = sum*31 + int(r)
	}
	return fmt.Sprintf("%040x", sum&0xffffffffffff)
}

func newForge(t *testing.T) *forge {
	return &forge{t: t, owner: "team", page: 2,
		repos: []forgeRepo{
			{id: 1, name: "api", branches: []string{"main", "feature/x", "old"}, topics: []string{"go", "deploy"}, files: []string{"k8s/app.yaml", "go.mod"}},
			{id: 2, name: "web", branches: []string{"trunk"}, topics: []string{"js"}, files: []string{"package.json"}},
			{id: 3, name: "attic", branches: []string{"main"}, archived: true, files: []string{"k8s/x"}},
			{id: 4, name: "new"},
			{id: 5, name: "docs", branches: []string{"main", "b1", "b2", "b3"}, files: []string{"k8s/app.yaml"}},
		},
		pulls: []forgePull{
			{number: 7, title: "Add a thing", branch: "feature/x", into: "main", labels: []string{"preview", "go"}, author: "ann"},
			{number: 9, title: "WIP: more", branch: "wip_2", into: "main", labels: []string{"preview"}, author: "ben"},
			{number: 12, title: "Backport", branch: "fix", into: "release-1", author: "ann"},
		},
	}
}

// serve starts the host.
func (f *forge) serve(host func(*forge) http.Handler) {
	handler := host(f)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		for name, value := range f.wants {
			if r.Header.Get(name) != value {
				http.Error(w, `{"message":"Bad credentials t0ken"}`, http.StatusUnauthorized)
				return
			}
		}
		if f.spoil == nil || !f.spoil(w, r) {
			handler.ServeHTTP(w, r)
		}
	}))
	f.t.Cleanup(server.Close)
	f.url = server.URL
}

func (f *forge) repo(name string) (forgeRepo, bool) {
	for _, r := range f.repos {
		if r.name == name || strconv.Itoa(r.id) == name {
			return r, true
		}
	}
	return forgeRepo{}, false
}

func (r forgeRepo) has(branch string) bool {
	for _, b := range r.branches {
		if b == branch {
			return true
		}
	}
	return false
}

// kind is what is at a path: "file", "folder" or "".
func (r forgeRepo) kind(path string) string {
	for _, file := range r.files {
		if file == path {
			return "file"
		}
		if strings.HasPrefix(file, path+"/") {
			return "folder"
		}
	}
	return ""
}

func reply200(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

// slice is page number n (from 1) of items, at most most of them and at most the forge's own page, and whether there are more.
func slice[T any](f *forge, items []T, n, most int) ([]T, bool) {
	size := f.page
	if most > 0 && most < size {
		size = most
	}
	from := min((n-1)*size, len(items))
	to := min(from+size, len(items))
	return append([]T{}, items[from:to]...), to < len(items)
}

func number(query url.Values, name string, otherwise int) int {
	if n, err := strconv.Atoi(query.Get(name)); err == nil {
		return n
	}
	return otherwise
}

// segments are the decoded parts of a path, so that an escaped slash stays in its part.
func segments(r *http.Request, prefix string) []string {
	escaped, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix)
	if !ok {
		return nil
	}
	var parts []string
	for _, part := range strings.Split(escaped, "/") {
		decoded, err := url.PathUnescape(part)
		if err != nil {
			return nil
		}
		parts = append(parts, decoded)
	}
	return parts
}

// is tells whether the parts are those of a pattern, in which * stands for any and a last ** for all that follow.
func is(parts []string, pattern string) bool {
	wanted := strings.Split(pattern, "/")
	for i, want := range wanted {
		switch {
		case want == "**":
			return len(parts) > i
		case i >= len(parts) || want != "*" && want != parts[i]:
			return false
		}
	}
	return len(parts) == len(wanted)
}

func newTestHosts() (*Hosts, *clocktesting.FakeClock) {
	clock := clocktesting.NewFakeClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return NewHosts(clock), clock
}
