package applicationset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	kubetesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset/generator"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/scm"
	"fairlead.dev/fairlead/internal/settings"
)

// sources are what generators ask. As they are made, each says that there is a, and no longer b.
type sources struct {
	// answers are those of a Git host and of a plugin, by path and query.
	answers map[string]http.HandlerFunc
	tree    fs.FS
	// unfetched is why there is no tree, unread why there are no Secrets of clusters, undecided why there are no decisions.
	unfetched, unread, undecided error
	// decisions is the status of the one object that decides.
	decisions any
}

func says(text string) http.HandlerFunc { return failsWith(http.StatusOK, text) }

func failsWith(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}
}

const (
	repositoriesPath = "/api/v3/orgs/o/repos?per_page=100"
	branchPath       = "/api/v3/repos/o/a/branches/main"
	pullsPath        = "/api/v3/repos/o/r/pulls?per_page=100"
	pluginPath       = "/api/v1/getparams.execute"

	oneRepository = `[{"id":1,"name":"a","owner":{"login":"o"},"default_branch":"main","ssh_url":"s","clone_url":"c"}]`
	onePull       = `[{"number":1,"title":"t","head":{"ref":"a","sha":"c5b97d5ae6c1"},"base":{"ref":"main"},"user":{"login":"u"}}]`
)

func newSources() *sources {
	return &sources{
		answers: map[string]http.HandlerFunc{
			repositoriesPath: says(oneRepository),
			branchPath:       says(`{"name":"main","commit":{"sha":"c5b97d5ae6c1"}}`),
			pullsPath:        says(onePull),
			pluginPath:       says(`{"output":{"parameters":[{"name":"a"}]}}`),
		},
		tree:      fstest.MapFS{"apps/a/config.yaml": {Data: []byte("name: a")}},
		decisions: map[string]any{"decisions": []any{map[string]any{"clusterName": "a"}}},
	}
}

// ServeHTTP is the Git host and the plugin.
func (s *sources) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := s.answers[r.RequestURI]
	if answer == nil {
		answer = failsWith(http.StatusNotFound, `{"message":"Not Found"}`)
	}
	answer(w, r)
}

func (s *sources) Files(context.Context, string, v1alpha1.ApplicationSource, bool) (fs.FS, string, error) {
	return s.tree, "0123456789", s.unfetched
}

func (s *sources) Verify(context.Context, string, v1alpha1.ApplicationSource, string) error {
	return nil
}

// brokenOff is a tree of which a folder can't be read.
type brokenOff struct{ fs.FS }

func (b brokenOff) Open(name string) (fs.File, error) {
	if strings.HasPrefix(name, "apps/a") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("object not found")}
	}
	return b.FS.Open(name)
}

// kinds are all generators. Name is the parameter that has the application's name.
var kinds = map[string]struct{ generators, name string }{
	"list":             {`[{list: {elementsYaml: "[{name: a}]"}}]`, "name"},
	"clusters":         {`[{clusters: {selector: {matchLabels: {wanted: "yes"}}}}]`, "name"},
	"git directories":  {`[{git: {repoURL: u, revision: HEAD, directories: [{path: apps/*}]}}]`, "path.basename"},
	"git files":        {`[{git: {repoURL: u, revision: HEAD, files: [{path: "apps/*/config.yaml"}]}}]`, "name"},
	"oci":              {`[{oci: {repoURL: "oci://u", revision: "1", directories: [{path: apps/*}]}}]`, "path.basename"},
	"scm provider":     {`[{scmProvider: {github: {organization: o, api: HOST}}}]`, "repository"},
	"pull request":     {`[{pullRequest: {github: {owner: o, repo: r, api: HOST}}}]`, "branch"},
	"plugin":           {`[{plugin: {configMapRef: {name: plugin}}}]`, "name"},
	"cluster decision": {`[{clusterDecisionResource: {configMapRef: ducks, name: quak}}]`, "name"},
	"matrix": {`[{matrix: {generators: [{list: {elements: [{x: "1"}]}}, {git: {repoURL: u, revision: HEAD, files: [{path: "apps/*/config.yaml"}]}}]}}]`,
		"name"},
	"matrix of each": {`[{matrix: {generators: [{list: {elements: [{x: o}]}}, {scmProvider: {github: {organization: "{{x}}", api: HOST}}}]}}]`, "repository"},
	"merge":          {`[{merge: {mergeKeys: [name], generators: [{list: {elements: [{name: a}]}}, {git: {repoURL: u, revision: HEAD, files: [{path: "apps/*/config.yaml"}]}}]}}]`, "name"},
	"two":            {`[{list: {elements: []}}, {plugin: {configMapRef: {name: plugin}}}]`, "name"},
}

// ofHost are the ways in which an HTTP answer fails, is empty by error, is partial, or doesn't come.
func ofHost(paths ...string) map[string]func(*sources) {
	mistakes := map[string]func(*sources){}
	for what, answer := range map[string]http.HandlerFunc{
		"fails":           failsWith(500, `{"message":"boom"}`),
		"isn't there":     failsWith(404, `<html>no such page</html>`),
		"is refused":      failsWith(401, `{"message":"Bad credentials"}`),
		"is held back":    failsWith(429, `{}`),
		"is a login page": says(`<html>log on</html>`),
		"is empty":        says(``),
		"is null":         says(`null`),
		"is something":    says(`{}`),
		"is half":         says(`[{"id":1,"name":"a",`),
		"is cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "[]")
		},
		"says of nothing": says(`[{}]`),
		"breaks off":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"is never at hand": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that the client has gone
			<-r.Context().Done()
		},
	} {
		for _, path := range paths {
			mistakes[path+" "+what] = func(s *sources) { s.answers[path] = answer }
		}
	}
	return mistakes
}

// more is a first page that is followed by another, which fails.
func more(path, first string) func(*sources) {
	return func(s *sources) {
		s.answers[path] = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", fmt.Sprintf(`<http://%s%s&page=2>; rel="next"`, r.Host, path))
			says(first)(w, r)
		}
		s.answers[path+"&page=2"] = failsWith(502, `{}`)
	}
}

// ofTree are the ways in which a repository can't be read.
var ofTree = map[string]func(*sources){
	"can't be fetched": func(s *sources) { s.unfetched = errors.New("the host is away") },
	"isn't known":      func(s *sources) { s.tree, s.unfetched = nil, errors.New("no such revision") },
	"can't all be read": func(s *sources) {
		s.tree = brokenOff{fstest.MapFS{"apps/a/config.yaml": {}, "apps/c/config.yaml": {Data: []byte("name: c")}}}
	},
}

func mistakes(kind string) map[string]func(*sources) {
	switch kind {
	case "list":
		return nil // it asks nobody; see wrongLists
	case "clusters":
		return map[string]func(*sources){"Secrets can't be listed": func(s *sources) { s.unread = errors.New("etcd is away") }}
	case "cluster decision":
		return map[string]func(*sources){
			"can't be read":           func(s *sources) { s.undecided = errors.New("etcd is away") },
			"isn't there":             func(s *sources) { s.decisions = nil },
			"hasn't decided":          func(s *sources) { s.decisions = map[string]any{} },
			"says something else":     func(s *sources) { s.decisions = map[string]any{"decisions": "none"} },
			"is half of something":    func(s *sources) { s.decisions = map[string]any{"decisions": []any{nil}} },
			"clusters can't be known": func(s *sources) { s.unread = errors.New("etcd is away") },
		}
	case "scm provider", "matrix of each":
		all := ofHost(repositoriesPath, branchPath)
		delete(all, branchPath+" isn't there") // a repository without that branch
		all["the second page fails"] = more(repositoriesPath, strings.Replace(oneRepository, `"a"`, `"c"`, 1))
		return all
	case "pull request":
		all := ofHost(pullsPath)
		all["the second page fails"] = more(pullsPath, strings.Replace(onePull, `"a"`, `"c"`, 1))
		return all
	case "plugin", "two":
		all := ofHost(pluginPath)
		all["no parameters"] = func(s *sources) { s.answers[pluginPath] = says(`{"output":{}}`) }
		return all
	}
	return ofTree
}

// TestWhatIsNotKnownDeletesNothing: a generator that fails, is answered with nothing by error or in part, or waits for too long,
// has no application deleted or changed. That this can be told at all is seen from the same generator's right answer, which
// has one deleted.
func TestWhatIsNotKnownDeletesNothing(t *testing.T) {
	for kind, set := range kinds {
		t.Run(kind, func(t *testing.T) {
			right := newScene(t, newSources(), set.generators, set.name)
			right.reconcile()
			if right.writes != "delete b" || right.wrong() != "" {
				t.Fatalf("the right answer does %q, and the set says %q", right.writes, right.wrong())
			}
			for what, mistake := range mistakes(kind) {
				t.Run(what, func(t *testing.T) {
					s := newSources()
					mistake(s)
					scene := newScene(t, s, set.generators, set.name)
					scene.reconcile()
					if scene.writes != "" || scene.wrong() == "" {
						t.Errorf("%s is done, and the set says %q", scene.writes, scene.wrong())
					}
				})
			}
		})
	}
	for name, generators := range map[string]string{
		"a list that is no YAML":        `[{list: {elementsYaml: "[{name: a}"}}]`,
		"a list of something else":      `[{list: {elementsYaml: "name: a"}}]`,
		"a generator of no kind":        `[{list: {elements: [{name: a}]}}, {matrix: {generators: [{}, {}]}}]`,
		"a selector that can't be read": `[{list: {elements: [{name: a}]}, selector: {matchExpressions: [{key: name, operator: Near, values: [a]}]}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			scene := newScene(t, newSources(), generators, "name")
			scene.reconcile()
			if scene.writes != "" || scene.wrong() == "" {
				t.Errorf("%s is done, and the set says %q", scene.writes, scene.wrong())
			}
		})
	}
}

func TestOnlySetsOfServedNamespacesCount(t *testing.T) {
	for patterns, served := range map[string]bool{"": false, "arg*": true, "/^argo(cd)?$/": true, "/^argo$/,other": false} {
		scene := newScene(t, newSources(), "[{list: {elements: [{name: a}, {name: b}, {name: c}]}}]", "name")
		scene.reconciler.settings = known{settings.NamespacesFrom("hub", patterns)}
		scene.reconcile()
		if created := strings.Contains(scene.writes, "create c"); created != served {
			t.Errorf("%q: did %q", patterns, scene.writes)
		}
	}
}

// scene is an application set that has made a and b, and a controller.
type scene struct {
	t          *testing.T
	client     client.Client
	reconciler *Reconciler
	// writes are those of applications.
	writes string
}

func newScene(t *testing.T, s *sources, generators, name string) *scene {
	t.Helper()
	host := httptest.NewServer(s)
	t.Cleanup(host.Close)
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "set", UID: "1"}}
	spec := "generators: " + strings.ReplaceAll(generators, "HOST", host.URL) +
		"\ntemplate: {metadata: {name: '{{" + name + "}}'}, spec: {project: default, source: {repoURL: r}, destination: {server: https://kubernetes.default.svc}}}"
	if err := yaml.UnmarshalStrict([]byte(spec), &set.Spec); err != nil {
		t.Fatal(err)
	}
	in := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "argocd", Name: name} }
	cluster := in("cluster-a")
	cluster.Labels = map[string]string{settings.SecretTypeLabel: settings.SecretTypeCluster, "wanted": "yes"}
	objects := []client.Object{
		set, &v1alpha1.AppProject{ObjectMeta: in("default")},
		&corev1.Secret{ObjectMeta: cluster, Data: map[string][]byte{"name": []byte("a"), "server": []byte("https://a")}},
		&corev1.Secret{ObjectMeta: in("argocd-secret"), Data: map[string][]byte{"token": []byte("t0ken")}},
		&corev1.ConfigMap{ObjectMeta: in("plugin"), Data: map[string]string{"token": "$token", "baseUrl": host.URL}},
		&corev1.ConfigMap{ObjectMeta: in("ducks"), Data: map[string]string{"apiVersion": "mallard.io/v1", "kind": "ducks", "statusListKey": "decisions", "matchKey": "clusterName"}},
	}
	for _, name := range []string{"a", "b"} {
		app := &v1alpha1.Application{ObjectMeta: in(name), Spec: *set.Spec.Template.Spec.DeepCopy()}
		app.Finalizers = []string{v1alpha1.ResourcesFinalizer}
		app.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, v1alpha1.GroupVersion.WithKind("ApplicationSet"))}
		objects = append(objects, app)
	}
	sc := &scene{t: t}
	stored := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.ApplicationSet{}).WithObjects(objects...).Build()
	sc.client = interceptor.NewClient(stored, sc.counted())
	r, err := New(sc.client, Dependencies{
		Generators: s.generators(sc.client), Settings: known{settings.Namespaces{Hub: "argocd"}}, Bus: event.NewBus(), Recorder: events.NewFakeRecorder(100), Logger: slog.New(slog.DiscardHandler),
	}, Options{Namespace: "argocd", Concurrency: 1, Writes: 1, Retry: time.Minute, Patience: patience(t)})
	if err != nil {
		t.Fatal(err)
	}
	sc.reconciler = r
	return sc
}

// patience is long, but where nobody answers.
func patience(t *testing.T) time.Duration {
	if strings.HasSuffix(t.Name(), "is_never_at_hand") {
		return 50 * time.Millisecond
	}
	return time.Minute
}

// counted notes the writes of applications.
func (s *scene) counted() interceptor.Funcs {
	note := func(verb string, object client.Object) {
		if _, ok := object.(*v1alpha1.Application); ok {
			s.writes = strings.TrimSpace(s.writes + " " + verb + " " + object.GetName())
		}
	}
	return interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, o ...client.CreateOption) error {
			note("create", object)
			return c.Create(ctx, object, o...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, o ...client.PatchOption) error {
			note("patch", object)
			return c.Patch(ctx, object, patch, o...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, object client.Object, o ...client.DeleteOption) error {
			note("delete", object)
			return c.Delete(ctx, object, o...)
		},
	}
}

func (s *sources) generators(c client.Client) *generator.All {
	reader := interceptor.NewClient(c.(client.WithWatch), interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, o ...client.ListOption) error {
			if s.unread != nil {
				return s.unread
			}
			return c.List(ctx, list, o...)
		},
	})
	hosts := generator.HostOptions{
		Reader: reader, Namespace: "argocd", Hosts: scm.NewHosts(clock.RealClock{}), Now: time.Now,
		Params: func(context.Context) (map[string]string, error) { return nil, nil },
	}
	git := generator.NewRepository(s, generator.RepositoryOptions{Requeue: func() time.Duration { return time.Minute }, Now: time.Now})
	duck := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "mallard.io/v1", "kind": "Duck"}}
	duck.SetNamespace("argocd")
	duck.SetName("quak")
	var ducks []runtime.Object
	if s.decisions != nil {
		duck.Object["status"] = s.decisions
		ducks = append(ducks, duck)
	}
	dynamic := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{{Group: "mallard.io", Version: "v1", Resource: "ducks"}: "DuckList"}, ducks...)
	dynamic.PrependReactor("*", "ducks", func(kubetesting.Action) (bool, runtime.Object, error) { return s.undecided != nil, nil, s.undecided })
	return (&generator.All{
		List: generator.NewList(), Clusters: generator.NewClusters(reader, "argocd"), Git: git, OCI: git,
		SCMProvider: generator.NewSCMProvider(hosts), PullRequest: generator.NewPullRequest(hosts), Plugin: generator.NewPlugin(hosts),
		ClusterDecisionResource: generator.NewDecisions(generator.DecisionOptions{
			Reader: c, Namespace: "argocd", Objects: dynamic, Requeue: time.Minute,
			Clusters: func(context.Context) ([]settings.Cluster, error) {
				return []settings.Cluster{{Name: "a", Server: "https://a"}}, s.unread
			},
		}),
	}).WithCombinations()
}

// known are settings: nothing is set, and every cluster is registered.
type known struct{ namespaces settings.Namespaces }

func (k known) ApplicationSetNamespaces(context.Context) settings.Namespaces { return k.namespaces }

func (known) ConfigMap(context.Context, string) (map[string]string, error) { return nil, nil }

func (known) Cluster(context.Context, string) (settings.Cluster, error) {
	return settings.Cluster{}, nil
}

func (s *scene) reconcile() {
	s.t.Helper()
	key := client.ObjectKey{Namespace: "argocd", Name: "set"}
	if _, err := s.reconciler.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		s.t.Fatal(err)
	}
}

// wrong is what the set says is wrong.
func (s *scene) wrong() string {
	s.t.Helper()
	var set v1alpha1.ApplicationSet
	if err := s.client.Get(s.t.Context(), client.ObjectKey{Namespace: "argocd", Name: "set"}, &set); err != nil {
		s.t.Fatal(err)
	}
	for _, condition := range set.Status.Conditions {
		if condition.Type == v1alpha1.ApplicationSetConditionErrorOccurred && condition.Status == v1alpha1.ApplicationSetConditionStatusTrue {
			return condition.Message
		}
	}
	return ""
}
