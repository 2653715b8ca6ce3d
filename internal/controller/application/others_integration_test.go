//go:build integration

package application

import (
	"context"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/render/plugin"
)

// others are Git repositories beside the fleet's own, served over HTTP by git's own program.
type others struct {
	dir, url string
	lfs      lfsStore
}

func (f *fleet) serveOthers() *others {
	o := &others{dir: f.t.TempDir()}
	git := &cgi.Handler{
		Path: filepath.Join(f.git("", "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + o.dir, "GIT_HTTP_EXPORT_ALL=1"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if strings.Contains(r.URL.Path, "/private-") && (user != "ann" || password != "secret") {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if !o.lfs.serve(w, r) {
			git.ServeHTTP(w, r)
		}
	}))
	f.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	o.url = server.URL + "/git"
	return o
}

// cmdHost commits to one of the others.
func (s *scenario) cmdHost(ts *testscript.TestScript, _ bool, args []string) {
	var large []string
	for len(args) > 1 && args[0] == "-lfs" {
		large, args = append(large, args[1]), args[2:]
	}
	if len(args) != 2 {
		ts.Fatalf("usage: host [-lfs FILE]... NAME DIR")
	}
	work := filepath.Join(s.others.dir, "git", args[0])
	if _, err := os.Stat(work); err != nil {
		s.git("", "init", "--quiet", "--initial-branch=main", work)
	}
	ts.Check(s.copyTo(ts, work, ts.MkAbs(args[1])))
	for _, name := range large {
		path := filepath.Join(work, name)
		content, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(os.WriteFile(path, []byte(s.others.lfs.put(content)), 0o644))
	}
	s.git(work, "add", "-A")
	s.git(work, "commit", "--quiet", "--allow-empty", "-m", "change")
	s.bus.PublishPush(event.Push{Repository: event.NormalizeURL(s.others.url + "/" + args[0]), Ref: "refs/heads/main"})
}

func (s *scenario) cmdForgetLFS(*testscript.TestScript, bool, []string) { s.others.lfs.forget() }

// permits is the hub's own rule.
func (f *fleet) permits(ctx context.Context, name, repository string) (bool, error) {
	var found v1alpha1.AppProject
	if err := f.client.Get(ctx, client.ObjectKey{Namespace: f.hub, Name: name}, &found); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	return project.PermitsSource(&found, repository), nil
}

// plugins calls those that the scenario runs.
func (f *fleet) plugins() *plugin.Client {
	f.t.Helper()
	options := plugin.Default()
	options.Sockets = f.sockets
	c, err := plugin.New(options)
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// shortDir is a folder whose path leaves room for the name of a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cmp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
