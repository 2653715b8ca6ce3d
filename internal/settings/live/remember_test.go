package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/settings"
)

// apiServer lists and streams Secrets, as far as an informer needs it.
type apiServer struct {
	mu      sync.Mutex
	version int
	secrets map[string]*corev1.Secret
	streams map[chan []byte]bool
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	a.mu.Lock()
	if r.URL.Query().Get("watch") == "" {
		list := corev1.SecretList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "SecretList"}, ListMeta: metav1.ListMeta{ResourceVersion: fmt.Sprint(a.version)}}
		for _, secret := range a.secrets {
			list.Items = append(list.Items, *secret)
		}
		a.mu.Unlock()
		_ = json.NewEncoder(w).Encode(list)
		return
	}
	stream := make(chan []byte, 2000)
	a.streams[stream] = true
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for _, secret := range a.secrets {
			stream <- change("ADDED", secret)
		}
		stream <- change("BOOKMARK", &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{
			ResourceVersion: fmt.Sprint(a.version), Annotations: map[string]string{"k8s.io/initial-events-end": "true"},
		}})
	}
	a.mu.Unlock()
	defer func() { a.mu.Lock(); delete(a.streams, stream); a.mu.Unlock() }()
	for {
		select {
		case text := <-stream:
			_, _ = w.Write(text)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func change(kind string, secret *corev1.Secret) []byte {
	object, _ := json.Marshal(secret)
	text, _ := json.Marshal(map[string]any{"type": kind, "object": json.RawMessage(object)})
	return append(text, '\n')
}

// put stores a Secret and tells of it; without data it goes.
func (a *apiServer) put(name, secretType string, data map[string]string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.version++
	secret := &corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{
		Namespace: "argocd", Name: name, ResourceVersion: fmt.Sprint(a.version), Labels: map[string]string{settings.SecretTypeLabel: secretType},
	}, Data: map[string][]byte{}}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	kind := "ADDED"
	if a.secrets[name] != nil {
		kind = "MODIFIED"
	}
	if data == nil {
		kind = "DELETED"
		delete(a.secrets, name)
	} else {
		a.secrets[name] = secret
	}
	for stream := range a.streams {
		stream <- change(kind, secret)
	}
}

// counted counts the lists that a source makes.
type counted struct {
	client.Reader
	lists atomic.Int64
}

func (c *counted) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	c.lists.Add(1)
	return c.Reader.List(ctx, list, options...)
}

// cached is a source that reads a real informer, of an API server that has what fill puts there.
func cached(t testing.TB, remember bool, fill func(*apiServer)) (*Source, *apiServer, *counted) {
	t.Helper()
	api := &apiServer{secrets: map[string]*corev1.Secret{}, streams: map[chan []byte]bool{}}
	fill(api)
	server := httptest.NewServer(api)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(cancel)
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Secret"), meta.RESTScopeNamespace)
	c, err := cache.New(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}, cache.Options{Scheme: scheme.Scheme, Mapper: mapper})
	if err != nil {
		t.Fatal(err)
	}
	reader := &counted{Reader: c}
	s := &Source{Reader: reader, Namespace: "argocd"}
	if remember {
		if err := s.Remember(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	go func() { _ = c.Start(ctx) }()
	if !c.WaitForCacheSync(ctx) {
		t.Fatal("the cache never began")
	}
	if _, err := c.GetInformer(ctx, &corev1.Secret{}); err != nil {
		t.Fatal(err)
	}
	return s, api, reader
}

func TestSecretsAreReadOnceForEachChange(t *testing.T) {
	ctx := t.Context()
	s, api, reader := cached(t, true, func(a *apiServer) {
		a.put("cluster", settings.SecretTypeCluster, map[string]string{"name": "east", "server": "https://east"})
	})
	username := func() string {
		r, err := s.RepositoryFor(ctx, "https://git.example/app", "")
		if err != nil {
			t.Fatal(err)
		}
		return r.Username
	}
	// eventually the informer has it; from then on the source says so too, which the first answer below proves.
	becomes := func(want string) {
		t.Helper()
		deadline := time.Now().Add(10 * time.Second)
		for stored := "-"; stored != want; {
			if time.Now().After(deadline) {
				t.Fatalf("the informer never had user %q", want)
			}
			var list corev1.SecretList
			if err := reader.Reader.List(ctx, &list); err != nil {
				t.Fatal(err)
			}
			stored = ""
			for _, secret := range list.Items {
				stored += string(secret.Data["username"])
			}
		}
		if got := username(); got != want {
			t.Fatalf("the cache has user %q, and the next question is answered with %q", want, got)
		}
	}
	becomes("")
	for i := range 200 {
		api.put("repository", settings.SecretTypeRepository, map[string]string{"url": "https://git.example/app", "username": fmt.Sprint("user", i)})
		becomes(fmt.Sprint("user", i))
	}
	api.put("repository", settings.SecretTypeRepository, nil)
	becomes("")
	before := reader.lists.Load()
	for range 1000 {
		username()
		if c, err := s.Cluster(ctx, "east"); err != nil || c.Server != "https://east" {
			t.Fatalf("cluster east: %+v (%v)", c, err)
		}
	}
	if lists := reader.lists.Load() - before; lists > 3 { // an event that tells of the last change once more may come late
		t.Errorf("2,000 questions without a change listed the secrets %d times", lists)
	}
	clusters, _ := s.Clusters(ctx)
	clusters[0].Name = "changed by a caller"
	if c, err := s.Cluster(ctx, "east"); err != nil || c.Name != "east" {
		t.Errorf("a caller's change of its list shows: %+v (%v)", c, err)
	}
}

// BenchmarkRepositoryFor asks for one of 500 repositories: as each reconcile does, and as it was before.
func BenchmarkRepositoryFor(b *testing.B) {
	for name, remember := range map[string]bool{"remembered": true, "read each time": false} {
		b.Run(name, func(b *testing.B) {
			s, _, _ := cached(b, remember, func(a *apiServer) {
				for i := range 500 {
					a.put(fmt.Sprint("r", i), settings.SecretTypeRepository, map[string]string{"url": fmt.Sprintf("https://git.example/team/app%d", i), "username": "u"})
				}
			})
			b.ReportAllocs()
			for b.Loop() {
				if r, err := s.RepositoryFor(b.Context(), "https://git.example/team/app250.git", "p"); err != nil || r.Username != "u" {
					b.Fatalf("%+v (%v)", r, err)
				}
			}
		})
	}
}
