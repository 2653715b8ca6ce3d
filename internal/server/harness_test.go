package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/bcrypt"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/rollout"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/settings/live"
)

const hubNamespace = "argocd"

// hub is a server over an in-memory API server, listening on a port of its own.
type hub struct {
	t      *testing.T
	client client.WithWatch
	server *Server
	url    string
	fleet  *memoryFleet
	log    *bytes.Buffer
}

// objects is what a hub begins with: accounts of which the password is the name, and the policies of the demo.
const objects = `
kind: ConfigMap
apiVersion: v1
metadata: {namespace: argocd, name: argocd-cm}
data:
  accounts.developer: login
  accounts.operator: login
  accounts.stranger: login
  accounts.bot: apiKey
  passwordPattern: ".+"
---
kind: ConfigMap
apiVersion: v1
metadata: {namespace: argocd, name: argocd-rbac-cm}
data:
  policy.csv: |
    p, role:developer, applications, get, shop/*
    p, role:developer, applications, *, shop/dev
    p, role:developer, builds, *, shop/*
    p, role:operator, applications, *, shop/*, allow
    p, role:operator, logs, get, shop/*, allow
    p, role:operator, clusters, *, *, allow
    p, role:operator, applications, delete, shop/production, deny
    g, developer, role:developer
    g, operator, role:operator
---
kind: AppProject
apiVersion: argoproj.io/v1alpha1
metadata: {namespace: argocd, name: shop}
spec: {sourceRepos: ["https://git.example/*"], destinations: [{name: "*", namespace: "shop-*"}]}
---
kind: AppProject
apiVersion: argoproj.io/v1alpha1
metadata: {namespace: argocd, name: default}
spec: {sourceRepos: ["*"], destinations: [{server: "*", namespace: "*"}]}
---
kind: Secret
apiVersion: v1
metadata: {namespace: argocd, name: cluster-prod, labels: {argocd.argoproj.io/secret-type: cluster}}
stringData: {}
data: {name: cHJvZA==, server: aHR0cHM6Ly9wcm9kOjY0NDM=, config: eyJiZWFyZXJUb2tlbiI6InNlY3JldC10b2tlbiIsInRsc0NsaWVudENvbmZpZyI6eyJpbnNlY3VyZSI6dHJ1ZX19}
---
kind: Secret
apiVersion: v1
metadata: {namespace: argocd, name: repo-deploy, labels: {argocd.argoproj.io/secret-type: repository}}
data: {url: aHR0cHM6Ly9naXQuZXhhbXBsZS9kZXBsb3k=, username: dXNlcg==, password: c2VjcmV0LXBhc3N3b3Jk}
---
kind: Application
apiVersion: argoproj.io/v1alpha1
metadata: {namespace: argocd, name: production, labels: {stage: production}}
spec: {project: shop, source: {repoURL: "https://git.example/deploy", path: prod, targetRevision: main}, destination: {name: prod, namespace: shop-prod}}
status:
  resources:
  - {group: argoproj.io, version: v1alpha1, kind: Rollout, namespace: shop-prod, name: web, status: Synced}
  - {version: v1, kind: Secret, namespace: shop-prod, name: credentials}
  history:
  - {id: 1, revision: "1111111111111111111111111111111111111111", deployedAt: "2026-01-01T00:00:00Z", source: {repoURL: "https://git.example/deploy", path: prod}}
  - {id: 2, revision: "2222222222222222222222222222222222222222", deployedAt: "2026-01-02T00:00:00Z", source: {repoURL: "https://git.example/deploy", path: prod}}
---
kind: Application
apiVersion: argoproj.io/v1alpha1
metadata: {namespace: argocd, name: dev}
spec: {project: shop, source: {repoURL: "https://git.example/deploy", path: dev, targetRevision: main}, destination: {name: prod, namespace: shop-dev}, syncPolicy: {automated: {}}}
status:
  history:
  - {id: 7, revision: "7777777777777777777777777777777777777777", deployedAt: "2026-01-01T00:00:00Z", source: {repoURL: "https://git.example/deploy", path: dev}}
---
kind: Application
apiVersion: argoproj.io/v1alpha1
metadata: {namespace: argocd, name: other}
spec: {project: default, source: {repoURL: "https://git.example/other", path: .}, destination: {name: prod, namespace: x}}
---
kind: BuildRule
apiVersion: fairlead.dev/v1alpha1
metadata: {namespace: argocd, name: web}
spec: {project: shop, source: {repoURL: "https://git.example/web"}, push: {type: branch, pattern: main}, image: {repository: registry.example/web}}
---
kind: Build
apiVersion: fairlead.dev/v1alpha1
metadata: {namespace: argocd, name: web-1}
spec: {rule: web, project: shop, source: {repoURL: "https://git.example/web"}, ref: refs/heads/main, commit: "1111111111111111111111111111111111111111", images: ["registry.example/web:1"]}
status: {phase: Running}
`

// liveRollout is the one of application production: a canary that pauses at its first step.
const liveRollout = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {namespace: shop-prod, name: web}
spec:
  replicas: 4
  strategy: {canary: {steps: [{setWeight: 25}, {pause: {}}, {setWeight: 50}]}}
  template: {spec: {containers: [{name: web, image: "registry.example/web:2"}]}}
status:
  phase: Paused
  message: CanaryPauseStep
  currentStepIndex: 1
  currentPodHash: new
  stableRS: old
  replicas: 5
  updatedReplicas: 1
  readyReplicas: 5
  availableReplicas: 5
  pauseConditions: [{reason: CanaryPauseStep, startTime: "2026-01-02T00:00:00Z"}]
`

func testScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, argo.AddToScheme, fairlead.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

func newHub(t *testing.T, change ...func(*Options)) *hub {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	scheme := testScheme(t)
	builder := fake.NewClientBuilder().WithScheme(scheme)
	for _, document := range strings.Split(objects, "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &u.Object); err != nil {
			t.Fatal(err)
		}
		builder.WithObjects(u)
	}
	builder.WithObjects(accountSecret(t, "admin", "developer", "operator", "stranger"))
	h := &hub{t: t, client: builder.Build(), fleet: newMemoryFleet(t), log: &bytes.Buffer{}}
	logins, err := login.New(login.Options{Client: h.client, Namespace: hubNamespace})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	options := Default()
	options.Client, options.Informers, options.Login = h.client, &memoryInformers{t: t, ctx: ctx, client: h.client}, logins
	options.Settings = &live.Source{Reader: h.client, Namespace: hubNamespace}
	options.Fleet, options.Sources, options.Manifests = h.fleet, memorySources{}, memoryManifests{}
	options.Builds, options.BuildLogs = memoryBuilds{}, memoryBuilds{}
	options.Metrics, options.Gatherer = registry, registry
	options.Version = protocol.VersionMessage{Version: "v1.2.3", Platform: "secret/platform"}
	options.Logger = slog.New(slog.NewTextHandler(&lockedWriter{w: h.log}, nil))
	for _, change := range change {
		change(&options)
	}
	if h.server, err = New(ctx, options); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + listener.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- h.server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return h
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func accountSecret(t *testing.T, names ...string) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: hubNamespace, Name: settings.SecretName},
		Data:       map[string][]byte{"server.secretkey": []byte("the key of a test, long enough for it")},
	}
	for _, name := range names {
		hash, err := bcrypt.GenerateFromPassword([]byte(name), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		key := "accounts." + name + ".password"
		if name == "admin" {
			key = "admin.password"
		}
		secret.Data[key] = hash
	}
	return secret
}

// as is a client of the hub, logged on; "" is nobody.
func (h *hub) as(user string, change ...func(*hubclient.Options)) *hubclient.Client {
	h.t.Helper()
	options := hubclient.Options{Server: h.url, Token: h.token(user)}
	for _, change := range change {
		change(&options)
	}
	c, err := hubclient.Dial(options)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	return c
}

func (h *hub) token(user string) string {
	h.t.Helper()
	if user == "" {
		return ""
	}
	token, err := h.server.options.Login.Login(context.Background(), user, user)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

func (h *hub) application(name string) *argo.Application {
	h.t.Helper()
	app := &argo.Application{}
	if err := h.client.Get(context.Background(), client.ObjectKey{Namespace: hubNamespace, Name: name}, app); err != nil {
		h.t.Fatal(err)
	}
	return app
}

func (h *hub) update(obj client.Object) {
	h.t.Helper()
	if err := h.client.Update(context.Background(), obj); err != nil {
		h.t.Fatal(err)
	}
}

// rest calls the REST API with a JSON body; "" is none.
func (h *hub) rest(user, verb, path, body string) (status int, answer string) {
	h.t.Helper()
	request, err := http.NewRequest(verb, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if user != "" {
		request.Header.Set("Authorization", "Bearer "+h.token(user))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

func wantCode(t *testing.T, err error, code connect.Code, text string) {
	t.Helper()
	if err == nil || connect.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("got error %v, want %s with %q", err, code, text)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// memoryInformers informs of what the in-memory API server holds.
type memoryInformers struct {
	t      *testing.T
	ctx    context.Context
	client client.WithWatch
}

// IsWatchListSemanticsUnSupported tells client-go to list before it watches.
func (m *memoryInformers) IsWatchListSemanticsUnSupported() bool { return true }

func (m *memoryInformers) GetInformer(_ context.Context, obj client.Object, _ ...cache.InformerGetOption) (cache.Informer, error) {
	informer := toolscache.NewSharedIndexInformer(toolscache.ToListWatcherWithWatchListSemantics(&toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
			list := &argo.ApplicationList{}
			return list, m.client.List(ctx, list)
		},
		WatchFuncWithContext: func(ctx context.Context, _ metav1.ListOptions) (watch.Interface, error) {
			return m.client.Watch(ctx, &argo.ApplicationList{})
		},
	}, m), obj, 0, toolscache.Indexers{})
	go informer.RunWithContext(m.ctx)
	eventually(m.t, "the informer knows all objects", informer.HasSynced)
	return informer, nil
}

// memoryFleet is a cluster that holds its objects in memory, and applies patches for real.
type memoryFleet struct {
	mu   sync.Mutex
	live map[protocol.ResourceRef]*unstructured.Unstructured
	sets []appsv1.ReplicaSet
}

func newMemoryFleet(t *testing.T) *memoryFleet {
	f := &memoryFleet{live: map[protocol.ResourceRef]*unstructured.Unstructured{}}
	for _, document := range []string{liveRollout, `
apiVersion: v1
kind: Secret
metadata: {namespace: shop-prod, name: credentials}
data: {password: c2VjcmV0}
`, `
apiVersion: v1
kind: Secret
metadata: {namespace: kube-system, name: not-ours}
`} {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &u.Object); err != nil {
			t.Fatal(err)
		}
		f.live[refOf(u)] = u
	}
	return f
}

func refOf(u *unstructured.Unstructured) protocol.ResourceRef {
	return protocol.ResourceRef{Group: u.GroupVersionKind().Group, Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName()}
}

func (f *memoryFleet) Object(_ context.Context, _ *argo.Application, ref protocol.ResourceRef) (*unstructured.Unstructured, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ref.Version, ref.UID = "", ""
	if u, ok := f.live[ref]; ok {
		return u.DeepCopy(), nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Group: ref.Group, Resource: ref.Kind}, ref.Name)
}

func (f *memoryFleet) Patch(ctx context.Context, app *argo.Application, ref protocol.ResourceRef, patches []rollout.Patch) (*unstructured.Unstructured, error) {
	u, err := f.Object(ctx, app, ref)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, patch := range patches {
		before, err := json.Marshal(u.Object)
		if err != nil {
			return nil, err
		}
		after, err := jsonpatch.MergePatch(before, patch.Body)
		if err != nil {
			return nil, err
		}
		u = &unstructured.Unstructured{}
		if err := json.Unmarshal(after, &u.Object); err != nil {
			return nil, err
		}
	}
	f.live[refOf(u)] = u
	return u.DeepCopy(), nil
}

func (f *memoryFleet) Tree(context.Context, *argo.Application) (*protocol.ApplicationTree, error) {
	rolloutRef := protocol.ResourceRef{Group: "argoproj.io", Kind: "Rollout", Namespace: "shop-prod", Name: "web", UID: "1"}
	return &protocol.ApplicationTree{Nodes: []protocol.ResourceNode{
		{ResourceRef: rolloutRef},
		{ResourceRef: protocol.ResourceRef{Kind: "Pod", Namespace: "shop-prod", Name: "web-1", UID: "2"}, ParentRefs: []protocol.ResourceRef{rolloutRef}},
		{ResourceRef: protocol.ResourceRef{Kind: "Pod", Namespace: "shop-prod", Name: "stray", UID: "3"}},
	}}, nil
}

func (f *memoryFleet) ReplicaSets(context.Context, *argo.Application, string) ([]appsv1.ReplicaSet, error) {
	return f.sets, nil
}

func (f *memoryFleet) PodLog(_ context.Context, _ *argo.Application, pod protocol.ResourceRef, _ *protocol.ApplicationPodLogsQuery) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("2026-01-02T03:04:05.000000006Z hello from " + pod.Name + "\n")), nil
}

func (f *memoryFleet) ClusterInfo(context.Context, settings.Cluster) protocol.ClusterInfo {
	return protocol.ClusterInfo{ServerVersion: "1.37", ConnectionState: protocol.ConnectionState{Status: protocol.ConnectionSuccessful}}
}

// memorySources knows one branch.
type memorySources struct{}

const mainCommit = "abcdefabcdefabcdefabcdefabcdefabcdefabcd"

func (memorySources) Resolve(_ context.Context, source argo.ApplicationSource, revision string) (string, error) {
	if revision == "" {
		revision = source.TargetRevision
	}
	if revision == "main" || revision == "HEAD" || revision == "" {
		return mainCommit, nil
	}
	return "", errors.New("there is no branch or tag " + revision)
}

func (memorySources) Metadata(_ context.Context, _ argo.ApplicationSource, commit string) (*protocol.RevisionMetadata, error) {
	return &protocol.RevisionMetadata{Author: "Ann", Message: "commit " + commit}, nil
}

func (memorySources) Test(_ context.Context, repository settings.Repository) error {
	if strings.Contains(repository.URL, "unreachable") {
		return errors.New("connection refused")
	}
	return nil
}

type memoryManifests struct{}

func (memoryManifests) Render(context.Context, *argo.Application, []string) (*protocol.ManifestResponse, error) {
	return &protocol.ManifestResponse{Manifests: []string{
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"password":"hunter2"}}`, `{"kind":"ConfigMap","data":{"a":"b"}}`,
	}}, nil
}

func (memoryManifests) Compare(context.Context, *argo.Application) ([]*protocol.ResourceDiff, error) {
	secret := `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"password":"aHVudGVyMg=="}}`
	return []*protocol.ResourceDiff{{Kind: "Secret", Name: "s", TargetState: secret, LiveState: secret}, {Kind: "ConfigMap", Name: "c", LiveState: "null"}}, nil
}

type memoryBuilds struct{}

func (memoryBuilds) Start(_ context.Context, rule *fairlead.BuildRule, ref, user string) (*fairlead.Build, error) {
	if ref != "main" {
		return nil, errors.New("the rule's pattern doesn't match " + ref)
	}
	return &fairlead.Build{
		ObjectMeta: metav1.ObjectMeta{Namespace: rule.Namespace, Name: rule.Name + "-new"},
		Spec:       fairlead.BuildSpec{Rule: rule.Name, Project: rule.Spec.Project, Ref: "refs/heads/main", Commit: mainCommit, RequestedBy: user},
	}, nil
}

func (memoryBuilds) Follow(_ context.Context, build *fairlead.Build, _ bool, w io.Writer) error {
	for _, line := range []string{"step 1 of " + build.Name + "\n", "step 2\n"} {
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
	}
	return nil
}

// lists are of all kinds that the hub keeps.
func lists() []client.ObjectList {
	return []client.ObjectList{
		&argo.ApplicationList{}, &argo.AppProjectList{}, &corev1.SecretList{}, &corev1.ConfigMapList{},
		&fairlead.BuildList{}, &fairlead.BuildRuleList{},
	}
}

func role(name, policy string, groups ...string) argo.ProjectRole {
	return argo.ProjectRole{Name: name, Policies: []string{policy}, Groups: groups}
}

func newProject(name string) *argo.AppProject {
	return &argo.AppProject{ObjectMeta: metav1.ObjectMeta{Name: name}}
}
