package render

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/git"
)

// origin is a repository to commit to.
type origin struct {
	t          testing.TB
	dir        string
	repository *git.Repository
}

func newOrigin(t testing.TB) *origin {
	t.Helper()
	o := &origin{t: t, dir: t.TempDir()}
	o.git("init", "--quiet", "--initial-branch=main")
	options := git.Default()
	options.Dir = t.TempDir()
	store, err := git.NewStore(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	o.repository = store.Repository(git.Remote{URL: "file://" + o.dir})
	return o
}

func (o *origin) git(args ...string) {
	o.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = o.dir
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	if out, err := cmd.CombinedOutput(); err != nil {
		o.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// commit writes files (empty deletes) and returns the tree of the commit.
func (o *origin) commit(files map[string]string) Tree {
	o.t.Helper()
	for name, content := range files {
		name = filepath.Join(o.dir, name)
		os.MkdirAll(filepath.Dir(name), 0o755)
		var err error
		if content == "" {
			err = os.Remove(name)
		} else {
			err = os.WriteFile(name, []byte(content), 0o644)
		}
		if err != nil {
			o.t.Fatal(err)
		}
	}
	o.git("add", "--all")
	o.git("commit", "--quiet", "--allow-empty", "-m", "c")
	return o.tree()
}

func (o *origin) tree() Tree {
	o.t.Helper()
	ctx := context.Background()
	if err := o.repository.Fetch(ctx); err != nil {
		o.t.Fatal(err)
	}
	commit, err := o.repository.Resolve(ctx, "main")
	if err != nil {
		o.t.Fatal(err)
	}
	tree, err := o.repository.Tree(ctx, commit)
	if err != nil {
		o.t.Fatal(err)
	}
	return FromGit(tree)
}

func newRenderer(t testing.TB) *Renderer {
	t.Helper()
	renderer, err := New(Default())
	if err != nil {
		t.Fatal(err)
	}
	return renderer
}

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n"
}

func deployment(image string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: " + image + "\n"
}

const chartYAML = "apiVersion: v2\nname: web\nversion: 1.0.0\n"

func request(tree Tree, path string) Request {
	return Request{Tree: tree, Source: v1alpha1.ApplicationSource{RepoURL: "https://git/x", Path: path}, AppName: "guestbook", DestinationNamespace: "prod", Project: "default"}
}

// typeAndNames is what a source was found to be, and its objects.
func typeAndNames(result *Result) string {
	text := string(result.SourceType)
	for _, u := range result.Objects {
		text += " " + u.GetName()
	}
	return text
}

func TestDetection(t *testing.T) {
	o := newOrigin(t)
	tree := o.commit(map[string]string{
		"plain/cm.yaml":         configMap("plain"),
		"k1/kustomization.yaml": "resources: [cm.yaml]\n", "k1/cm.yaml": configMap("k1"),
		"k2/kustomization.yml": "resources: [cm.yaml]\n", "k2/cm.yaml": configMap("k2"),
		"k3/Kustomization": "resources: [cm.yaml]\n", "k3/cm.yaml": configMap("k3"),
		"chart/Chart.yaml": chartYAML, "chart/templates/x.yaml": configMap("{{ .Release.Name }}"),
		"chart/kustomization.yaml": "resources: [templates/cm.yaml]\n",
		"file":                     "x",
		"only-values/values.yaml":  "a: b\n",
	})
	directory := v1alpha1.ApplicationSource{Directory: &v1alpha1.ApplicationSourceDirectory{Recurse: true, Include: "*cm.yaml"}}
	for _, test := range []struct {
		path   string
		source v1alpha1.ApplicationSource
		want   string
	}{
		{"plain", v1alpha1.ApplicationSource{}, "Directory plain"},
		{"k1", v1alpha1.ApplicationSource{}, "Kustomize k1"},
		{"k2", v1alpha1.ApplicationSource{}, "Kustomize k2"},
		{"k3", v1alpha1.ApplicationSource{}, "Kustomize k3"},
		{"./k1/", v1alpha1.ApplicationSource{}, "Kustomize k1"},
		{"chart", v1alpha1.ApplicationSource{}, "Helm guestbook"},
		{"chart", v1alpha1.ApplicationSource{Helm: &v1alpha1.ApplicationSourceHelm{ReleaseName: "r"}}, "Helm r"},
		{"k1", directory, "Directory k1"},
		{"only-values", v1alpha1.ApplicationSource{}, "Directory"},
		{"k1", v1alpha1.ApplicationSource{Helm: &v1alpha1.ApplicationSourceHelm{}}, "error: k1: loading the chart: Chart.yaml file is missing"},
		{"plain", v1alpha1.ApplicationSource{Kustomize: &v1alpha1.ApplicationSourceKustomize{}}, "error: plain has no kustomization.yaml"},
		{"k1", v1alpha1.ApplicationSource{Helm: &v1alpha1.ApplicationSourceHelm{}, Kustomize: &v1alpha1.ApplicationSourceKustomize{}}, "error: multiple application sources defined: Kustomize,Helm"},
		{"nowhere", v1alpha1.ApplicationSource{}, "error: nowhere: app path does not exist"},
		{"file", v1alpha1.ApplicationSource{}, "error: file: app path is not a directory"},
		{"/plain", v1alpha1.ApplicationSource{}, "error: /plain: app path is absolute"},
		{"../x", v1alpha1.ApplicationSource{}, "error: ../x: app path leads out of the repository"},
		{"plain", v1alpha1.ApplicationSource{Plugin: &v1alpha1.ApplicationSourcePlugin{}}, "error: plain: this hub has no config management plugins"},
	} {
		r := request(tree, test.path)
		path := r.Source.Path
		r.Source = test.source
		r.Source.Path = path
		result, err := newRenderer(t).Render(context.Background(), r)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = typeAndNames(result)
		}
		if got != test.want && !(err != nil && strings.HasPrefix(got, test.want)) {
			t.Errorf("%s: got %q, want %q", test.path, got, test.want)
		}
	}
}

// TestOverrides is the image updater's way: files in the source's folder change parameters.
func TestToolsThatAreOff(t *testing.T) {
	o := newOrigin(t)
	tree := o.commit(map[string]string{
		"k/kustomization.yaml": "resources: [cm.yaml]\nnamePrefix: k-\n", "k/cm.yaml": configMap("cm"),
		"chart/Chart.yaml": chartYAML, "chart/templates/x.yaml": configMap("x"), "chart/y.yaml": configMap("plain"),
		"j/a.jsonnet": `{apiVersion: "v1", kind: "ConfigMap", metadata: {name: "a"}}`, "j/b.yaml": configMap("b"),
	})
	helm := v1alpha1.ApplicationSource{Helm: &v1alpha1.ApplicationSourceHelm{ReleaseName: "r"}}
	for _, test := range []struct {
		key, path string
		source    v1alpha1.ApplicationSource
		on, off   string
	}{
		{"kustomize.enable", "k", v1alpha1.ApplicationSource{}, "Kustomize k-cm", "Directory cm"},
		{"helm.enable", "chart", v1alpha1.ApplicationSource{}, "Helm x", "Directory plain"},
		{"helm.enable", "chart", helm, "Helm x", "Directory plain"},
		{"jsonnet.enable", "j", v1alpha1.ApplicationSource{}, "Directory a b", "Directory b"},
	} {
		renderer := newRenderer(t)
		for value, want := range map[string]string{"": test.on, "true": test.on, "false": test.off} {
			r := request(tree, test.path)
			path := r.Source.Path
			r.Source = test.source
			r.Source.Path, r.Settings = path, SettingsFrom(map[string]string{test.key: value})
			result, err := renderer.Render(context.Background(), r)
			if err != nil {
				t.Errorf("%s: %q: %v", test.key, value, err)
				continue
			}
			if got := typeAndNames(result); got != want {
				t.Errorf("%s: %q: got %q, want %q", test.key, value, got, want)
			}
		}
	}
}

func TestOverrides(t *testing.T) {
	o := newOrigin(t)
	files := map[string]string{
		"chart/Chart.yaml":            chartYAML,
		"chart/values.yaml":           "image: {name: web, tag: v1}\n",
		"chart/templates/web.yaml":    deployment("{{ .Values.image.name }}:{{ .Values.image.tag }}"),
		"overlay/kustomization.yaml":  "resources: [web.yaml]\n",
		"overlay/web.yaml":            deployment("web:v1"),
		"chart/.argocd-source.yaml":   "helm:\n  parameters:\n  - {name: image.tag, value: everyone}\npath: elsewhere\n",
		"broken/.argocd-source.yaml":  "helm: [\n",
		"broken2/.argocd-source.yaml": "- helm\n",
		"broken3/.argocd-source.yaml": "helm: {parameters: 5}\n",
	}
	tree := o.commit(files)
	renderer := newRenderer(t)
	image := func(tree Tree, path string, adjust func(*Request)) string {
		t.Helper()
		r := request(tree, path)
		if adjust != nil {
			adjust(&r)
		}
		result, err := renderer.Render(context.Background(), r)
		if err != nil {
			return "error: " + err.Error()
		}
		return strings.Join(result.Images, " ")
	}
	spec := func(r *Request) {
		r.Source.Helm = &v1alpha1.ApplicationSourceHelm{Parameters: []v1alpha1.HelmParameter{{Name: "image.name", Value: "spec"}}, Values: "image: {name: kept}"}
	}
	for _, step := range []struct{ got, want string }{
		{image(tree, "chart", nil), "web:everyone"},
		{image(tree, "chart", spec), "kept:everyone"}, // the list of parameters is replaced, other fields stay
		{image(tree, "overlay", nil), "web:v1"},
		{image(tree, "broken", nil), "error: broken/.argocd-source.yaml: "},
		{image(tree, "broken2", nil), "error: broken2/.argocd-source.yaml: it must be a mapping"},
		{image(tree, "broken3", nil), "error: broken3/.argocd-source.yaml: it doesn't fit an application's source"},
		{image(tree, "chart", func(r *Request) { r.AppName = "../x" }), `error: application name "../x" can't be part of a file name`},
	} {
		if step.got != step.want && !(strings.HasPrefix(step.want, "error") && strings.HasPrefix(step.got, step.want)) {
			t.Errorf("got %q, want %q", step.got, step.want)
		}
	}
	tree = o.commit(map[string]string{
		"chart/.argocd-source-guestbook.yaml":   "helm:\n  parameters:\n  - name: image.tag\n    value: v2\n    forcestring: true\n",
		"overlay/.argocd-source-guestbook.yaml": "kustomize:\n  images:\n  - web=registry:5000/web:v2\n",
	})
	for _, step := range []struct{ got, want string }{
		{image(tree, "chart", nil), "web:v2"},
		{image(tree, "overlay", nil), "registry:5000/web:v2"},
		{image(tree, "chart", func(r *Request) { r.AppName = "other" }), "web:everyone"},
	} {
		if step.got != step.want {
			t.Errorf("after the update: got %q, want %q", step.got, step.want)
		}
	}
}

func TestBuildVariables(t *testing.T) {
	o := newOrigin(t)
	files := map[string]string{
		"chart/Chart.yaml":         chartYAML,
		"chart/templates/web.yaml": deployment("web:{{ .Values.tag }}") + "---\n" + configMap("{{ .Values.name }}"),
	}
	first := o.commit(files)
	second := o.commit(map[string]string{"other": "x"})
	renderer := newRenderer(t)
	render := func(tree Tree, tag string) *Result {
		r := request(tree, "chart")
		r.Source.Helm = &v1alpha1.ApplicationSourceHelm{Parameters: []v1alpha1.HelmParameter{
			{Name: "tag", Value: tag}, {Name: "name", Value: "${ARGOCD_APP_NAME}-$ARGOCD_APP_NAMESPACE$UNKNOWN"}}}
		result, err := renderer.Render(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	result := render(first, "$ARGOCD_APP_REVISION_SHORT")
	if result.Images[0] != "web:"+first.Revision()[:7] || result.Objects[1].GetName() != "guestbook-prod" {
		t.Errorf("got %v and %s", result.Images, result.Objects[1].GetName())
	}
	// A rendering that contains the commit is not reused at another; one without is.
	if result = render(second, "$ARGOCD_APP_REVISION_SHORT"); result.Cached || result.Images[0] != "web:"+second.Revision()[:7] {
		t.Errorf("at the next commit: %v, cached %v", result.Images, result.Cached)
	}
	render(first, "fixed")
	if result = render(second, "fixed"); !result.Cached {
		t.Error("a rendering without variables was not reused")
	}
}

// TestReuse is what makes monorepos fast: a commit renders what it touches, nothing else.
func TestReuse(t *testing.T) {
	const applications = 100
	o := newOrigin(t)
	files := map[string]string{"base/kustomization.yaml": "resources: [cm.yaml]\n", "base/cm.yaml": configMap("base")}
	for i := range applications {
		files[fmt.Sprintf("apps/%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [cm.yaml, ../../base]\nnameSuffix: \"-%d\"\n", i)
		files[fmt.Sprintf("apps/%d/cm.yaml", i)] = configMap("own")
	}
	tree := o.commit(files)
	renderer := newRenderer(t)
	// renderAll returns how many were really rendered.
	renderAll := func(tree Tree) int64 {
		t.Helper()
		before, _ := renderer.Counts()
		for i := range applications {
			r := request(tree, fmt.Sprintf("apps/%d", i))
			r.AppName = fmt.Sprint("app-", i)
			if _, err := renderer.Render(context.Background(), r); err != nil {
				t.Fatal(err)
			}
		}
		after, _ := renderer.Counts()
		return after - before
	}
	for _, step := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing is known", nil, applications},
		{"nothing changed", nil, 0},
		{"another file", map[string]string{"README.md": "x"}, 0},
		{"one application", map[string]string{"apps/7/cm.yaml": configMap("changed")}, 1},
		{"a file beside that is not read", map[string]string{"apps/7/notes.txt": "x"}, 0},
		{"overrides for one", map[string]string{"apps/8/.argocd-source-app-8.yaml": "kustomize: {namePrefix: x-}\n"}, 1},
		{"overrides for another name", map[string]string{"apps/8/.argocd-source-app-9.yaml": "kustomize: {namePrefix: x-}\n"}, 0},
		{"a chart appears", map[string]string{"apps/9/Chart.yaml": chartYAML}, 1},
		{"the base of all", map[string]string{"base/cm.yaml": configMap("new-base")}, applications - 1}, // but the chart
	} {
		if step.files != nil {
			tree = o.commit(step.files)
		}
		if got := renderAll(tree); got != step.want {
			t.Errorf("%s: %d were rendered, want %d", step.name, got, step.want)
		}
	}
}

func TestErrorsAreRememberedToo(t *testing.T) {
	o := newOrigin(t)
	renderer := newRenderer(t)
	broken := o.commit(map[string]string{"app/x.yaml": "apiVersion: v1\nkind: [\n"})
	other := o.commit(map[string]string{"other": "x"})
	mended := o.commit(map[string]string{"app/x.yaml": configMap("x")})
	for _, step := range []struct {
		tree     Tree
		rendered int64
		fails    bool
	}{{broken, 1, true}, {broken, 1, true}, {other, 1, true}, {mended, 2, false}} {
		_, err := renderer.Render(context.Background(), request(step.tree, "app"))
		if rendered, _ := renderer.Counts(); rendered != step.rendered || (err != nil) != step.fails {
			t.Errorf("rendered %d times, want %d: %v", rendered, step.rendered, err)
		}
	}
}

func TestRefs(t *testing.T) {
	charts, values := newOrigin(t), newOrigin(t)
	chart := charts.commit(map[string]string{"chart/Chart.yaml": chartYAML, "chart/templates/web.yaml": deployment("web:{{ .Values.tag }}")})
	first := values.commit(map[string]string{"prod/values.yaml": "tag: v1\n"})
	unrelated := values.commit(map[string]string{"dev/values.yaml": "tag: v9\n"})
	second := values.commit(map[string]string{"prod/values.yaml": "tag: v2\n"})
	renderer := newRenderer(t)
	var last *Result
	for _, step := range []struct {
		values Tree
		image  string
		cached bool
	}{{first, "web:v1", false}, {unrelated, "web:v1", true}, {second, "web:v2", false}} {
		r := request(chart, "chart")
		r.Refs = map[string]Tree{"values": step.values}
		r.Source.Helm = &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"$values/prod/values.yaml"}}
		result, err := renderer.Render(context.Background(), r)
		if err != nil || result.Images[0] != step.image || result.Cached != step.cached {
			t.Errorf("got %+v, %v; want %v", result, err, step)
		}
		last = result
	}
	if last == nil {
		t.FailNow()
	}
	if last.Holds(chart, map[string]Tree{"values": first}, nil) || !last.Holds(chart, map[string]Tree{"values": second}, nil) {
		t.Error("Holds doesn't tell the values apart")
	}
}

func TestCapabilitiesCountForChartsOnly(t *testing.T) {
	o := newOrigin(t)
	tree := o.commit(map[string]string{"plain/cm.yaml": configMap("plain"), "chart/Chart.yaml": chartYAML})
	renderer := newRenderer(t)
	for path, want := range map[string]bool{"plain": true, "chart": false} {
		r := request(tree, path)
		if _, err := renderer.Render(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		r.APIVersions = []string{"argoproj.io/v1alpha1"}
		result, err := renderer.Render(context.Background(), r)
		if err != nil || result.Cached != want {
			t.Errorf("%s: cached is %v (%v), want %v", path, result.Cached, err, want)
		}
	}
}

func TestFreshAndCancelled(t *testing.T) {
	o := newOrigin(t)
	tree := o.commit(map[string]string{"app/cm.yaml": configMap("a")})
	renderer := newRenderer(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := renderer.Render(ctx, request(tree, "app")); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
	for want := range int64(3) {
		r := request(tree, "app")
		r.Fresh = true
		if _, err := renderer.Render(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		if rendered, reused := renderer.Counts(); reused > 0 || rendered < want {
			t.Errorf("rendered %d, reused %d", rendered, reused)
		}
	}
}

func TestExamples(t *testing.T) {
	deployments := "../../examples/deployment"
	o := newOrigin(t)
	if err := os.CopyFS(o.dir, os.DirFS(deployments)); err != nil {
		t.Fatal(err)
	}
	tree := o.commit(nil)
	renderer := newRenderer(t)
	for _, environment := range []string{"dev", "staging", "production"} {
		r := request(tree, "kustomize/overlay/"+environment)
		result, err := renderer.Render(context.Background(), r)
		if err != nil || len(result.Images) == 0 {
			t.Errorf("%s: %+v, %v", r.Source.Path, result, err)
		}
		r = request(tree, "helm/echo")
		r.Source.Helm = &v1alpha1.ApplicationSourceHelm{ValueFiles: []string{"values-" + environment + ".yaml"}}
		result, err = renderer.Render(context.Background(), r)
		if err != nil || len(result.Images) == 0 {
			t.Errorf("%s in %s: %+v, %v", r.Source.Path, environment, result, err)
		}
	}
}

func FuzzMergeSource(f *testing.F) {
	f.Add([]byte("helm:\n  parameters:\n  - {name: a, value: b, forcestring: true}\n"))
	f.Add([]byte("kustomize: {images: [a=b:c]}\npath: x\n"))
	f.Add([]byte("helm: null\ndirectory: {recurse: true}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		source := v1alpha1.ApplicationSource{RepoURL: "u", Path: "p", Helm: &v1alpha1.ApplicationSourceHelm{ReleaseName: "r"}}
		if _, err := mergeSource(source, data); err != nil {
			return
		}
		if source.Helm.ReleaseName != "r" {
			t.Error("the application's own source was changed")
		}
	})
}

// BenchmarkMonorepo is a commit that touches one of 1,000 applications: fetch, and ask for all of them.
func BenchmarkMonorepo(b *testing.B) {
	const applications = 1000
	o := newOrigin(b)
	files := map[string]string{}
	for i := range applications {
		files[fmt.Sprintf("apps/%d/kustomization.yaml", i)] = "resources: [cm.yaml]\n"
		files[fmt.Sprintf("apps/%d/cm.yaml", i)] = configMap("cm") + "data:\n  x: " + strings.Repeat("x", 2000) + "\n"
	}
	tree := o.commit(files)
	renderer := newRenderer(b)
	renderAll := func() {
		for i := range applications {
			r := request(tree, fmt.Sprintf("apps/%d", i))
			r.AppName = fmt.Sprint("app-", i)
			if _, err := renderer.Render(context.Background(), r); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			renderer = newRenderer(b)
			renderAll()
		}
		b.ReportMetric(float64(renderer.cache.Bytes())/applications, "cache-B/app")
	})
	b.Run("commit", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			b.StopTimer()
			o.commit(map[string]string{"apps/7/cm.yaml": configMap(fmt.Sprint("cm-", n))})
			before, _ := renderer.Counts()
			b.StartTimer()
			tree = o.tree()
			renderAll()
			if after, _ := renderer.Counts(); after-before != 1 {
				b.Fatalf("%d were rendered, want 1", after-before)
			}
		}
	})
}
