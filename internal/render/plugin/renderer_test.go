package plugin_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/render"
	"fairlead.dev/fairlead/internal/render/plugin"
)

// fixture renders the commits of a repository with plugins.
type fixture struct {
	t          *testing.T
	dir        string
	sockets    string
	repository *git.Repository
	renderer   *render.Renderer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir()}
	f.git("init", "--quiet", "--initial-branch=main")
	options := git.Default()
	options.Dir = t.TempDir()
	store, err := git.NewStore(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f.repository = store.Repository(git.Remote{URL: "file://" + f.dir})
	plugins := plugin.Default()
	plugins.Sockets, plugins.Timeout = t.TempDir(), 3*time.Second
	f.sockets = plugins.Sockets
	rendering := render.Default()
	if rendering.Plugins, err = plugin.New(plugins); err != nil {
		t.Fatal(err)
	}
	if f.renderer, err = render.New(rendering); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) git(args ...string) {
	f.t.Helper()
	command := exec.Command("git", args...)
	command.Dir = f.dir
	command.Env = append(command.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	if out, err := command.CombinedOutput(); err != nil {
		f.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// commit writes files, given as name and content, and returns the new tree.
func (f *fixture) commit(files ...string) render.Tree {
	f.t.Helper()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(f.dir, files[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o644); err != nil {
			f.t.Fatal(err)
		}
	}
	f.git("add", "--all")
	f.git("commit", "--quiet", "--allow-empty", "-m", "c")
	ctx := context.Background()
	if err := f.repository.Fetch(ctx); err != nil {
		f.t.Fatal(err)
	}
	commit, err := f.repository.Resolve(ctx, "main")
	if err != nil {
		f.t.Fatal(err)
	}
	tree, err := f.repository.Tree(ctx, commit)
	if err != nil {
		f.t.Fatal(err)
	}
	return render.FromGit(tree)
}

// render returns the type and the names of what a source gives, or the error, and how many renderings that took.
func (f *fixture) render(tree render.Tree, source v1alpha1.ApplicationSource, paths string) (string, int) {
	f.t.Helper()
	source.Path = "web"
	before, _ := f.renderer.Counts()
	result, err := f.renderer.Render(f.t.Context(), render.Request{
		Tree: tree, Source: source, AppName: "guestbook", DestinationNamespace: "prod", KubeVersion: "1.33", APIVersions: []string{"v1", "apps/v1"},
		GeneratePaths: render.GeneratePaths(paths, source.Path),
	})
	after, _ := f.renderer.Counts()
	if err != nil {
		return "error: " + err.Error(), int(after - before)
	}
	words := []string{string(result.SourceType)}
	for _, u := range result.Objects {
		words = append(words, u.GetName())
	}
	return strings.Join(words, " "), int(after - before)
}

func (f *fixture) want(tree render.Tree, source v1alpha1.ApplicationSource, want string, renderings int) {
	f.t.Helper()
	if got, n := f.render(tree, source, ""); got != want && (!strings.HasPrefix(want, "error: ") || !strings.HasPrefix(got, want)) || n != renderings {
		f.t.Errorf("got %s in %d renderings, want %s in %d", got, n, want, renderings)
	}
}

// script prints a ConfigMap whose name the shell expands.
func script(name string) string {
	return "printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"%s\"}\n' \"" + name + `"`
}

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

func TestRenderByName(t *testing.T) {
	f := newFixture(t)
	plugin.Serve(t, f.sockets, "env", script("$ARGOCD_APP_NAME $ARGOCD_APP_SOURCE_PATH $KUBE_VERSION $KUBE_API_VERSIONS $ARGOCD_ENV_X"), "")
	source := v1alpha1.ApplicationSource{Plugin: &v1alpha1.ApplicationSourcePlugin{Name: "env", Env: []v1alpha1.EnvEntry{{Name: "X", Value: "${ARGOCD_APP_NAMESPACE}/$KUBE_VERSION"}}}}
	first := f.commit("web/cm.yaml", configMap("plain"))
	f.want(first, source, "Plugin guestbook web 1.33 v1,apps/v1 prod/1.33", 1)
	f.want(first, source, "Plugin guestbook web 1.33 v1,apps/v1 prod/1.33", 0)
	// What the plugin reads isn't known.
	f.want(f.commit("other/x", "x"), source, "Plugin guestbook web 1.33 v1,apps/v1 prod/1.33", 1)
	source.Plugin.Name = "missing"
	f.want(first, source, `error: plugin sidecar failed. couldn't find cmp-server plugin with name "missing" supporting the given repository`, 1)
	plugin.Serve(t, f.sockets, "missing", script("found"), "")
	f.want(first, source, "Plugin found", 1)
}

// TestGeneratePaths is about renderings that outlive commits, as the application names what it depends on.
func TestGeneratePaths(t *testing.T) {
	f := newFixture(t)
	plugin.Serve(t, f.sockets, "cat", "cat cm.yaml ../shared/*.yaml", "")
	source := v1alpha1.ApplicationSource{Plugin: &v1alpha1.ApplicationSourcePlugin{Name: "cat"}}
	f.commit("web/cm.yaml", configMap("a")+"---\n", "shared/s.yaml", configMap("s"))
	for _, step := range []struct {
		file, content, want string
		renderings          int
	}{
		{"web/x", "x", "Plugin a s", 1},
		{"other/x", "x", "Plugin a s", 0},
		{"web/cm.yaml", configMap("b") + "---\n", "Plugin b s", 1},
		{"shared/s.yaml", configMap("t"), "Plugin b t", 1},
		{"shared/more", "x", "Plugin b t", 1},
		{"top", "x", "Plugin b t", 0},
	} {
		tree := f.commit(step.file, step.content)
		if got, n := f.render(tree, source, ".;/shared/*.yaml"); got != step.want || n != step.renderings {
			t.Errorf("after %s: got %s in %d renderings, want %s in %d", step.file, got, n, step.want, step.renderings)
		}
	}
}

func TestDiscovery(t *testing.T) {
	f := newFixture(t)
	plugin.Serve(t, f.sockets, "marked", script("by-plugin"), "ls .marked 2>/dev/null || true")
	plain := f.commit("web/cm.yaml", configMap("plain"))
	f.want(plain, v1alpha1.ApplicationSource{}, "Directory plain", 1)
	f.want(f.commit("other/.marked", "x"), v1alpha1.ApplicationSource{}, "Directory plain", 0)
	marked := f.commit("web/.marked", "x")
	f.want(marked, v1alpha1.ApplicationSource{}, "Plugin by-plugin", 1)
	f.want(marked, v1alpha1.ApplicationSource{Directory: &v1alpha1.ApplicationSourceDirectory{}}, "Directory plain", 1)
	f.want(marked, v1alpha1.ApplicationSource{Plugin: &v1alpha1.ApplicationSourcePlugin{}}, "Plugin by-plugin", 1)
}

// TestDiscoveryFailsClosed: a plugin that doesn't answer might be the one that the application needs. Rendering plain
// manifests instead would delete what it made.
func TestDiscoveryFailsClosed(t *testing.T) {
	f := newFixture(t)
	plugin.ServeNothing(t, f.sockets, "down")
	tree := f.commit("web/cm.yaml", configMap("plain"))
	f.want(tree, v1alpha1.ApplicationSource{}, "error: asking plugin down for its configuration: no answer after 3s", 1)
	if err := os.Remove(filepath.Join(f.sockets, "down.sock")); err != nil {
		t.Fatal(err)
	}
	f.want(tree, v1alpha1.ApplicationSource{}, "Directory plain", 1)
}

func TestGeneratePathsOfAnnotation(t *testing.T) {
	for annotation, want := range map[string]string{
		"":                     "",
		".":                    "apps/web",
		"/":                    ".",
		"..":                   "apps",
		"/shared;.;../x":       "shared apps/web apps/x",
		" /a/b/ ; ;":           "a/b",
		"/a/*/c;x/*.yaml;/b?c": "a apps/web/x .",
		"../../../../etc":      "etc",
	} {
		if got := strings.Join(render.GeneratePaths(annotation, "apps/web"), " "); got != want {
			t.Errorf("%q: got %q, want %q", annotation, got, want)
		}
	}
}
