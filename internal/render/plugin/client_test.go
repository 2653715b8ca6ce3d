package plugin

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func newClient(t *testing.T, change ...func(*Options)) (*Client, string) {
	t.Helper()
	options := Default()
	options.Sockets = t.TempDir()
	for _, c := range change {
		c(&options)
	}
	client, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return client, options.Sockets
}

func repository() fstest.MapFS {
	return fstest.MapFS{
		"apps/web/generate.sh": {Data: []byte("cat ../../shared/head.yaml\necho '  name: '$ARGOCD_APP_NAME-$ARGOCD_ENV_SUFFIX-$PARAM_A_B"), Mode: 0o755},
		"apps/web/link.yaml":   {Data: []byte("../../shared/head.yaml"), Mode: fs.ModeSymlink},
		"apps/other/x":         {Data: []byte("x")},
		"shared/head.yaml":     {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n")},
	}
}

func input(t *testing.T, files fs.FS) Input {
	t.Helper()
	value := "c"
	source := &v1alpha1.ApplicationSourcePlugin{
		Env:        []v1alpha1.EnvEntry{{Name: "SUFFIX", Value: "of-$ARGOCD_APP_NAMESPACE"}},
		Parameters: []v1alpha1.ApplicationSourcePluginParameter{{Name: "a-b", String: &value}},
	}
	env, err := Environment([]string{"ARGOCD_APP_NAME=web"}, source, func(text string) string { return strings.ReplaceAll(text, "$ARGOCD_APP_NAMESPACE", "prod") })
	if err != nil {
		t.Fatal(err)
	}
	return Input{Files: files, Upload: ".", Root: "apps/web", Env: env}
}

// generate returns the names of what a plugin makes, or its error.
func generate(t *testing.T, client *Client, plugin string, input Input) string {
	t.Helper()
	objects, err := client.Generate(t.Context(), plugin, input)
	if err != nil {
		return "error: " + err.Error()
	}
	var names []string
	for _, u := range objects {
		names = append(names, u.GetName())
	}
	return strings.Join(names, " ")
}

func TestGenerate(t *testing.T) {
	client, dir := newClient(t)
	(&sidecar{t: t, generate: "sh ./generate.sh"}).serve(dir, "scripts-v1.0")
	(&sidecar{t: t, generate: "./generate.sh; echo ---; cat link.yaml; echo '  name: second'", discover: "ls | grep generate.sh || true"}).serve(dir, "finder")
	(&sidecar{t: t, generate: "echo no; exit 1", discover: "true"}).serve(dir, "a-stranger")
	for _, test := range []struct{ plugin, want string }{
		{"scripts-v1.0", "web-of-prod-c"},
		{"finder", "web-of-prod-c second"},
		{"", "web-of-prod-c second"},
		{"a-stranger", `error: plugin sidecar failed. couldn't find cmp-server plugin with name "a-stranger" supporting the given repository: it finds nothing of its own in apps/web`},
		{"scripts", `error: plugin sidecar failed. couldn't find cmp-server plugin with name "scripts" supporting the given repository: there is no ` + dir + "/scripts.sock"},
		{"../scripts-v1.0", `error: plugin sidecar failed. couldn't find cmp-server plugin with name "../scripts-v1.0" supporting the given repository`},
	} {
		if got := generate(t, client, test.plugin, input(t, repository())); got != test.want {
			t.Errorf("plugin %q: got %s, want %s", test.plugin, got, test.want)
		}
	}
}

func TestMatch(t *testing.T) {
	client, dir := newClient(t)
	match := func(root string) bool {
		t.Helper()
		in := input(t, repository())
		in.Root = root
		matches, err := client.Match(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return matches
	}
	if match("apps/web") || client.Any() {
		t.Error("a plugin matches where there is none")
	}
	// One that doesn't look for its folders takes nothing by itself.
	(&sidecar{t: t, generate: "true"}).serve(dir, "named")
	if match("apps/web") {
		t.Error("a plugin matches that has no discovery")
	}
	(&sidecar{t: t, generate: "true", discover: "ls generate.sh 2>/dev/null || true"}).serve(dir, "finder")
	if !match("apps/web") || match("apps/other") || !client.Any() {
		t.Errorf("web %v, other %v", match("apps/web"), match("apps/other"))
	}
}

// TestUnreachablePlugin shows that a plugin that is down is an error, so that nothing is rendered as something else.
func TestUnreachablePlugin(t *testing.T) {
	client, dir := newClient(t, func(o *Options) { o.Timeout = 2 * time.Second })
	dead := &sidecar{t: t, generate: "true", discover: "echo yes"}
	t.Run("start and stop", func(t *testing.T) {
		(&sidecar{t: t, generate: dead.generate, discover: dead.discover}).serve(dir, "live")
	})
	listenWithoutAnswer(t, dir, "dead")
	if matches, err := client.Match(t.Context(), input(t, repository())); err == nil {
		t.Errorf("matches is %v", matches)
	}
	if got := generate(t, client, "dead", input(t, repository())); !strings.Contains(got, "no answer after 2s") {
		t.Errorf("got %s", got)
	}
}

func TestGenerateFails(t *testing.T) {
	client, dir := newClient(t, func(o *Options) { o.Timeout, o.MaxUpload, o.MaxAnswer = 5*time.Second, 10000, 10000 })
	serve := func(name, script string) { (&sidecar{t: t, generate: script}).serve(dir, name) }
	serve("broken", "echo the reason >&2; exit 3")
	serve("slow", "exec sleep 60")
	serve("chatty", "head -c 20000 /dev/zero")
	serve("nonsense", "echo 'kind: ConfigMap'")
	serve("silent", "true")
	with := func(name, content string, mode fs.FileMode) fstest.MapFS {
		files := repository()
		files[name] = &fstest.MapFile{Data: []byte(content), Mode: mode}
		return files
	}
	for _, test := range []struct {
		name, plugin, want string
		files              fs.FS
	}{
		{name: "a command that fails", plugin: "broken", want: "error: plugin sidecar failed. error generating manifests in cmp: rpc error: code = Unknown desc = error generating manifests: `sh -c generate` failed exit status 3: the reason"},
		{name: "too much comes back", plugin: "chatty", want: "error: plugin sidecar failed. error generating manifests in cmp: rpc error: code = ResourceExhausted desc = "},
		{name: "no manifest comes back", plugin: "nonsense", want: "error: manifest 1 of plugin nonsense: parsing manifests: document 1: "},
		{name: "nothing comes back", plugin: "silent", want: ""},
		{name: "too much to send", plugin: "silent", want: "error: packing . for a plugin: the files are too large together", files: with("big", strings.Repeat("x", 10001), 0)},
		{name: "a link that leads out", plugin: "silent", want: "error: packing . for a plugin: apps/out: the link leads out of the repository", files: with("apps/out", "../../x", fs.ModeSymlink)},
		{name: "an absolute link", plugin: "silent", want: "error: packing . for a plugin: apps/out: the link leads out of the repository", files: with("apps/out", "/etc/passwd", fs.ModeSymlink)},
		{name: "nothing to send", plugin: "silent", want: "error: packing . for a plugin: no files to send", files: fstest.MapFS{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.files == nil {
				test.files = repository()
			}
			if got := generate(t, client, test.plugin, input(t, test.files)); got != test.want && (test.want == "" || !strings.HasPrefix(got, test.want)) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	t.Run("it takes too long", func(t *testing.T) {
		impatient, err := New(Options{Sockets: dir, Timeout: 300 * time.Millisecond, Parallel: 1, MaxUpload: 10000, MaxAnswer: 10000})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := generate(t, impatient, "slow", input(t, repository())), "no answer after 300ms"; !strings.HasSuffix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("its caller goes", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := client.Generate(ctx, "silent", input(t, repository())); err == nil {
			t.Error("it went on")
		}
	})
}

func TestPackExcludes(t *testing.T) {
	client, dir := newClient(t, func(o *Options) { o.Exclude = []string{"shared", "apps/*/x"} })
	(&sidecar{t: t, generate: `cd ../..; for f in $(find . -type f | sort); do echo "apiVersion: v1
kind: ConfigMap
metadata: {name: '$f'}
---"; done`}).serve(dir, "list")
	files := repository()
	delete(files, "apps/web/link.yaml")
	if got, want := generate(t, client, "list", input(t, files)), "./apps/web/generate.sh"; got != want {
		t.Errorf("the plugin got %s, want %s", got, want)
	}
}

func TestEnvironment(t *testing.T) {
	text := "x y"
	got, err := Environment([]string{"A=b"}, &v1alpha1.ApplicationSourcePlugin{
		Env: []v1alpha1.EnvEntry{{Name: "N", Value: "${A}"}},
		Parameters: []v1alpha1.ApplicationSourcePluginParameter{
			{Name: "str", String: &text}, {Name: "my.map", Map: map[string]string{"b-c": "1", "a": "2"}}, {Name: "list", Array: []string{"p", "q"}},
		},
	}, strings.ToUpper)
	want := []string{
		"A=b", "ARGOCD_ENV_N=${A}",
		`ARGOCD_APP_PARAMETERS=[{"name":"str","string":"x y"},{"name":"my.map","map":{"a":"2","b-c":"1"}},{"name":"list","array":["p","q"]}]`,
		"PARAM_STR=x y", "PARAM_MY_MAP_A=2", "PARAM_MY_MAP_B_C=1", "PARAM_LIST_0=p", "PARAM_LIST_1=q",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q (%v)", got, err)
	}
	if got, err := Environment([]string{"A=b"}, nil, nil); err != nil || !slices.Equal(got, []string{"A=b"}) {
		t.Errorf("without a plugin: %q (%v)", got, err)
	}
}

func TestOptionsValidate(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"time limit":           func(o *Options) { o.Timeout = 0 },
		"parallel calls":       func(o *Options) { o.Parallel = 0 },
		"size limits":          func(o *Options) { o.MaxUpload = 0 },
		`"[" is not a pattern`: func(o *Options) { o.Exclude = []string{"["} },
	} {
		options := Default()
		change(&options)
		if _, err := New(options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// FuzzAnswers decodes what a plugin may send.
func FuzzAnswers(f *testing.F) {
	f.Add((&manifestResponse{manifests: []string{"a", "b"}}).marshal())
	f.Add((&repositoryResponse{supported: true}).marshal())
	f.Add((&streamRequest{metadata: &metadata{appName: "a", size: 3, env: []variable{{"a", "b"}}}}).marshal())
	f.Add((&streamRequest{chunk: []byte("x")}).marshal())
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, m := range []message{&manifestResponse{}, &repositoryResponse{}, &configurationResponse{}, &streamRequest{}} {
			if err := (codec{}).Unmarshal(data, m); err != nil {
				continue
			}
			again, err := codec{}.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := (codec{}).Unmarshal(again, m); err != nil {
				t.Errorf("what was written of %x can't be read: %v", data, err)
			}
		}
	})
}
