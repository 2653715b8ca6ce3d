package desired

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/artifact"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/render"
	"fairlead.dev/fairlead/internal/render/helm"
	"fairlead.dev/fairlead/internal/settings"
)

// world is a Git repository, a Helm repository and a registry, with a Source that reaches them.
type world struct {
	t      *testing.T
	source *Source
	// dir is the Git repository's folder.
	dir string

	mu sync.Mutex
	// web are the files of the HTTP server, asked what it was asked for with which user.
	web      map[string][]byte
	versions map[string][]string
	asked    []string
	// userOf is the one URL that the user is for; empty means all.
	userOf   string
	helmURL  string
	registry string

	configMaps map[string]map[string]string
	named      map[string]string
	user       string
	permitted  bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), web: map[string][]byte{}, versions: map[string][]string{}, configMaps: map[string]map[string]string{}, named: map[string]string{}}
	w.git("init", "--quiet", "--initial-branch=main")
	web := httptest.NewServer(w)
	t.Cleanup(web.Close)
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	w.helmURL, w.registry = web.URL, strings.TrimPrefix(images.URL, "http://")
	gitOptions := git.Default()
	gitOptions.Dir = t.TempDir()
	store, err := git.NewStore(gitOptions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	renderer, err := render.New(render.Default())
	if err != nil {
		t.Fatal(err)
	}
	options := artifact.Default()
	options.Dir, options.Lifetime = t.TempDir(), 0
	client, err := artifact.New(options)
	if err != nil {
		t.Fatal(err)
	}
	remote := func(_ context.Context, url, _ string) (git.Remote, error) { return git.Remote{URL: url}, nil }
	w.source = New(store, renderer, remote).WithArtifacts(Artifacts{
		Client: client, Settings: w,
		Permits: func(context.Context, string, string) (bool, error) { return w.permitted, nil },
	})
	return w
}

func (w *world) ArtifactRepository(_ context.Context, url, _ string) (artifact.Repository, error) {
	if w.userOf != "" && url != w.userOf {
		return artifact.Repository{URL: url}, nil
	}
	return artifact.Repository{URL: url, Username: w.user}, nil
}

func (w *world) HelmRepositoryNamed(_ context.Context, name, _ string) (string, error) {
	return w.named[name], nil
}

func (w *world) ConfigMap(_ context.Context, name string) (map[string]string, error) {
	return w.configMaps[name], nil
}

func (w *world) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	user, _, _ := request.BasicAuth()
	w.asked = append(w.asked, strings.TrimSpace(request.URL.Path+" "+user))
	content, ok := w.web[request.URL.Path]
	if !ok {
		http.NotFound(answer, request)
		return
	}
	answer.Write(content)
}

func (w *world) takeAsked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

func (w *world) git(args ...string) {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = w.dir
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (w *world) commit(files map[string]string) {
	w.t.Helper()
	for name, content := range files {
		name = filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	w.git("add", "--all")
	w.git("commit", "--quiet", "-m", "c")
}

func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	zipped := gzip.NewWriter(&buffer)
	archive := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// chart is one that renders a ConfigMap with the chart's version and the value "greeting".
func chart(name, version string) map[string]string {
	return map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n",
		"values.yaml": "greeting: none\n",
		"templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-{{ .Chart.Name }}\n" +
			"data:\n  version: {{ .Chart.Version }}\n  greeting: {{ .Values.greeting }}\n",
	}
}

func below(folder string, files map[string]string) map[string]string {
	moved := map[string]string{}
	for name, content := range files {
		moved[folder+"/"+name] = content
	}
	return moved
}

// publish adds a version of a chart to the Helm repository and to the registry.
func (w *world) publish(name, version string) {
	w.t.Helper()
	packed := pack(w.t, below(name, chart(name, version)))
	w.push("charts/"+name+":"+version, packed, artifact.ChartLayer)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.web["/"+name+"-"+version+".tgz"] = packed
	w.versions[name] = append(w.versions[name], version)
	index := "apiVersion: v1\nentries:\n"
	for _, chart := range slices.Sorted(maps.Keys(w.versions)) {
		index += "  " + chart + ":\n"
		for _, version := range w.versions[chart] {
			index += fmt.Sprintf("  - version: %s\n    urls: [%s-%s.tgz]\n", version, chart, version)
		}
	}
	w.web["/index.yaml"] = []byte(index)
}

func (w *world) push(reference string, layer []byte, mediaType string) string {
	w.t.Helper()
	ref, err := name.ParseReference(w.registry+"/"+reference, name.Insecure)
	if err != nil {
		w.t.Fatal(err)
	}
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(layer, types.MediaType(mediaType)))
	if err != nil {
		w.t.Fatal(err)
	}
	image = mutate.Annotations(image, map[string]string{
		"org.opencontainers.image.version": ref.Identifier(), "org.opencontainers.image.authors": "Ann",
	}).(v1.Image)
	if err := remote.Write(ref, image); err != nil {
		w.t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		w.t.Fatal(err)
	}
	return digest.String()
}

// gitSource is a path of the Git repository.
func (w *world) gitSource(path string) v1alpha1.ApplicationSource {
	return v1alpha1.ApplicationSource{RepoURL: "file://" + w.dir, Path: path, TargetRevision: "main"}
}

// deploy fetches, resolves and renders, and returns what came of it in a word for each object.
func (w *world) deploy(hard bool, sources ...v1alpha1.ApplicationSource) (string, *Manifests) {
	w.t.Helper()
	ctx := context.Background()
	fail := func(err error) (string, *Manifests) { return "error: " + err.Error(), nil }
	if err := w.source.Fetch(ctx, "default", sources); err != nil {
		return fail(err)
	}
	revisions, err := w.source.Resolve(ctx, "default", sources, nil)
	if err != nil {
		return fail(err)
	}
	manifests, err := w.source.Render(ctx, Request{Instance: "shop", Project: "default", Namespace: "prod", Sources: sources, Revisions: revisions, Hard: hard})
	if err != nil {
		return fail(err)
	}
	var words []string
	for _, u := range manifests.Objects {
		data, _ := u.Object["data"].(map[string]any)
		words = append(words, fmt.Sprintf("%s=%v/%v", u.GetName(), data["version"], data["greeting"]))
	}
	slices.Sort(words)
	return strings.Join(words, " "), manifests
}

func (w *world) expect(want string, hard bool, sources ...v1alpha1.ApplicationSource) *Manifests {
	w.t.Helper()
	got, manifests := w.deploy(hard, sources...)
	if got != want && (!strings.HasPrefix(want, "error") || !strings.Contains(got, strings.TrimPrefix(want, "error: "))) {
		w.t.Errorf("got  %s\nwant %s", got, want)
	}
	return manifests
}

func TestChartsFromRepositories(t *testing.T) {
	w := newWorld(t)
	w.publish("web", "1.0.0")
	for name, source := range map[string]v1alpha1.ApplicationSource{
		"http":                {RepoURL: w.helmURL},
		"registry":            {RepoURL: w.registry + "/charts"},
		"registry with oci:/": {RepoURL: "oci://" + w.registry + "/charts"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			source.Chart, source.TargetRevision = "web", "1.0.0"
			source.Helm = &v1alpha1.ApplicationSourceHelm{Values: "greeting: hello"}
			manifests := w.expect("shop-web=1.0.0/hello", false, source)
			if manifests == nil || manifests.Revisions[0] != "1.0.0" || manifests.Types[0] != v1alpha1.ApplicationSourceTypeHelm {
				t.Errorf("got %+v", manifests)
			}
		})
	}
}

// TestNewChartVersionIsNoticed is what polling does: one question, and who is concerned renders anew.
func TestNewChartVersionIsNoticed(t *testing.T) {
	w := newWorld(t)
	w.publish("web", "1.0.0")
	ctx := context.Background()
	for _, repository := range []string{w.helmURL, w.registry + "/charts"} {
		floating := v1alpha1.ApplicationSources{{RepoURL: repository, Chart: "web", TargetRevision: ">=1.0.0"}}
		exact := v1alpha1.ApplicationSources{{RepoURL: repository, Chart: "web", TargetRevision: "1.0.0"}}
		newest := "1.0.0"
		if repository != w.helmURL {
			newest = "1.1.0"
		}
		manifests := w.expect("shop-web="+newest+"/none", false, floating...)
		pinned := w.expect("shop-web=1.0.0/none", false, exact...)
		before, err := w.source.Refs(ctx, "default", floating)
		if err != nil || manifests == nil || pinned == nil {
			t.Fatal(err)
		}
		if newest == "1.0.0" {
			w.publish("web", "1.1.0")
		} else {
			w.publish("web", "1.2.0")
		}
		after, err := w.source.Refs(ctx, "default", floating)
		if err != nil || maps.Equal(before, after) {
			t.Errorf("refs are %v after %v, %v", after, before, err)
		}
		revisions, err := w.source.Resolve(ctx, "default", floating, nil)
		if err != nil || w.source.Unchanged(ctx, manifests, revisions) {
			t.Errorf("at %v nothing has changed, %v", revisions, err)
		}
		if revisions, err = w.source.Resolve(ctx, "default", exact, nil); err != nil || !w.source.Unchanged(ctx, pinned, revisions) {
			t.Errorf("an exact version has changed to %v, %v", revisions, err)
		}
		if refs, err := w.source.Refs(ctx, "default", exact); err != nil || refs["web@1.0.0"] != "1.0.0" {
			t.Errorf("refs of an exact version are %v, %v", refs, err)
		}
	}
}

// TestAbsentChartConcernsNobodyElse: others of the same repository go on.
func TestAbsentChartConcernsNobodyElse(t *testing.T) {
	w := newWorld(t)
	w.publish("web", "1.0.0")
	for _, repository := range []string{w.helmURL, w.registry + "/charts"} {
		good := v1alpha1.ApplicationSource{RepoURL: repository, Chart: "web", TargetRevision: "1.x"}
		absent := v1alpha1.ApplicationSource{RepoURL: repository, Chart: "gone", TargetRevision: "1.x"}
		both := v1alpha1.ApplicationSources{good, absent}
		if err := w.source.Fetch(context.Background(), "default", both); err != nil {
			t.Error(err)
		}
		if refs, err := w.source.Refs(context.Background(), "default", both); err != nil || len(refs) != 2 {
			t.Errorf("refs are %v, %v", refs, err)
		}
		w.expect("shop-web=1.0.0/none", false, good)
		w.expect("error: ", false, absent)
		good.TargetRevision = "^2"
		w.expect("error: version matching constraint ^2 not found in 1 versions", false, good)
	}
}

func TestArtifactsOfARegistry(t *testing.T) {
	const layer = "application/vnd.oci.image.layer.v1.tar+gzip"
	w := newWorld(t)
	manifest := func(version string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\ndata: {version: " + version + ", greeting: hi}\n"
	}
	files := map[string]string{
		"plain/cm.yaml": manifest("one"), "overlay/kustomization.yaml": "namePrefix: my-\nresources: [cm.yaml]\n", "overlay/cm.yaml": manifest("one"),
	}
	maps.Copy(files, below("chart", chart("web", "3.0.0")))
	first := w.push("deploy:1.0.0", pack(t, files), layer)
	w.push("deploy:chart", pack(t, below("web", chart("web", "4.0.0"))), artifact.ChartLayer)
	source := func(path, target string) v1alpha1.ApplicationSource {
		return v1alpha1.ApplicationSource{RepoURL: "oci://" + w.registry + "/deploy", Path: path, TargetRevision: target}
	}
	manifests := w.expect("plain=one/hi", false, source("plain", "1.x"))
	if manifests != nil && manifests.Revisions[0] != first {
		t.Errorf("revision is %s, want the digest %s", manifests.Revisions[0], first)
	}
	w.expect("my-plain=one/hi", false, source("overlay", "1.0.0"))
	w.expect("shop-web=3.0.0/none", false, source("chart", first))
	w.expect("shop-web=4.0.0/none", false, source(".", "chart"))
	w.expect("error: failed to generate manifest for source 1 of 1: gone: app path does not exist", false, source("gone", "1.0.0"))
	w.expect("error: looking up the tag 9 of image", false, source("plain", "9"))
	w.configMaps[settings.CmdParamsConfigMap] = map[string]string{settings.OCILayerTypesKey: "application/zip, text/plain"}
	w.push("deploy:2.0.0", pack(t, map[string]string{"plain/cm.yaml": manifest("two")}), layer)
	w.expect("error: failed to generate manifest for source 1 of 1: reading "+w.registry+"/deploy at sha256:", false, source("plain", "2.0.0"))
}

func TestDetails(t *testing.T) {
	w := newWorld(t)
	files := below("web", chart("web", "1.0.0"))
	files["web/Chart.yaml"] += "description: Serves\nhome: https://example.com\nmaintainers:\n- {name: Ann, email: ann@example.com}\n- {name: Bob}\n"
	w.push("charts/web:1.0.0", pack(t, files), artifact.ChartLayer)
	source := v1alpha1.ApplicationSource{RepoURL: w.registry + "/charts", Chart: "web", TargetRevision: "1.x"}
	details, err := w.source.ChartDetails(context.Background(), "default", source, "1.0.0")
	if err != nil || details.Description != "Serves" || details.Home != "https://example.com" || strings.Join(details.Maintainers, ",") != "Ann <ann@example.com>,Bob" {
		t.Errorf("got %+v, %v", details, err)
	}
	if _, err := w.source.ChartDetails(context.Background(), "default", w.gitSource("app"), "main"); err == nil {
		t.Error("a folder in Git has the details of a chart")
	}
	metadata, err := w.source.OCIMetadata(context.Background(), "default", v1alpha1.ApplicationSource{RepoURL: "oci://" + w.registry + "/charts/web", Path: "."}, "1.0.0")
	if err != nil || metadata.Version != "1.0.0" || metadata.Authors != "Ann" {
		t.Errorf("got %+v, %v", metadata, err)
	}
}

func TestSeveralSources(t *testing.T) {
	w := newWorld(t)
	w.publish("web", "1.0.0")
	w.commit(map[string]string{"values/prod.yaml": "greeting: prod\n", "plain/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n"})
	values := w.gitSource("")
	values.Ref = "values"
	chart := v1alpha1.ApplicationSource{RepoURL: w.helmURL, Chart: "web", TargetRevision: "1.x",
		Helm: &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$values/values/prod.yaml"}}}
	manifests := w.expect("plain=<nil>/<nil> shop-web=1.0.0/prod", false, chart, values, w.gitSource("plain"))
	if manifests == nil || len(manifests.Revisions) != 3 || manifests.Revisions[0] != "1.0.0" || len(manifests.Types) != 2 {
		t.Fatalf("got %+v", manifests)
	}
	// A commit that touches none of it changes nothing, one that touches the values does.
	ctx := context.Background()
	for _, step := range []struct {
		files     map[string]string
		unchanged bool
	}{{map[string]string{"README": "x"}, true}, {map[string]string{"values/prod.yaml": "greeting: new\n"}, false}} {
		w.commit(step.files)
		if err := w.source.Fetch(ctx, "default", manifests.Sources); err != nil {
			t.Fatal(err)
		}
		revisions, err := w.source.Resolve(ctx, "default", manifests.Sources, nil)
		if err != nil || w.source.Unchanged(ctx, manifests, revisions) != step.unchanged {
			t.Errorf("after %v unchanged is not %v, %v", step.files, step.unchanged, err)
		}
	}
	chart.Helm.ValueFiles = []string{"$other/x.yaml"}
	chart.Name = "shop"
	w.expect(`error: failed to generate manifest for source 1 of 2 (shop): value file "$other/x.yaml": source referenced "$other", but no source has a 'ref' field defined`, false, chart, values)
	chart.Helm.ValueFiles = nil
	w.expect(`error: failed to generate manifest for source 3 of 3: multiple sources have the ref "values"`, false, chart, values, values)
}

func TestDependenciesFromRepositories(t *testing.T) {
	w := newWorld(t)
	w.publish("db", "1.0.0")
	w.named["stable"] = w.helmURL
	parent := func(repository, version, more string) map[string]string {
		files := below("app", chart("app", "0.1.0"))
		files["app/Chart.yaml"] += "dependencies:\n- name: db\n  version: " + version + "\n  repository: " + repository + "\n" + more
		return files
	}
	for _, repository := range []string{w.helmURL, "oci://" + w.registry + "/charts", "'@stable'", "alias:stable"} {
		w.commit(parent(repository, "1.x", "# "+repository+"\n"))
		w.expect("shop-app=0.1.0/none shop-db=1.0.0/none", false, w.gitSource("app"))
	}
	// Values, alias and condition are the chart's own business.
	w.commit(parent(w.helmURL, "1.x", "  alias: store\n  condition: store.enabled\n"))
	source := w.gitSource("app")
	source.Helm = &v1alpha1.ApplicationSourceHelm{Values: "store: {greeting: deep}"}
	w.expect("shop-app=0.1.0/none shop-store=1.0.0/deep", false, source)
	source.Helm = &v1alpha1.ApplicationSourceHelm{Values: "store: {enabled: false}"}
	w.expect("shop-app=0.1.0/none", false, source)

	// A version that floats is looked for with a hard refresh; Chart.lock holds it.
	w.commit(parent(w.helmURL, "1.x", ""))
	w.expect("shop-app=0.1.0/none shop-db=1.0.0/none", false, w.gitSource("app"))
	w.publish("db", "1.5.0")
	w.expect("shop-app=0.1.0/none shop-db=1.0.0/none", false, w.gitSource("app"))
	w.expect("shop-app=0.1.0/none shop-db=1.5.0/none", true, w.gitSource("app"))
	w.commit(map[string]string{"app/Chart.lock": "dependencies:\n- name: db\n  repository: " + w.helmURL + "\n  version: 1.0.0\ndigest: x\ngenerated: 2020-01-01T00:00:00Z\n"})
	w.expect("shop-app=0.1.0/none shop-db=1.0.0/none", false, w.gitSource("app"))
	w.commit(parent(w.helmURL, "'>=1.5'", ""))
	w.expect("error: the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml)", false, w.gitSource("app"))
}

func TestDependenciesThatCantBeHad(t *testing.T) {
	w := newWorld(t)
	w.publish("db", "1.0.0")
	for repository, want := range map[string]string{
		w.helmURL:              "version matching constraint 2.x not found in 1 versions",
		"http://127.0.0.1:1":   "connection refused",
		"'@nowhere'":           "no repository definition for @nowhere",
		"ftp://example.com/x":  "neither an http(s) nor an oci address",
		"file://../../outside": "leads out of the repository",
		"''":                   "names no repository",
	} {
		w.commit(map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- {name: db, version: 2.x, repository: " + repository + "}\n"})
		w.expect("error: "+want, false, w.gitSource("app"))
	}
}

// TestDependencyGetsCredentialsOnlyIfPermitted: a chart may name any repository, and must not get at what its project can't.
func TestDependencyGetsCredentialsOnlyIfPermitted(t *testing.T) {
	w := newWorld(t)
	w.user = "robot"
	w.publish("db", "1.0.0")
	w.commit(map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- {name: db, version: 1.x, repository: " + w.helmURL + "}\n"})
	for _, w.permitted = range []bool{false, true} {
		w.takeAsked()
		w.expect("shop-db=1.0.0/none", true, w.gitSource("app"))
		for _, asked := range w.takeAsked() {
			if strings.HasSuffix(asked, " robot") != w.permitted {
				t.Errorf("permitted is %v, asked %q", w.permitted, asked)
			}
		}
	}
}

// TestDependencySaysWhatIsNotPermitted: who only sees that the repository refuses, would look for the fault in its credentials.
func TestDependencySaysWhatIsNotPermitted(t *testing.T) {
	w := newWorld(t)
	w.publish("db", "1.0.0")
	oci := "oci://" + w.registry + "/nothing"
	w.commit(map[string]string{"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n" +
		"- {name: db, version: 1.x, repository: " + w.helmURL + "}\n" +
		"- {name: db, version: 2.x, repository: " + w.helmURL + ", alias: again}\n" +
		"- {name: web, version: 1.0.0, repository: " + oci + "}\n"})
	w.expect("error: helm repos "+w.helmURL+", "+w.registry+"/nothing are not permitted in project 'default'", false, w.gitSource("app"))
	w.permitted = true
	_, err := w.source.network("default", w.gitSource("app"), false).Chart(t.Context(), helm.Dependency{Name: "web", Version: "1.0.0", Repository: oci})
	if err == nil || strings.Contains(err.Error(), "permitted") {
		t.Errorf("with the project's permission: %v", err)
	}
}

// TestDependencyPassesCredentials: the hosts that a repository's index names get its credentials if the source says so.
func TestDependencyPassesCredentials(t *testing.T) {
	w := newWorld(t)
	w.user = "robot"
	for _, w.permitted = range []bool{false, true} {
		for _, passes := range []bool{false, true} {
			source := w.gitSource("app")
			source.Helm = &v1alpha1.ApplicationSourceHelm{PassCredentials: passes}
			of := w.source.network("default", source, false).(*network)
			o, err := of.dependency(t.Context(), helm.Dependency{Name: "db", Version: "1.x", Repository: w.helmURL})
			if err != nil || o.Repository.PassCredentials != (passes && w.permitted) {
				t.Errorf("passCredentials is %v, permitted %v: passed on %v (%v)", passes, w.permitted, o.Repository.PassCredentials, err)
			}
		}
	}
}

func TestDependencyHasTheCredentialsOfItsImage(t *testing.T) {
	w := newWorld(t)
	w.user, w.userOf, w.permitted = "robot", "oci://"+w.registry+"/charts/db", true
	for name, user := range map[string]string{"db": "robot", "web": ""} {
		of := w.source.network("default", w.gitSource("app"), false).(*network)
		o, err := of.dependency(t.Context(), helm.Dependency{Name: name, Version: "1.x", Repository: "oci://" + w.registry + "/charts"})
		if err != nil || o.Repository.Username != user || o.Repository.URL != "oci://"+w.registry+"/charts" {
			t.Errorf("%s: %+v (%v)", name, o.Repository, err)
		}
	}
}

func TestRemoteValueFiles(t *testing.T) {
	w := newWorld(t)
	w.commit(below("app", chart("app", "1.0.0")))
	w.web["/prod.yaml"] = []byte("greeting: remote\n")
	w.web["/text"] = []byte("from a file")
	source := w.gitSource("app")
	source.Helm = &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{w.helmURL + "/prod.yaml"}}
	manifests := w.expect("shop-app=1.0.0/remote", false, source)
	source.Helm = &v1alpha1.ApplicationSourceHelm{FileParameters: []v1alpha1.HelmFileParameter{{Name: "greeting", Path: w.helmURL + "/text"}}}
	w.expect("shop-app=1.0.0/from a file", false, source)
	source.Helm = &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{w.helmURL + "/gone.yaml"}, IgnoreMissingValueFiles: true}
	w.expect("error: there is no such file (404)", false, source)
	source.Helm = &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"file:///etc/passwd"}}
	w.expect("error: the URL scheme 'file' is not allowed", false, source)
	w.configMaps[settings.ConfigMapName] = map[string]string{settings.ValuesFileSchemesKey: "https"}
	source.Helm = &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{w.helmURL + "/prod.yaml"}, ReleaseName: "other"}
	w.expect("error: the URL scheme 'http' is not allowed", false, source)
	// A new commit looks at the file again, as in Argo CD.
	ctx := context.Background()
	w.commit(map[string]string{"README": "x"})
	if err := w.source.Fetch(ctx, "default", manifests.Sources); err != nil {
		t.Fatal(err)
	}
	if revisions, err := w.source.Resolve(ctx, "default", manifests.Sources, nil); err != nil || w.source.Unchanged(ctx, manifests, revisions) {
		t.Errorf("what is at a URL is taken for unchanged at another commit, %v", err)
	}
}
