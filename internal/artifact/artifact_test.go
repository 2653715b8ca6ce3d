package artifact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"
)

// pack makes an archive of files.
func pack(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	zipped := gzip.NewWriter(&buffer)
	w := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// chartOf is a chart whose values.yaml tells its version.
func chartOf(t testing.TB, name, version string) []byte {
	return pack(t, map[string]string{
		name + "/Chart.yaml":  "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n",
		name + "/values.yaml": "is: " + version + "\n",
	})
}

// helmRepository is a chart repository that counts what it is asked.
type helmRepository struct {
	*httptest.Server
	mu     sync.Mutex
	files  map[string][]byte
	asked  []string
	header map[string]http.Header
	// intercept, if set, answers first; it returns whether it did.
	intercept func(http.ResponseWriter, *http.Request) bool
}

func serveHelm(t testing.TB) *helmRepository {
	r := &helmRepository{files: map[string][]byte{}, header: map[string]http.Header{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *helmRepository) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	r.asked = append(r.asked, request.URL.Path)
	r.header[request.URL.Path] = request.Header.Clone()
	content, ok := r.files[request.URL.Path]
	intercept := r.intercept
	r.mu.Unlock()
	if intercept != nil && intercept(w, request) {
		return
	}
	if !ok {
		http.NotFound(w, request)
		return
	}
	w.Header().Set("ETag", `"`+digestOf(content)+`"`)
	http.ServeContent(w, request, path.Base(request.URL.Path), time.Time{}, bytes.NewReader(content))
}

// put adds versions of a chart and writes the index anew, as `helm repo index` does.
func (r *helmRepository) put(t testing.TB, chart string, versions ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var index strings.Builder
	index.WriteString("apiVersion: v1\nentries:\n  " + chart + ":\n")
	for _, version := range versions {
		packed := chartOf(t, chart, version)
		name := "/" + chart + "-" + version + ".tgz"
		r.files[name] = packed
		fmt.Fprintf(&index, "  - name: %s\n    version: %s\n    description: |\n      About\n    digest: %s\n    urls:\n    - %s\n",
			chart, version, strings.TrimPrefix(digestOf(packed), "sha256:"), name[1:])
	}
	index.WriteString("generated: now\n")
	r.files["/index.yaml"] = []byte(index.String())
}

func (r *helmRepository) count(path string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, asked := range r.asked {
		if asked == path {
			n++
		}
	}
	return n
}

func newClient(t testing.TB, adjust func(*Options)) *Client {
	t.Helper()
	options := Default()
	options.Dir, options.Lifetime = t.TempDir(), 0
	if adjust != nil {
		adjust(&options)
	}
	client, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func versionIn(t testing.TB, c *Client, origin Origin, revision string) string {
	t.Helper()
	ctx := context.Background()
	resolved, err := c.Resolve(ctx, origin, revision)
	if err != nil {
		return "error: " + err.Error()
	}
	tree, err := c.Tree(ctx, origin, resolved, TreeOptions{})
	if err != nil {
		return "error: " + err.Error()
	}
	values, err := fs.ReadFile(tree, "values.yaml")
	if err != nil {
		return "error: " + err.Error()
	}
	return strings.TrimSpace(strings.TrimPrefix(string(values), "is: "))
}

func TestVersionsOfAHelmRepository(t *testing.T) {
	repository := serveHelm(t)
	repository.put(t, "web", "1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1", "0.9.0+build.5")
	origin := Origin{Repository: Repository{URL: repository.URL + "/"}, Chart: "web"}
	client := newClient(t, nil)
	for revision, want := range map[string]string{
		"1.2.0": "1.2.0", "v1.2.0": "1.2.0", "*": "1.10.0", "": "1.10.0", "1.x": "1.10.0", "~1.0": "1.0.0", ">=1.0.0 <1.5": "1.2.0",
		">=2.0.0-0": "2.0.0-rc.1", "0.9.0+build.5": "0.9.0+build.5", "<1": "0.9.0+build.5",
		"3.0.0": "error: chart \"web\" version \"3.0.0\" not found in " + repository.URL + "/ repository",
		"^7":    `error: resolving revision "^7" of ` + repository.URL + `/: version matching constraint ^7 not found in 5 versions`,
		"main":  `error: chart "web" version "main" not found`,
	} {
		if got := versionIn(t, client, origin, revision); got != want && (!strings.HasPrefix(want, "error") || !strings.HasPrefix(got, want)) {
			t.Errorf("%q is %s, want %s", revision, got, want)
		}
	}
}

func TestNewVersionIsSeenByOneQuestion(t *testing.T) {
	repository := serveHelm(t)
	repository.put(t, "web", "1.0.0")
	origin := Origin{Repository: Repository{URL: repository.URL}, Chart: "web"}
	clock := testclock.NewFakeClock(time.Now())
	client := newClient(t, func(o *Options) { o.Lifetime, o.Clock = time.Second, clock })
	ctx := context.Background()
	if got := versionIn(t, client, origin, "1.x"); got != "1.0.0" {
		t.Fatal(got)
	}
	before, err := client.State(ctx, origin, "1.x")
	if err != nil {
		t.Fatal(err)
	}
	if n := repository.count("/index.yaml"); n != 1 {
		t.Errorf("the index was asked for %d times", n)
	}
	repository.put(t, "web", "1.0.0", "1.1.0")
	if got := versionIn(t, client, origin, "1.x"); got != "1.0.0" {
		t.Errorf("without a new look it is %s", got)
	}
	clock.Step(2 * time.Second)
	after, err := client.State(ctx, origin, "1.x")
	if err != nil || before == after {
		t.Errorf("state is %s after %s, %v", after, before, err)
	}
	if got := versionIn(t, client, origin, "1.x"); got != "1.1.0" {
		t.Errorf("after a look it is %s", got)
	}
	// The index has an ETag, so that the next look transfers nothing; exact versions ask nobody.
	for range 10 {
		if state, err := client.State(ctx, origin, "1.0.0"); err != nil || state != "1.0.0" {
			t.Error(state, err)
		}
	}
	clock.Step(2 * time.Second)
	if again, err := client.State(ctx, origin, "1.x"); err != nil || again != after {
		t.Errorf("unchanged, it is %s, %v", again, err)
	}
	if n := repository.count("/index.yaml"); n != 3 || repository.header["/index.yaml"].Get("If-None-Match") == "" {
		t.Errorf("the index was asked for %d times, last with %v", n, repository.header["/index.yaml"])
	}
}

func TestDownloadsSurviveARestart(t *testing.T) {
	repository := serveHelm(t)
	repository.put(t, "web", "1.0.0")
	origin := Origin{Repository: Repository{URL: repository.URL}, Chart: "web"}
	dir := t.TempDir()
	if got := versionIn(t, newClient(t, func(o *Options) { o.Dir = dir }), origin, "1.0.0"); got != "1.0.0" {
		t.Fatal(got)
	}
	repository.Close()
	if got := versionIn(t, newClient(t, func(o *Options) { o.Dir = dir }), origin, "1.0.0"); got != "1.0.0" {
		t.Errorf("with the repository gone: %s", got)
	}
	// Who has other credentials gets nothing of it.
	other := origin
	other.Repository.Username = "somebody"
	if got := versionIn(t, newClient(t, func(o *Options) { o.Dir = dir }), other, "1.0.0"); !strings.HasPrefix(got, "error") {
		t.Errorf("with other credentials: %s", got)
	}
}

// TestRepositoryAlone is how a configured repository is tested: its index is asked for, and no chart.
func TestRepositoryAlone(t *testing.T) {
	repository := serveHelm(t)
	repository.put(t, "web", "1.0.0")
	if err := newClient(t, nil).Refresh(context.Background(), Origin{Repository: Repository{URL: repository.URL}}, "*"); err != nil {
		t.Error(err)
	}
	delete(repository.files, "/index.yaml")
	if err := newClient(t, nil).Refresh(context.Background(), Origin{Repository: Repository{URL: repository.URL}}, "*"); err == nil {
		t.Error("what has no index was taken for a Helm repository")
	}
}

func TestFreshDownloadsAgain(t *testing.T) {
	repository := serveHelm(t)
	repository.put(t, "web", "1.0.0")
	origin := Origin{Repository: Repository{URL: repository.URL}, Chart: "web"}
	client := newClient(t, nil)
	for range 2 {
		if _, err := client.Tree(context.Background(), origin, "1.0.0", TreeOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Tree(context.Background(), origin, "1.0.0", TreeOptions{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	if n := repository.count("/web-1.0.0.tgz"); n != 2 {
		t.Errorf("downloaded %d times, want 2", n)
	}
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	private, elsewhere := serveHelm(t), serveHelm(t)
	private.put(t, "web", "1.0.0")
	elsewhere.files["/web.tgz"] = chartOf(t, "web", "1.0.0")
	private.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if user, password, _ := r.BasicAuth(); user != "u" || password != "p" {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	}
	origin := Origin{Repository: Repository{URL: private.URL}, Chart: "web"}
	if got := versionIn(t, newClient(t, nil), origin, "1.x"); !strings.Contains(got, "refused the credentials (401)") {
		t.Errorf("without credentials: %s", got)
	}
	origin.Repository.Username, origin.Repository.Password = "u", "p"
	if got := versionIn(t, newClient(t, nil), origin, "1.x"); got != "1.0.0" {
		t.Errorf("with credentials: %s", got)
	}
	private.files["/index.yaml"] = []byte("entries:\n  web:\n  - version: 1.0.0\n    urls: [" + elsewhere.URL + "/web.tgz]\n")
	for _, pass := range []bool{false, true} {
		origin.Repository.PassCredentials = pass
		if got := versionIn(t, newClient(t, nil), origin, "1.x"); got != "1.0.0" {
			t.Errorf("from another host: %s", got)
		}
		if sent := elsewhere.header["/web.tgz"].Get("Authorization") != ""; sent != pass {
			t.Errorf("passCredentials is %v, and the other host got credentials: %v", pass, sent)
		}
	}
}

func TestHostileRepositories(t *testing.T) {
	good := chartOf(t, "web", "1.0.0")
	for name, test := range map[string]struct {
		index   string
		archive []byte
		want    string
	}{
		"wrong digest":     {"entries:\n  web:\n  - {version: 1.0.0, urls: [web.tgz], digest: " + strings.Repeat("0", 64) + "}\n", good, "not what the index promises"},
		"no URL":           {"entries:\n  web:\n  - {version: 1.0.0}\n", good, "names no URL"},
		"file URL":         {"entries:\n  web:\n  - {version: 1.0.0, urls: ['file:///etc/passwd']}\n", good, "no http(s) URL"},
		"missing archive":  {"entries:\n  web:\n  - {version: 1.0.0, urls: [gone.tgz]}\n", good, "there is no such file (404)"},
		"large index":      {"entries:\n" + strings.Repeat("# x\n", 100_000), good, "more than 300000 bytes"},
		"large archive":    {"entries:\n  web:\n  - {version: 1.0.0, urls: [web.tgz]}\n", make([]byte, 2<<20), "more than 1048576 bytes"},
		"leads out":        {"entries:\n  web:\n  - {version: 1.0.0, urls: [web.tgz]}\n", pack(t, map[string]string{"web/../../x": "x"}), "leads out"},
		"no index":         {"<html>hello</html>", good, "no valid YAML"},
		"broken index":     {"entries: {web: [", good, "no valid YAML"},
		"another chart":    {"entries:\n  other:\n  - version: 1.0.0\n", good, `chart "web" version "1.0.0" not found`},
		"entries are none": {"entries: {}\n", good, `chart "web" version "1.0.0" not found`},
	} {
		t.Run(name, func(t *testing.T) {
			repository := serveHelm(t)
			repository.files["/index.yaml"], repository.files["/web.tgz"] = []byte(test.index), test.archive
			client := newClient(t, func(o *Options) { o.MaxIndexBytes, o.MaxArchiveBytes = 300_000, 1<<20 })
			got := versionIn(t, client, Origin{Repository: Repository{URL: repository.URL}, Chart: "web"}, "1.0.0")
			if !strings.Contains(got, test.want) || strings.Contains(got, "\n") {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestHangingHostConcernsOnlyItself: a host that doesn't answer is asked less and less, and others not at all later.
func TestHangingHostConcernsOnlyItself(t *testing.T) {
	hanging, healthy := serveHelm(t), serveHelm(t)
	healthy.put(t, "web", "1.0.0")
	release := make(chan struct{})
	hanging.intercept = func(http.ResponseWriter, *http.Request) bool { <-release; return false }
	t.Cleanup(func() { close(release) })
	clock := testclock.NewFakeClock(time.Now())
	client := newClient(t, func(o *Options) { o.Timeout, o.Clock = 50*time.Millisecond, clock })
	broken := Origin{Repository: Repository{URL: hanging.URL}, Chart: "web"}
	for range 20 {
		if got := versionIn(t, client, broken, "1.x"); !strings.Contains(got, "no answer within") {
			t.Errorf("from the hanging host: %s", got)
		}
		if got := versionIn(t, client, Origin{Repository: Repository{URL: healthy.URL}, Chart: "web"}, "1.x"); got != "1.0.0" {
			t.Errorf("from the healthy host: %s", got)
		}
	}
	if n := hanging.count("/index.yaml"); n != 1 {
		t.Errorf("the hanging host was asked %d times", n)
	}
	if got := versionIn(t, client, broken, "1.x"); !strings.Contains(got, "asked again in 1s") {
		t.Errorf("the error doesn't say when it goes on: %s", got)
	}
	for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		before := hanging.count("/index.yaml")
		clock.Step(pause)
		versionIn(t, client, broken, "1.x")
		if n := hanging.count("/index.yaml"); n != before+1 {
			t.Errorf("after %s it was asked %d times more", pause, n-before)
		}
	}
	hanging.mu.Lock()
	hanging.intercept = nil
	hanging.mu.Unlock()
	hanging.put(t, "web", "1.5.0")
	clock.Step(time.Minute)
	if got := versionIn(t, client, broken, "1.x"); got != "1.5.0" {
		t.Errorf("when it is back: %s", got)
	}
}

func TestIndexSections(t *testing.T) {
	helm := "apiVersion: v1\nentries:\n  a:\n  - version: 1.0.0\n    description: |\n      entries:\n      web:\n  web:\n  - version: 2.0.0\n  - version: 1.0.0\n  z:\n  - version: 3.0.0\ngenerated: now\n"
	for name, test := range map[string]struct{ index, want string }{
		"as Helm writes it":   {helm, "2.0.0 1.0.0"},
		"deeper":              {"entries:\n    web:\n        - version: 1.0.0\n    z: []\n", "1.0.0"},
		"quoted":              {"entries:\n  \"web\":\n  - version: 1.0.0\n", "1.0.0"},
		"Windows":             {strings.ReplaceAll(helm, "\n", "\r\n"), "2.0.0 1.0.0"},
		"JSON":                {`{"entries": {"web": [{"version": "1.0.0"}]}}`, "1.0.0"},
		"flow":                {"entries: {web: [{version: 1.0.0}]}", "1.0.0"},
		"an alias":            {"entries:\n  a: &a\n  - version: 1.0.0\n  web:\n    *a\n", "1.0.0"},
		"isn't there":         {"entries:\n  a:\n  - version: 1.0.0\n", ""},
		"the last":            {"entries:\n  a: []\n  web:\n  - version: 1.0.0", "1.0.0"},
		"comments in between": {"# web:\nentries:\n  # web:\n\n  web:\n# x\n  - version: 1.0.0\n", "1.0.0"},
	} {
		releases, err := releasesOf([]byte(test.index), "web")
		if got := strings.Join(versionsOf(releases), " "); err != nil || got != test.want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nentries:\n  web:\n  - version: 1.0.0\n    urls: [a]\n"))
	f.Add([]byte(`{"entries": {"web": [{"version": "1.0.0"}]}}`))
	f.Add([]byte("entries:\n  a: &a [*a]\n  web: *a\n"))
	f.Fuzz(func(t *testing.T, index []byte) {
		releases, err := releasesOf(index, "web")
		if err != nil {
			return
		}
		for _, release := range releases {
			if found, ok := pick(releases, release.Version); !ok || found.Version != release.Version {
				t.Errorf("version %q isn't found", release.Version)
			}
		}
	})
}

// BenchmarkIndex finds one chart in an index as large as the largest public ones.
func BenchmarkIndex(b *testing.B) {
	var index strings.Builder
	index.WriteString("apiVersion: v1\nentries:\n")
	for chart := range 100 {
		fmt.Fprintf(&index, "  chart-%d:\n", chart)
		for version := range 400 {
			fmt.Fprintf(&index, "  - apiVersion: v2\n    version: 1.%d.0\n    description: %s\n    urls:\n    - chart-%d-1.%d.0.tgz\n", version, strings.Repeat("x", 500), chart, version)
		}
	}
	text := []byte(index.String())
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if releases, err := releasesOf(text, "chart-77"); err != nil || len(releases) != 400 {
			b.Fatal(len(releases), err)
		}
	}
}
