package generator

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/scm"
)

// world is a hub with objects, and a host that answers by path.
type world struct {
	clock   *clocktesting.FakeClock
	options HostOptions
	params  map[string]string
	host    *httptest.Server
	// answers are bodies by method and path with query; a number in front, as in "404 {}", is the status.
	answers map[string]string
	asked   atomic.Int32
	header  atomic.Pointer[http.Header]
	body    atomic.Pointer[string]
}

func newWorld(t *testing.T, secure bool, objects ...client.Object) *world {
	w := &world{clock: clocktesting.NewFakeClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), params: map[string]string{}, answers: map[string]string{}}
	handler := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		header := r.Header.Clone()
		w.header.Store(&header)
		var body strings.Builder
		if _, err := fmt.Fprint(&body, readAll(r)); err == nil {
			text := body.String()
			w.body.Store(&text)
		}
		answer, ok := w.answers[r.RequestURI]
		if !ok {
			answer = `404 {"message":"Not Found"}`
		}
		status := http.StatusOK
		if before, after, ok := strings.Cut(answer, " "); ok && len(before) == 3 {
			fmt.Sscan(before, &status)
			answer = after
		}
		out.Header().Set("Content-Type", "application/json")
		out.WriteHeader(status)
		fmt.Fprint(out, answer)
	})
	if secure {
		w.host = httptest.NewTLSServer(handler)
	} else {
		w.host = httptest.NewServer(handler)
	}
	t.Cleanup(w.host.Close)
	w.options = HostOptions{
		Reader: fake.NewClientBuilder().WithObjects(objects...).Build(), Namespace: "argocd", Hosts: scm.NewHosts(w.clock), Now: w.clock.Now,
		Params: func(context.Context) (map[string]string, error) { return w.params, nil },
	}
	return w
}

func readAll(r *http.Request) string {
	var raw json.RawMessage
	if json.NewDecoder(r.Body).Decode(&raw) != nil {
		return ""
	}
	return string(raw)
}

// githubAnswers are those of GitHub for one organization, with one repository and its one branch.
func githubAnswers(w *world) {
	w.answers["/api/v3/orgs/argoproj/repos?per_page=100"] = `[{"id":1296269,"name":"argo-cd","owner":{"login":"argoproj"},"default_branch":"feature/A_b",
		"ssh_url":"git@github.com:argoproj/argo-cd.git","clone_url":"https://github.com/argoproj/argo-cd.git","topics":["argo-cd","gitops"]}]`
	w.answers["/api/v3/repos/argoproj/argo-cd/branches/feature%2FA_b"] = `{"name":"feature/A_b","commit":{"sha":"c5b97d5ae6c19d5c5df71a34c7fbeeda2479ccbc"}}`
	w.answers["/api/v3/repos/argoproj/argo-cd/contents/pkg?ref=feature%2FA_b"] = `[]`
	w.answers["/api/v3/repos/argoproj/argo-cd/pulls?per_page=100"] = `[
		{"number":7,"title":"new feature","head":{"ref":"feat/a_really+long_pull_request_name_to_test_argo_slugification_and_branch_name_shortening_feature","sha":"9b34ff5bd418e57d58891eb0aa0728043ca1e8be"},
			"base":{"ref":"release_1.0"},"labels":[{"name":"preview"},{"name":"x"}],"user":{"login":"ann"}},
		{"number":8,"title":"other","head":{"ref":"b","sha":"abc"},"base":{"ref":"main"},"labels":[],"user":{"login":"ben"}}]`
}

func secret(name string, labels map[string]string, data ...string) client.Object {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name, Labels: labels}, Data: map[string][]byte{}}
	for i := 0; i+1 < len(data); i += 2 {
		s.Data[data[i]] = []byte(data[i+1])
	}
	return s
}

func matching(expression string) *string { return &expression }

func aSet(goTemplate bool) *v1alpha1.ApplicationSet {
	set := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "set"}}
	set.Spec.GoTemplate = goTemplate
	return set
}

func TestSCMProvider(t *testing.T) {
	w := newWorld(t, false, secret("token", nil, "key", "t0ken\n"))
	githubAnswers(w)
	g := &v1alpha1.ApplicationSetGenerator{SCMProvider: &v1alpha1.SCMProviderGenerator{
		Github:  &v1alpha1.SCMProviderGeneratorGithub{Organization: "argoproj", API: w.host.URL, TokenRef: &v1alpha1.SecretRef{SecretName: "token", Key: "key"}},
		Filters: []v1alpha1.SCMProviderGeneratorFilter{{RepositoryMatch: matching("^argo"), LabelMatch: matching("gitops"), PathsExist: []string{"pkg/"}, PathsDoNotExist: []string{"none"}, BranchMatch: matching("A")}},
		Values:  map[string]string{"name": "{{repository}}-x"},
	}}
	generator := NewSCMProvider(w.options)
	got, err := generator.Params(context.Background(), g, aSet(false))
	want := []Params{{
		"organization": "argoproj", "repository": "argo-cd", "repository_id": int64(1296269), "url": "git@github.com:argoproj/argo-cd.git",
		"branch": "feature/A_b", "branchNormalized": "feature-a-b", "sha": "c5b97d5ae6c19d5c5df71a34c7fbeeda2479ccbc",
		"short_sha": "c5b97d5a", "short_sha_7": "c5b97d5", "labels": "argo-cd,gitops", "values.name": "argo-cd-x",
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if header := w.header.Load(); header.Get("Authorization") != "Bearer t0ken" {
		t.Errorf("it asks with %v", header)
	}
	if every := generator.RequeueAfter(g); every != 30*time.Minute {
		t.Errorf("it is asked again after %s", every)
	}
	seconds := int64(90)
	g.SCMProvider.RequeueAfterSeconds = &seconds
	if every := generator.RequeueAfter(g); every != 90*time.Second {
		t.Errorf("it is asked again after %s", every)
	}
}

func TestPullRequestParameters(t *testing.T) {
	w := newWorld(t, false)
	githubAnswers(w)
	g := &v1alpha1.ApplicationSetGenerator{PullRequest: &v1alpha1.PullRequestGenerator{
		Github:  &v1alpha1.PullRequestGeneratorGithub{Owner: "argoproj", Repo: "argo-cd", API: w.host.URL, Labels: []string{"preview"}},
		Filters: []v1alpha1.PullRequestGeneratorFilter{{BranchMatch: matching("^feat"), TargetBranchMatch: matching("release"), TitleMatch: matching("new")}},
		Values:  map[string]string{"name": "{{ .number }}-{{ .author }}"},
	}}
	generator := NewPullRequest(w.options)
	want := Params{
		"number": "7", "title": "new feature", "author": "ann",
		"branch":      "feat/a_really+long_pull_request_name_to_test_argo_slugification_and_branch_name_shortening_feature",
		"branch_slug": "feat-a-really-long-pull-request-name-to-test-argo", "target_branch": "release_1.0", "target_branch_slug": "release-1-0",
		"head_sha": "9b34ff5bd418e57d58891eb0aa0728043ca1e8be", "head_short_sha": "9b34ff5b", "head_short_sha_7": "9b34ff5",
	}
	plain, err := generator.Params(context.Background(), g, aSet(false))
	withValues := map[string]any{"values.name": "{{ .number }}-{{ .author }}"}
	if diff := cmp.Diff([]Params{joined(want, withValues)}, plain); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	withValues = map[string]any{"labels": []string{"preview", "x"}, "values": map[string]string{"name": "7-ann"}}
	templated, err := generator.Params(context.Background(), g, aSet(true))
	if diff := cmp.Diff([]Params{joined(want, withValues)}, templated); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if every := generator.RequeueAfter(g); every != 30*time.Minute {
		t.Errorf("it is asked again after %s", every)
	}
}

func joined(a, b Params) Params {
	out := Params{}
	for name, value := range a {
		out[name] = value
	}
	for name, value := range b {
		out[name] = value
	}
	return out
}

// TestWhoMayAskWhom: what the operator forbids is refused before anybody is asked.
func TestWhoMayAskWhom(t *testing.T) {
	strict := map[string]string{"applicationsetcontroller.enable.tokenref.strict.mode": "true"}
	for _, test := range []struct {
		name, namespace string
		params          map[string]string
		secret          string
		scm, pull       string // errors; empty means none
	}{
		{name: "everything"},
		{name: "disabled", params: map[string]string{"applicationsetcontroller.enable.scm.providers": "false"},
			scm: "scm providers are disabled", pull: "failed to select pull request service provider: scm providers are disabled"},
		{name: "a switch that is none", params: map[string]string{"applicationsetcontroller.enable.scm.providers": "nope"}, scm: "neither true nor false", pull: "neither true nor false"},
		{name: "not allowed", params: map[string]string{"applicationsetcontroller.allowed.scm.providers": "https://a,https://b"},
			scm: "scm provider not allowed: scm provider \"HOST\" not allowed, must use one of the following: https://a, https://b", pull: "scm provider not allowed"},
		{name: "allowed", params: map[string]string{"applicationsetcontroller.allowed.scm.providers": "https://a, HOST"}},
		{name: "from another namespace", namespace: "team", scm: "outside the namespace argocd", pull: "outside the namespace argocd"},
		{name: "a Secret that isn't there", secret: "none", scm: "scm provider: error fetching Github token: error fetching secret argocd/none:", pull: "error fetching Secret token: error fetching secret argocd/none:"},
		{name: "a cluster's Secret", secret: "cluster", params: strict,
			scm:  `scm provider: error fetching Github token: secret argocd/cluster is not a valid SCM creds secret: secret must have label "argocd.argoproj.io/secret-type"="scm-creds"`,
			pull: "is not a valid SCM creds secret"},
		{name: "a cluster's Secret, without strictness", secret: "cluster"},
		{name: "credentials", secret: "creds", params: strict},
		{name: "a key that isn't there", secret: "empty", scm: `key "key" in secret argocd/empty not found`, pull: `key "key" in secret argocd/empty not found`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, false, secret("cluster", map[string]string{"argocd.argoproj.io/secret-type": "cluster"}, "key", "s3cret"),
				secret("creds", map[string]string{"argocd.argoproj.io/secret-type": "scm-creds"}, "key", "s3cret"), secret("empty", nil))
			githubAnswers(w)
			for key, value := range test.params {
				w.params[key] = strings.ReplaceAll(value, "HOST", w.host.URL)
			}
			var ref *v1alpha1.SecretRef
			if test.secret != "" {
				ref = &v1alpha1.SecretRef{SecretName: test.secret, Key: "key"}
			}
			set := aSet(true)
			if test.namespace != "" {
				set.Namespace = test.namespace
			}
			for _, one := range []struct {
				generator Generator
				g         *v1alpha1.ApplicationSetGenerator
				want      string
			}{
				{NewSCMProvider(w.options), &v1alpha1.ApplicationSetGenerator{SCMProvider: &v1alpha1.SCMProviderGenerator{
					Github: &v1alpha1.SCMProviderGeneratorGithub{Organization: "argoproj", API: w.host.URL, TokenRef: ref}}}, test.scm},
				{NewPullRequest(w.options), &v1alpha1.ApplicationSetGenerator{PullRequest: &v1alpha1.PullRequestGenerator{
					Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "argoproj", Repo: "argo-cd", API: w.host.URL, TokenRef: ref}}}, test.pull},
			} {
				w.asked.Store(0)
				got, err := one.generator.Params(context.Background(), one.g, set)
				want := strings.ReplaceAll(one.want, "HOST", w.host.URL)
				if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || err != nil && strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%d sets of parameters, error is %v, want %q", len(got), err, want)
				}
				if asked := w.asked.Load(); (asked == 0) != (want != "") {
					t.Errorf("the host was asked %d times", asked)
				}
			}
		})
	}
}

// TestCertificates: those of a ConfigMap and of the operator's file count.
func TestCertificates(t *testing.T) {
	w := newWorld(t, true)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.host.Certificate().Raw}))
	w.options.Reader = fake.NewClientBuilder().WithObjects(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "ca"}, Data: map[string]string{"host": certificate}}).Build()
	w.answers["/api/v4/projects/g%2Fp/merge_requests?per_page=100"] = `[]`
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte(certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		ref      *v1alpha1.ConfigMapKeyRef
		insecure bool
		file     string
		want     string
	}{
		{name: "none", want: "certificate"},
		{name: "insecure", insecure: true},
		{name: "a ConfigMap", ref: &v1alpha1.ConfigMapKeyRef{ConfigMapName: "ca", Key: "host"}},
		{name: "no such key", ref: &v1alpha1.ConfigMapKeyRef{ConfigMapName: "ca", Key: "x"}, want: "key x not found in ConfigMap ca"},
		{name: "no such ConfigMap", ref: &v1alpha1.ConfigMapKeyRef{ConfigMapName: "y", Key: "x"}, want: "error fetching CA certificates from ConfigMap"},
		{name: "the operator's", file: file},
		{name: "a file that isn't there", file: file + "x", want: "scm.root.ca.path"},
	} {
		w.params["applicationsetcontroller.scm.root.ca.path"] = test.file
		_, err := NewPullRequest(w.options).Params(context.Background(), &v1alpha1.ApplicationSetGenerator{PullRequest: &v1alpha1.PullRequestGenerator{
			GitLab: &v1alpha1.PullRequestGeneratorGitLab{Project: "g/p", API: w.host.URL, Insecure: test.insecure, CARef: test.ref}}}, aSet(true))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v, want %q", test.name, err, test.want)
		}
	}
}

// TestRepositoryThatIsGone: it is an error, unless the generator says that it isn't; whatever else goes wrong always is.
func TestRepositoryThatIsGone(t *testing.T) {
	w := newWorld(t, false)
	for _, test := range []struct {
		name, answer string
		goOn, wrong  bool
	}{
		{"gone", `404 {"message":"Not Found"}`, false, true},
		{"gone, and that is fine", `404 {"message":"Not Found"}`, true, false},
		{"a proxy's 404", `404 <html>`, true, true},
		{"broken", `500 {"message":"boom"}`, true, true},
		{"limited", `429 {}`, true, true},
	} {
		w.clock.Step(2 * time.Hour)
		w.answers["/api/v3/repos/o/r/pulls?per_page=100"] = test.answer
		got, err := NewPullRequest(w.options).Params(context.Background(), &v1alpha1.ApplicationSetGenerator{PullRequest: &v1alpha1.PullRequestGenerator{
			Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "o", Repo: "r", API: w.host.URL}, ContinueOnRepoNotFoundError: test.goOn}}, aSet(true))
		if (err != nil) != test.wrong || len(got) != 0 {
			t.Errorf("%s: %v (%v)", test.name, got, err)
		}
	}
}

// TestAnswersAreKept until it is time to ask again, and no failures.
func TestAnswersAreKept(t *testing.T) {
	w := newWorld(t, false)
	githubAnswers(w)
	generator := NewPullRequest(w.options)
	ask := func(set *v1alpha1.ApplicationSet, values map[string]string) (asked int32, err error) {
		before := w.asked.Load()
		_, err = generator.Params(context.Background(), &v1alpha1.ApplicationSetGenerator{PullRequest: &v1alpha1.PullRequestGenerator{
			Github: &v1alpha1.PullRequestGeneratorGithub{Owner: "argoproj", Repo: "argo-cd", API: w.host.URL}, Values: values}}, set)
		return w.asked.Load() - before, err
	}
	expect := func(what string, want int32, values map[string]string, set *v1alpha1.ApplicationSet) {
		t.Helper()
		if asked, err := ask(set, values); asked != want || err != nil {
			t.Errorf("%s: asked %d times, want %d (%v)", what, asked, want, err)
		}
	}
	expect("at first", 1, nil, aSet(true))
	expect("again", 0, nil, aSet(true))
	expect("another set, with other values", 0, map[string]string{"a": "b"}, aSet(true))
	w.clock.Step(30 * time.Minute)
	expect("later", 1, nil, aSet(true))
	refreshed := aSet(true)
	refreshed.Annotations = map[string]string{v1alpha1.ApplicationSetRefreshAnnotation: "true"}
	expect("when it is refreshed", 1, nil, refreshed)
	generator.Forget(func(g *v1alpha1.ApplicationSetGenerator) bool { return g.PullRequest.Github.Repo == "other" })
	expect("after news of another", 0, nil, aSet(true))
	generator.Forget(func(g *v1alpha1.ApplicationSetGenerator) bool { return g.PullRequest.Github.Repo == "argo-cd" })
	expect("after news of it", 1, nil, aSet(true))
	w.clock.Step(time.Hour)
	w.answers["/api/v3/repos/argoproj/argo-cd/pulls?per_page=100"] = `500 {}`
	for range 2 {
		if asked, err := ask(aSet(true), nil); asked != 1 || err == nil {
			t.Errorf("asked %d times (%v)", asked, err)
		}
	}
}

func TestPlugin(t *testing.T) {
	objects := []client.Object{
		secret("argocd-secret", nil, "plugin.token", "t0ken"), secret("other", nil, "key", "0ther"),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "empty"}},
	}
	const path = "/api/v1/getparams.execute"
	input := map[string]apiextensionsv1.JSON{"key1": {Raw: []byte(`"value1"`)}, "map": {Raw: []byte(`{"a":[1]}`)}}
	asInput := map[string]any{"input": map[string]any{"parameters": map[string]any{"key1": "value1", "map": map[string]any{"a": []any{1.0}}}}}
	for _, test := range []struct {
		name, answer string
		config       map[string]string
		goTemplate   bool
		value        string
		token, err   string
		want         []Params
	}{
		{name: "flat", config: map[string]string{"token": "$plugin.token"}, token: "t0ken", answer: `{"output":{"parameters":[{"k":"v","n":{"m":{"o":1.5}},"l":["x",true]}]}}`,
			want: []Params{{"k": "v", "n.m.o": "1.5", "l.0": "x", "l.1": "true", "generator": asInput, "values.v": "v!"}}},
		{name: "nested", config: map[string]string{"token": "$other:key", "requestTimeout": "60"}, token: "0ther", goTemplate: true, value: "{{.k}}!",
			answer: `{"output":{"parameters":[{"k":"v","n":{"m":1}},{"k":"w"}]}}`,
			want: []Params{{"k": "v", "n": map[string]any{"m": 1.0}, "generator": asInput, "values": map[string]string{"v": "v!"}},
				{"k": "w", "generator": asInput, "values": map[string]string{"v": "w!"}}}},
		{name: "none", config: map[string]string{"token": "$plugin.token"}, token: "t0ken", answer: `{"output":{"parameters":[]}}`, want: []Params{}},
		{name: "none, as Go says it", config: map[string]string{"token": "$plugin.token"}, token: "t0ken", answer: `{"output":{"parameters":null}}`, want: []Params{}},
		{name: "no answer", config: map[string]string{"token": "$plugin.token"}, token: "t0ken", answer: `{}`, err: "it has no output.parameters"},
		{name: "nonsense", config: map[string]string{"token": "$plugin.token"}, token: "t0ken", answer: `{"output":{"parameters":{"a":1}}}`, err: "reading the plugin's answer"},
		{name: "refused", config: map[string]string{"token": "$plugin.token"}, token: "t0ken", answer: `403 {"message":"bad token t0ken"}`, err: "error get api 'set': API error with status code 403: bad token ***"},
		{name: "moved", config: map[string]string{"token": "$plugin.token"}, token: "t0ken", answer: `302 {}`, err: "API error with status code 302"},
		{name: "a token in the open", config: map[string]string{"token": "t0ken"}, err: "does not reference a secret key starting with '$'"},
		{name: "no token", config: map[string]string{}, err: "token not found in ConfigMap"},
		{name: "a key that isn't there", config: map[string]string{"token": "$none"}, err: `key "none" in secret argocd/argocd-secret not found`},
		{name: "a Secret that isn't there", config: map[string]string{"token": "$none:key"}, err: "error fetching secret argocd/none"},
		{name: "no URL", config: map[string]string{"token": "$plugin.token", "baseUrl": "plugin:8080"}, err: "is no http(s) URL"},
		{name: "no number", config: map[string]string{"token": "$plugin.token", "requestTimeout": "soon"}, err: "error set requestTimeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, false)
			if test.config["baseUrl"] == "" {
				test.config["baseUrl"] = w.host.URL + "/"
			}
			w.options.Reader = fake.NewClientBuilder().WithObjects(objects...).WithObjects(
				&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "plugin"}, Data: test.config}).Build()
			w.answers[path] = test.answer
			if test.value == "" {
				test.value = "{{k}}!"
			}
			got, err := NewPlugin(w.options).Params(context.Background(), &v1alpha1.ApplicationSetGenerator{Plugin: &v1alpha1.PluginGenerator{
				ConfigMapRef: v1alpha1.PluginConfigMapRef{Name: "plugin"}, Input: v1alpha1.PluginInput{Parameters: input}, Values: map[string]string{"v": test.value}}}, aSet(test.goTemplate))
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("error is %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" && err == nil {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if w.header.Load() == nil {
				return
			}
			if authorization := w.header.Load().Get("Authorization"); authorization != "Bearer "+test.token {
				t.Errorf("it is asked with %q", authorization)
			}
			if body := *w.body.Load(); body != `{"applicationSetName":"set","input":{"parameters":{"key1":"value1","map":{"a":[1]}}}}` {
				t.Errorf("it is asked %s", body)
			}
		})
	}
}

func FuzzPluginAnswer(f *testing.F) {
	for _, seed := range []string{`{"output":{"parameters":[{"a":1}]}}`, `{"output":{"parameters":null}}`, `{"output":null}`, `[]`, `{"Output":{"PARAMETERS":[null]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		found, err := pluginAnswer(answer)
		var read struct {
			Output struct{ Parameters *[]map[string]any }
		}
		if says := json.Unmarshal(answer, &read) == nil && read.Output.Parameters != nil; err == nil && len(found) > 0 && !says || says && err != nil {
			t.Errorf("%q is taken for %v (%v)", answer, found, err)
		}
		for _, one := range found {
			if len(appset.CopyParams(one)) != len(one) {
				t.Errorf("a copy of %v lacks some", one)
			}
			appset.Flatten(one)
		}
	})
}
