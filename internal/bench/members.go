package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// members is how many clusters there are besides the hub's.
const members = 50

// memberClusters: clusters with nothing in them, each with an application that isn't synced. They are served by the bench,
// over HTTP/2 and TLS, with the discovery documents of the real API server: fifty of those would not fit.
func memberClusters(ctx context.Context, w *world) error {
	empty, err := newEmptyCluster(ctx, w.config)
	if err != nil {
		return err
	}
	var objects []client.Object
	var apps []client.Object
	for i := range members {
		server := httptest.NewUnstartedServer(empty)
		server.EnableHTTP2 = true
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that the end cuts
		server.StartTLS()
		defer server.Close()
		defer server.CloseClientConnections()
		name := fmt.Sprintf("member-%02d", i)
		objects = append(objects, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: hubNamespace, Labels: map[string]string{"argocd.argoproj.io/secret-type": "cluster"}},
			StringData: map[string]string{"name": name, "server": server.URL, "config": `{"tlsClientConfig": {"insecure": true}}`},
		})
		app := w.newApplication(hubNamespace, name, "apps/"+appName(0))
		app.Spec.Destination.Server, app.Spec.SyncPolicy = server.URL, nil
		apps = append(apps, app)
	}
	defer empty.close()
	if err := w.createAll(ctx, objects); err != nil {
		return err
	}
	if _, err := w.hub.settled(ctx); err != nil {
		return err
	}
	before, err := w.hub.memory("RssAnon")
	if err != nil {
		return err
	}
	began := time.Now()
	if err := w.createAll(ctx, apps); err != nil {
		return err
	}
	at, err := w.seen.until(ctx, w.options.Patience, "the members' applications are compared", func() bool {
		return !slices.ContainsFunc(apps, func(app client.Object) bool { return w.seen.apps[app.GetName()].sync != "OutOfSync" })
	})
	if err != nil {
		return err
	}
	after, err := w.hub.memory("RssAnon")
	if err != nil {
		return err
	}
	w.table.time("50 empty member clusters: applications made → all connected and compared", at.Sub(began), 0, limit{}, "")
	w.table.number("  memory per cluster, at once", (after-before)/members, " MB", -1, "")
	return nil
}

// emptyCluster answers what a client asks of a cluster in which there is nothing.
type emptyCluster struct {
	// documents are the real API server's answers by path and Accept header.
	documents map[string]document
	closed    chan struct{}
}

type document struct {
	contentType string
	body        []byte
}

// discovery is what clients ask before all else, in the forms that client-go asks for.
var discovery = map[string][]string{
	"/version": {""},
	"/api":     {"", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"},
	"/apis":    {"", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"},
	"/api/v1":  {""},
}

func newEmptyCluster(ctx context.Context, config *rest.Config) (*emptyCluster, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("copying the API server's discovery: %w", err)
	}
	e := &emptyCluster{documents: map[string]document{}, closed: make(chan struct{})}
	for path, forms := range discovery {
		for _, form := range forms {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+path, nil)
			if err != nil {
				return nil, err
			}
			request.Header.Set("Accept", form)
			answer, err := client.Do(request)
			if err != nil {
				return nil, fmt.Errorf("copying the API server's discovery: %w", err)
			}
			body, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil || answer.StatusCode != http.StatusOK {
				return nil, fmt.Errorf("copying the API server's discovery: %s: %s, %w", path, answer.Status, err)
			}
			e.documents[path+" "+form] = document{answer.Header.Get("Content-Type"), body}
		}
	}
	return e, nil
}

func (e *emptyCluster) close() { close(e.closed) }

// ServeHTTP implements http.Handler.
func (e *emptyCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if forms := discovery[r.URL.Path]; forms != nil {
		form := forms[0]
		if len(forms) > 1 && strings.Contains(r.Header.Get("Accept"), "APIGroupDiscoveryList") {
			form = forms[1]
		}
		d := e.documents[r.URL.Path+" "+form]
		w.Header().Set("Content-Type", d.contentType)
		_, _ = w.Write(d.body)
		return
	}
	if r.Method != http.MethodGet {
		http.Error(w, "this cluster stays empty", http.StatusMethodNotAllowed)
		return
	}
	kind, apiVersion := "Empty", "v1"
	if strings.Contains(r.Header.Get("Accept"), "PartialObjectMetadata") {
		kind, apiVersion = "PartialObjectMetadata", "meta.k8s.io/v1"
	}
	w.Header().Set("Content-Type", "application/json")
	encode := json.NewEncoder(w)
	if r.URL.Query().Get("watch") == "" {
		_ = encode.Encode(map[string]any{
			"kind": kind + "List", "apiVersion": apiVersion, "metadata": map[string]any{"resourceVersion": "1"}, "items": []any{},
		})
		return
	}
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		_ = encode.Encode(map[string]any{"type": "BOOKMARK", "object": map[string]any{
			"kind": kind, "apiVersion": apiVersion, "metadata": map[string]any{
				"resourceVersion": "1", "annotations": map[string]string{"k8s.io/initial-events-end": "true"},
			},
		}})
	}
	_ = http.NewResponseController(w).Flush()
	select {
	case <-r.Context().Done():
	case <-e.closed:
	}
}
