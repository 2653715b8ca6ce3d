//go:build integration

package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/testkube"
)

// connectAs connects with settings and options of the test's own.
func connectAs(t *testing.T, s settings.Cluster, o Options) (*Cluster, *Registry, chan Change) {
	t.Helper()
	registry, err := NewRegistry(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	changes := make(chan Change, 10000)
	registry.Subscribe(func(change Change) { changes <- change })
	s.Name = "test"
	if s.Server == "" {
		s.Server = "https://test"
	}
	c, err := registry.Get(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return c, registry, changes
}

func quick() Options {
	o := Default()
	o.RetryMin, o.RetryMax, o.RefusedRetry = 10*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	o.Patience = 10 * time.Second
	return o
}

// admin makes and changes objects by another hand.
func admin(t *testing.T) dynamic.Interface {
	t.Helper()
	client, err := dynamic.NewForConfig(testkube.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func create(t *testing.T, resource schema.GroupVersionResource, manifest *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	u, err := admin(t).Resource(resource).Namespace(manifest.GetNamespace()).Create(t.Context(), manifest, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

var configMapResource = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

func TestChildrenAreWatchedByTheirMetadata(t *testing.T) {
	c, _, _ := connectAs(t, settings.Cluster{HubConfig: testkube.Config(t)}, quick())
	namespace := testkube.Namespace(t)
	create(t, configMapResource, configMap(namespace, "a", namespace))
	key := object.Key{Kind: "ConfigMap", Namespace: namespace, Name: "a"}
	if err := c.watch(t.Context(), false, []schema.GroupVersionKind{configMaps}); err != nil {
		t.Fatal(err)
	}
	if live, exists := c.Live(key); !exists || live != nil {
		t.Errorf("metadata passes for an object: %v, exists %v", live, exists)
	}
	if managed := c.Managed(namespace, nil); len(managed) != 1 || managed[0].Object["data"] != nil {
		t.Errorf("by its metadata alone: %v", managed)
	}
	// An application that manages the kind needs whole objects. What is known stays known meanwhile.
	if err := c.Watch(t.Context(), namespace, configMaps); err != nil {
		t.Fatal(err)
	}
	live, exists := c.Live(key)
	if !exists || live == nil || live.Object["data"] == nil {
		t.Errorf("not whole: %v", live)
	}
	if c.Info().Watches != 1 {
		t.Errorf("%d watches of one kind", c.Info().Watches)
	}
}

func TestWhatNobodyNeedsIsNoLongerWatched(t *testing.T) {
	c, registry, changes := connectAs(t, settings.Cluster{HubConfig: testkube.Config(t)}, quick())
	namespace := testkube.Namespace(t)
	create(t, configMapResource, configMap(namespace, "a", "one"))
	for _, app := range []string{"one", "two"} {
		if err := c.Watch(t.Context(), app, configMaps); err != nil {
			t.Fatal(err)
		}
	}
	registry.Release("one", "")
	c.sweepOnce(time.Now())
	if c.running(configMaps.GroupKind(), true) == nil {
		t.Fatal("a kind that an application still needs is no longer watched")
	}
	for len(changes) > 0 {
		<-changes
	}
	registry.Release("two", "https://another")
	c.sweepOnce(time.Now())
	if c.running(configMaps.GroupKind(), true) != nil || c.Info().Objects != 0 {
		t.Error("still watched, though nobody needs it")
	}
	if len(changes) != 0 {
		t.Errorf("told of %+v, as if the objects were gone", <-changes)
	}
	if err := c.Watch(t.Context(), "one", configMaps); err != nil || len(c.Managed("one", nil)) != 1 {
		t.Errorf("needed again: %v, %v", err, c.Managed("one", nil))
	}
}

func definition(group string, properties map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "widgets." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"plural": "widgets", "kind": "Widget"},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{
				"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
					"spec": map[string]any{"type": "object", "properties": properties},
				}},
			}}},
		},
	}}
}

func TestDefinitionsAreFollowed(t *testing.T) {
	c, _, changes := connectAs(t, settings.Cluster{HubConfig: testkube.Config(t)}, quick())
	namespace := testkube.Namespace(t)
	group := namespace + ".example.com"
	widgets := schema.GroupVersionKind{Group: group, Version: "v1", Kind: "Widget"}
	told := func(what string) {
		t.Helper()
		timeout := time.After(20 * time.Second)
		for {
			select {
			case change := <-changes:
				if change.Kind == widgets.GroupKind() {
					return
				}
			case <-timeout:
				t.Fatalf("nobody was told that %s", what)
			}
		}
	}
	crds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	made := create(t, crds, definition(group, map[string]any{"size": map[string]any{"type": "integer"}}))
	t.Cleanup(func() {
		_ = admin(t).Resource(crds).Delete(context.Background(), made.GetName(), metav1.DeleteOptions{})
	})
	told("the kind appeared")
	if _, ok := c.kinds.find(widgets); !ok {
		t.Error("the kind is told of, but not known")
	}
	widget := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": group + "/v1", "kind": "Widget", "metadata": map[string]any{"name": "w", "namespace": namespace},
	}}
	object.Track(widget, "shop", "", object.Tracking{})
	eventually(t, "the kind is served", func() bool {
		_, err := c.Apply(t.Context(), widget, ApplyOptions{})
		return err == nil
	})
	if err := c.Watch(t.Context(), "shop", widgets); err != nil || len(c.Managed("shop", nil)) != 1 {
		t.Fatalf("%v, %v", err, c.Managed("shop", nil))
	}
	for len(changes) > 0 {
		<-changes
	}
	patch := `[{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/color","value":{"type":"string","default":"red"}}]`
	if _, err := admin(t).Resource(crds).Patch(t.Context(), made.GetName(), "application/json-patch+json", []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	told("its schema changed")
	if err := admin(t).Resource(crds).Delete(t.Context(), made.GetName(), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the kind is gone", func() bool {
		_, known := c.kinds.find(widgets)
		return !known && len(c.Managed("shop", nil)) == 0
	})
	if err := c.Watch(t.Context(), "shop", widgets); err != nil {
		t.Errorf("a kind that is gone stops the application: %v", err)
	}
}

// limited is an account that may read ConfigMaps of one namespace, and nothing else.
func limited(t *testing.T, namespace string) *rest.Config {
	t.Helper()
	roles := schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"}
	create(t, roles, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": map[string]any{"name": "limited", "namespace": namespace},
		"rules": []any{map[string]any{"apiGroups": []any{""}, "resources": []any{"configmaps"}, "verbs": []any{"*"}}},
	}})
	bindings := roles.GroupVersion().WithResource("rolebindings")
	create(t, bindings, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": map[string]any{"name": "limited", "namespace": namespace},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "limited"},
		"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "limited-" + namespace}},
	}})
	config := testkube.Config(t)
	config.Impersonate = rest.ImpersonationConfig{UserName: "limited-" + namespace, Groups: []string{"system:authenticated"}}
	return config
}

func TestNamespacesAndPermissions(t *testing.T) {
	namespace, elsewhere := testkube.Namespace(t), testkube.Namespace(t)
	create(t, configMapResource, configMap(namespace, "a", "app"))
	create(t, configMapResource, configMap(elsewhere, "a", "app"))
	secret := schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
	namespaces := schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	where := settings.Cluster{HubConfig: limited(t, namespace), Namespaces: []string{namespace}}

	c, _, _ := connectAs(t, where, quick())
	if err := c.Watch(t.Context(), "app", configMaps); err != nil {
		t.Fatal(err)
	}
	if managed := c.Managed("app", nil); len(managed) != 1 || managed[0].GetNamespace() != namespace {
		t.Errorf("limited to one namespace, it knows %v", managed)
	}
	if err := c.Watch(t.Context(), "app", configMaps, secret); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("a forbidden kind: %v", err)
	}
	if err := c.Watch(t.Context(), "another", configMaps); err != nil {
		t.Errorf("a forbidden kind concerns an application that hasn't got it: %v", err)
	}
	if err := c.Watch(t.Context(), "app", namespaces); err != nil {
		t.Errorf("a kind outside of namespaces: %v", err)
	}
	if _, exists := c.Live(object.Key{Kind: "Namespace", Name: namespace}); !exists {
		t.Error("what nothing is known of passes for missing")
	}
	for want, err := range map[string]error{
		`Cluster level ClusterRole "r" can not be managed when in namespaced mode`:  c.Manages("ClusterRole", "", "r"),
		fmt.Sprintf("Namespace %q for ConfigMap %q is not managed", elsewhere, "a"): c.Manages("ConfigMap", elsewhere, "a"),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := c.Manages("ConfigMap", namespace, "a"); err != nil {
		t.Error(err)
	}
	for _, mode := range []string{"normal", "strict"} {
		o := quick()
		o.RespectRBAC = func() string { return mode }
		c, _, _ := connectAs(t, where, o)
		if err := c.Watch(t.Context(), "app", configMaps, secret); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		if _, exists := c.Live(object.Key{Kind: "Secret", Namespace: namespace, Name: "s"}); !exists {
			t.Errorf("%s: what may not be looked at passes for missing", mode)
		}
	}
}

func TestExcludedKindsAreLeftAlone(t *testing.T) {
	o := quick()
	o.Excluded = func(_ string, kind schema.GroupKind) bool { return kind.Kind == "ConfigMap" }
	c, _, _ := connectAs(t, settings.Cluster{HubConfig: testkube.Config(t)}, o)
	create(t, configMapResource, configMap(testkube.Namespace(t), "a", "app"))
	if err := c.Watch(t.Context(), "app", configMaps); err != nil || len(c.Managed("app", nil)) != 0 || c.Info().Watches != 0 {
		t.Errorf("%v, %v", err, c.Managed("app", nil))
	}
}

func TestOnlySelectedObjectsAreWatched(t *testing.T) {
	o, selector := quick(), "!private"
	o.Objects = func() Objects {
		return Objects{Version: selector, Selector: func(kind schema.GroupKind, _ string) string {
			if kind.Kind != "ConfigMap" {
				return ""
			}
			return selector
		}}
	}
	s := settings.Cluster{HubConfig: testkube.Config(t)}
	c, registry, _ := connectAs(t, s, o)
	namespace := testkube.Namespace(t)
	create(t, configMapResource, configMap(namespace, "public", namespace))
	private := configMap(namespace, "private", namespace)
	private.SetLabels(map[string]string{"private": "yes"})
	create(t, configMapResource, private)
	names := func(c *Cluster) (names []string) {
		for _, u := range c.Managed(namespace, nil) {
			names = append(names, u.GetName())
		}
		return names
	}
	if err := c.Watch(t.Context(), namespace, configMaps); err != nil || !slices.Equal(names(c), []string{"public"}) {
		t.Fatalf("%v (%v)", names(c), err)
	}
	selector = ""
	c, err := registry.Get(t.Context(), c.settings)
	if err == nil {
		err = c.Watch(t.Context(), namespace, configMaps)
	}
	if err != nil || len(names(c)) != 2 {
		t.Errorf("with another selector: %v (%v)", names(c), err)
	}
}

// faulty stands between the cache and the API server.
type faulty struct {
	*httptest.Server
	// fault answers a request in place of the API server; false passes it on.
	fault atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

func newFaulty(t *testing.T) (*faulty, *rest.Config) {
	t.Helper()
	config := testkube.Config(t)
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport, proxy.FlushInterval = transport, -1
	f := &faulty{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := f.fault.Load(); fault != nil && (*fault)(w, r) {
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { f.CloseClientConnections(); f.Close() })
	return f, &rest.Config{Host: f.URL, QPS: -1}
}

func (f *faulty) set(fault func(w http.ResponseWriter, r *http.Request) bool) {
	f.fault.Store(&fault)
	f.CloseClientConnections()
}

func TestFaultsOfTheAPIServerInventNoDeletions(t *testing.T) {
	f, config := newFaulty(t)
	o := quick()
	o.Grace = time.Minute
	c, _, changes := connectAs(t, settings.Cluster{HubConfig: config}, o)
	namespace := testkube.Namespace(t)
	for i := range 20 {
		create(t, configMapResource, configMap(namespace, fmt.Sprintf("c%d", i), namespace))
	}
	if err := c.Watch(t.Context(), namespace, configMaps); err != nil {
		t.Fatal(err)
	}
	about := func(r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/configmaps") && r.Method == http.MethodGet
	}
	for _, fault := range []struct {
		name string
		do   func(w http.ResponseWriter, r *http.Request)
	}{
		{"an expired version", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusGone)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410,"message":"too old"}`)
		}},
		{"a list that breaks off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Query().Get("watch") != "" {
				_, _ = io.WriteString(w, `{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c0","names`)
				return
			}
			_, _ = io.WriteString(w, `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"99999999"},"items":[{"metada`)
		}},
		{"a page whose next page fails", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Query().Get("continue") != "" || r.URL.Query().Get("watch") != "" {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			_, _ = io.WriteString(w, `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"99999999","continue":"more"},"items":[]}`)
		}},
		{"an overloaded server", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }},
	} {
		t.Run(fault.name, func(t *testing.T) {
			for len(changes) > 0 {
				<-changes
			}
			var hits atomic.Int32
			f.set(func(w http.ResponseWriter, r *http.Request) bool {
				if !about(r) {
					return false
				}
				hits.Add(1)
				fault.do(w, r)
				return true
			})
			eventually(t, "the fault has shown", func() bool { return hits.Load() > 5 })
			if managed := c.Managed(namespace, nil); len(managed) != 20 {
				t.Errorf("%d of 20 objects are known", len(managed))
			}
			// A deletion during the fault is found out afterwards, and nothing else.
			if err := admin(t).Resource(configMapResource).Namespace(namespace).Delete(t.Context(), "c7", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			f.set(func(http.ResponseWriter, *http.Request) bool { return false })
			eventually(t, "the deletion is known", func() bool { return len(c.Managed(namespace, nil)) == 19 })
			create(t, configMapResource, configMap(namespace, "c7", namespace))
			eventually(t, "it is back", func() bool { return len(c.Managed(namespace, nil)) == 20 })
		})
	}
}
