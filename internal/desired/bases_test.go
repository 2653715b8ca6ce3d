package desired

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/artifact"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/render"
)

// hosts are Git repositories by the URLs that kustomizations have, with those that a project permits.
type hosts struct {
	*world
	dirs      map[string]string
	permitted []string
	// asked are the URLs that credentials were looked up for, and with which passwords repositories were opened.
	asked []string
}

func newHosts(t *testing.T) *hosts {
	h := &hosts{world: newWorld(t), dirs: map[string]string{}}
	options := git.Default()
	options.Dir = t.TempDir()
	store, err := git.NewStore(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	renderer, err := render.New(render.Default())
	if err != nil {
		t.Fatal(err)
	}
	artifacts := artifact.Default()
	client, err := artifact.New(artifacts)
	if err != nil {
		t.Fatal(err)
	}
	h.source = New(store, renderer, func(_ context.Context, url, _ string) (git.Remote, error) {
		h.asked = append(h.asked, url)
		if dir, ok := h.dirs[url]; ok {
			return git.Remote{URL: "file://" + dir}, nil
		}
		return git.Remote{URL: url, Password: "secret"}, nil
	}).WithArtifacts(Artifacts{Client: client, Settings: h, Permits: func(_ context.Context, _, url string) (bool, error) {
		for _, permitted := range h.permitted {
			if strings.HasPrefix(url, permitted) {
				return true, nil
			}
		}
		return false, nil
	}})
	h.source.WithSettings(func(context.Context) (render.Settings, error) {
		return render.SettingsFrom(h.configMaps["argocd-cm"]), nil
	})
	return h
}

// put commits files to the repository of a URL, and returns the commit.
func (h *hosts) put(url string, files map[string]string) string {
	h.t.Helper()
	dir, ok := h.dirs[url]
	if !ok {
		dir = h.t.TempDir()
		h.dirs[url] = dir
		h.run(dir, "init", "--quiet", "--initial-branch=main")
	}
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			h.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			h.t.Fatal(err)
		}
	}
	h.run(dir, "add", "--all")
	h.run(dir, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message=files")
	return h.run(dir, "rev-parse", "HEAD")
}

func (h *hosts) run(dir string, args ...string) string {
	h.t.Helper()
	command := exec.Command("git", append([]string{"-C", dir}, args...)...)
	out, err := command.CombinedOutput()
	if err != nil {
		h.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// render renders the folder app of a repository at its newest commit.
func (h *hosts) render(url string, hard bool) (*Manifests, error) {
	sources := v1alpha1.ApplicationSources{{RepoURL: url, Path: "app"}}
	if err := h.source.Fetch(context.Background(), "team", sources); err != nil {
		return nil, err
	}
	revisions, err := h.source.Resolve(context.Background(), "team", sources, nil)
	if err != nil {
		return nil, err
	}
	return h.source.Render(context.Background(), Request{Instance: "app", Project: "team", Sources: sources, Revisions: revisions, Hard: hard})
}

func (h *hosts) names(url string, hard bool) string {
	h.t.Helper()
	manifests, err := h.render(url, hard)
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, u := range manifests.Objects {
		names = append(names, u.GetName())
	}
	return strings.Join(names, " ")
}

const (
	ownURL   = "https://git.example/team/deploy"
	basesURL = "https://git.example/team/bases"
)

func resource(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

func TestRemoteBases(t *testing.T) {
	h := newHosts(t)
	h.permitted = []string{"https://git.example/team/"}
	old := h.put(basesURL, map[string]string{"web/kustomization.yaml": "resources: [cm.yaml]\n", "web/cm.yaml": resource("one")})
	h.run(h.dirs[basesURL], "tag", "v1")
	h.put(ownURL, map[string]string{"app/kustomization.yaml": "resources: ['" + basesURL + "//web']\n"})
	if got := h.names(ownURL, false); got != "one" {
		t.Fatalf("rendered %s", got)
	}
	manifests, err := h.render(ownURL, false)
	if err != nil || !manifests.Reused || len(manifests.Bases) != 1 || manifests.Bases[0].RepoURL != basesURL {
		t.Fatalf("again: %v, reused %v, watching %v", err, manifests.Reused, manifests.Bases)
	}
	// The branch moves. Nobody has looked yet.
	h.put(basesURL, map[string]string{"web/cm.yaml": resource("two")})
	if !h.source.Unchanged(context.Background(), manifests, manifests.Revisions) {
		t.Error("the rendering is out of date before anybody has fetched the base")
	}
	if err := h.source.Fetch(context.Background(), "team", manifests.Bases); err != nil {
		t.Fatal(err)
	}
	if h.source.Unchanged(context.Background(), manifests, manifests.Revisions) {
		t.Error("the rendering holds though its base has moved")
	}
	if got := h.names(ownURL, false); got != "two" {
		t.Errorf("after the base moved: %s", got)
	}
	for _, ref := range []string{old, "v1"} {
		h.put(ownURL, map[string]string{"app/kustomization.yaml": "resources: ['" + basesURL + "//web?ref=" + ref + "']\n"})
		if got := h.names(ownURL, false); got != "one" {
			t.Errorf("at %s: %s", ref, got)
		}
	}
	h.put(ownURL, map[string]string{"app/kustomization.yaml": "resources: ['" + basesURL + "//web?ref=" + old + "']\n"})
	if manifests, err := h.render(ownURL, false); err != nil || len(manifests.Bases) != 0 {
		t.Errorf("a pinned base is watched: %v, %v", err, manifests.Bases)
	}
	h.put(ownURL, map[string]string{"app/kustomization.yaml": "resources: ['" + basesURL + "//web?ref=nowhere']\n"})
	if got := h.names(ownURL, false); !strings.Contains(got, "nowhere") {
		t.Errorf("a ref that doesn't exist: %s", got)
	}
}

func TestRemoteBasesOnlyWhereAllowed(t *testing.T) {
	h := newHosts(t)
	h.permitted = []string{ownURL}
	h.put(basesURL, map[string]string{"kustomization.yaml": "resources: [cm.yaml]\n", "cm.yaml": resource("one")})
	h.put(ownURL, map[string]string{"app/kustomization.yaml": "resources: ['" + basesURL + "']\n"})
	got := h.names(ownURL, false)
	for _, part := range []string{"git.example/team/bases is not permitted in project \"team\"", "sourceRepos", "kustomize.remoteHosts"} {
		if !strings.Contains(got, part) {
			t.Errorf("%s: want %q in it", got, part)
		}
	}
	// A project that comes to permit it needs no other commit.
	h.permitted = append(h.permitted, basesURL)
	if got := h.names(ownURL, false); got != "one" {
		t.Errorf("once permitted: %s", got)
	}
	// And one that no longer does doesn't live on what was rendered before.
	h.permitted = h.permitted[:1]
	if got := h.names(ownURL, false); !strings.Contains(got, "is not permitted") {
		t.Errorf("no longer permitted: %s", got)
	}
	for _, entry := range []string{"file:///etc", "FILE:///etc", "git::file:///etc"} {
		h.put(ownURL, map[string]string{"app/kustomization.yaml": "resources: ['" + entry + "']\n"})
		h.permitted = []string{"https://", "file://"}
		if got := h.names(ownURL, false); !strings.Contains(got, "only repositories over https") {
			t.Errorf("%s: %s", entry, got)
		}
	}
}

// TestAllowedHostsGetNoCredentials has a base of a host that the operator allows to everybody: what the project may not deploy
// from must not be read with the operator's credentials.
func TestAllowedHostsGetNoCredentials(t *testing.T) {
	h := newHosts(t)
	h.permitted = []string{ownURL}
	address := h.helmURL + "/team/private"
	host := strings.TrimPrefix(h.helmURL, "http://")
	h.configMaps["argocd-cm"] = map[string]string{"kustomize.remoteHosts": "other.example, " + host}
	h.web["/one.yaml"] = []byte(resource("one"))
	h.put(ownURL, map[string]string{"app/kustomization.yaml": "resources: ['" + h.helmURL + "/one.yaml']\n"})
	if got := h.names(ownURL, false); got != "one" {
		t.Errorf("a manifest of an allowed host: %s", got)
	}
	h.takeAsked()
	h.put(ownURL, map[string]string{"app/kustomization.yaml": "resources: ['" + address + "']\n"})
	if got := h.names(ownURL, false); !strings.Contains(got, "getting a remote base") || strings.Contains(got, "secret") {
		t.Errorf("a base that isn't there: %s", got)
	}
	asked := h.takeAsked()
	if len(asked) == 0 {
		t.Error("the host was not asked")
	}
	for _, request := range asked {
		if strings.Contains(request, " ") {
			t.Errorf("asked with credentials: %s", request)
		}
	}
}

func TestChartsOfRepositoriesInKustomizations(t *testing.T) {
	h := newHosts(t)
	h.permitted = []string{ownURL}
	h.configMaps["argocd-cm"] = map[string]string{"kustomize.buildOptions": "--enable-helm"}
	h.publish("redis", "1.0.0")
	h.put(ownURL, map[string]string{"app/kustomization.yaml": "helmCharts: [{name: redis, repo: '" + h.helmURL + "', version: 1.0.0}]\n"})
	if got := h.names(ownURL, false); got != "redis-redis" {
		t.Errorf("rendered %s", got)
	}
	h.put(ownURL, map[string]string{"app/kustomization.yaml": "helmCharts: [{name: redis, repo: '" + h.helmURL + "'}]\n"})
	if got := h.names(ownURL, false); got != "redis-redis" {
		t.Errorf("without a version: %s", got)
	}
	h.put(ownURL, map[string]string{"app/kustomization.yaml": "helmCharts: [{name: redis, repo: '" + h.helmURL + "', version: 9.9.9}]\n"})
	if got := h.names(ownURL, false); !strings.Contains(got, `chart "redis" 9.9.9`) {
		t.Errorf("a version that doesn't exist: %s", got)
	}
}
