package server

import (
	"bytes"
	"context"
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
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/protocol"
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
spec: {sourceRepos: ["https://git.example/*"], destinations: [{name: "*", namespace: "shop-*"}], sourceNamespaces: [team]}
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
kind: Secret
apiVersion: v1
metadata: {namespace: argocd, name: push-deploy, labels: {argocd.argoproj.io/secret-type: repository-write}}
data: {url: aHR0cHM6Ly9naXQuZXhhbXBsZS9kZXBsb3k=, username: dXNlcg==, password: c2VjcmV0LXBhc3N3b3Jk}
---
kind: ConfigMap
apiVersion: v1
metadata: {namespace: argocd, name: argocd-cmd-params-cm}
data: {hydrator.enabled: "true"}
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
kind: ApplicationSet
apiVersion: argoproj.io/v1alpha1
metadata: {namespace: argocd, name: production}
spec: {generators: [{list: {elements: []}}], template: {metadata: {name: x}, spec: {project: shop, source: {repoURL: "https://git.example/deploy"}, destination: {name: prod}}}}
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
	logins, err := login.New(login.Options{Client: h.client, Namespace: hubNamespace, Cost: bcrypt.MinCost})
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

// hashes are of passwords that were hashed before, by password: under the race detector each takes its time.
var hashes sync.Map

func hashOf(password string) ([]byte, error) {
	if known, ok := hashes.Load(password); ok {
		return known.([]byte), nil
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	hashes.Store(password, hash)
	return hash, err
}

func accountSecret(t *testing.T, names ...string) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: hubNamespace, Name: settings.SecretName},
		Data:       map[string][]byte{"server.secretkey": []byte("the key of a test, long enough for it")},
	}
	for _, name := range names {
		hash, err := hashOf(name)
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
