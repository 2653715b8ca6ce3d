//go:build integration

package application

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/testkube"
)

// In these tests others act in the same cluster and the same hub: writers, webhooks, people who delete what is needed.

// briefRetries has an automated sync try again soon.
func briefRetries(app *v1alpha1.Application) {
	app.Spec.SyncPolicy.Retry = &v1alpha1.RetryStrategy{Limit: -1, Backoff: &v1alpha1.Backoff{Duration: "200ms", MaxDuration: "1s"}}
}

func (f *fleet) merge(object client.Object, patch string) {
	f.t.Helper()
	if err := f.client.Patch(f.t.Context(), object, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		f.t.Error(err)
	}
}

func TestSomebodyElseWritesAllTheTime(t *testing.T) {
	f, _ := synced(t)
	before := f.identities()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		n := 0
		defer func() { done <- n }()
		for ; ctx.Err() == nil; n++ {
			cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.target, Name: "a"}}
			f.merge(cm, fmt.Sprintf(`{"metadata":{"annotations":{"theirs":"%d"}},"data":{"theirs":"%d"}}`, n, n))
			app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: f.hub, Name: f.name("a")}}
			f.merge(app, fmt.Sprintf(`{"metadata":{"annotations":{"theirs":"%d"}},"status":{"sync":{"status":"Unknown"},"health":{"status":"Degraded"}}}`, n))
		}
	}()
	for n := range 5 {
		value := fmt.Sprintf("v%d", n)
		f.commit(map[string]string{"a/a.yaml": configMap("a", value)})
		f.until("release "+value+" is there", func(context.Context) bool { return f.value("a", "key") == value })
	}
	cancel()
	t.Logf("against %d writes of somebody else's", <-done)
	f.untilSynced("a", f.commit(map[string]string{"a/a.yaml": configMap("a", "last")}))
	f.until("the health is right again", func(context.Context) bool { return f.get("a").Status.Health.Status == v1alpha1.HealthStatusHealthy })
	if f.value("a", "key") != "last" || f.value("a", "theirs") == "" {
		t.Errorf("key %q, theirs %q", f.value("a", "key"), f.value("a", "theirs"))
	}
	f.wantSameObjects(before)
}

// webhook admits ConfigMaps of the target namespace, or doesn't, as its handler says.
func (f *fleet) webhook() *atomic.Pointer[http.HandlerFunc] {
	f.t.Helper()
	handler := &atomic.Pointer[http.HandlerFunc]{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // a server learns that its client has gone only after the whole request
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		(*handler.Load())(w, r)
	}))
	f.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	admit := admission(true)
	handler.Store(&admit)
	configuration := &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: f.target},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name:                    "gate.example.com",
			AdmissionReviewVersions: []string{"v1"},
			SideEffects:             ptr.To(admissionv1.SideEffectClassNone),
			TimeoutSeconds:          ptr.To[int32](1),
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: f.target}},
			ClientConfig: admissionv1.WebhookClientConfig{
				URL:      ptr.To(server.URL),
				CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
			},
			Rules: []admissionv1.RuleWithOperations{{
				Operations: []admissionv1.OperationType{admissionv1.OperationAll},
				Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
			}},
		}},
	}
	f.create(configuration)
	f.t.Cleanup(func() { _ = f.client.Delete(context.Background(), configuration) })
	return handler
}

func admission(allowed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		_, rest, found := strings.Cut(string(body), `"uid":"`)
		uid, _, _ := strings.Cut(rest, `"`)
		if err != nil || !found {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":%q,"allowed":%t,"status":{"message":"not on a Friday"}}}`, uid, allowed)
	}
}

func TestAdmissionWebhooksThatDontAdmit(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		told    string
	}{
		"denies":                {admission(false), "not on a Friday"},
		"hangs":                 {hang, "gate.example.com"},
		"answers with errors":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "gate.example.com"},
		"answers nonsense":      {loginPage, "gate.example.com"},
		"resets its connection": {hangUp, "gate.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := synced(t, briefRetries)
			before := f.identities()
			handler := f.webhook()
			handler.Store(&c.handler)
			f.until("the webhook is asked", func(ctx context.Context) bool {
				probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.target, Name: "probe"}}
				return f.client.Create(ctx, probe, client.DryRunAll) != nil
			})
			f.commit(map[string]string{"a/a.yaml": configMap("a", "two"), "a/b.yaml": ""})
			f.until("the operation tells of the webhook", func(context.Context) bool {
				return strings.Contains(f.get("a").Status.OperationState.Message, c.told)
			})
			f.wantSameObjects(before)
			if f.value("a", "key") != "one" {
				t.Error("it was applied all the same")
			}
			admit := admission(true)
			handler.Store(&admit)
			f.until("it is synced once the webhook admits it", func(context.Context) bool {
				return f.value("a", "key") == "two" && len(f.uids()) == 1 && f.get("a").Status.Sync.Status == v1alpha1.SyncStatusCodeSynced
			})
			if f.identities()["a"] != before["a"] {
				t.Error("the object was made anew")
			}
		})
	}
}

// base64Of is a part of a kubeconfig as a cluster's Secret has it.
func base64Of(f *fleet, data []byte, file string) string {
	f.t.Helper()
	if len(data) == 0 {
		var err error
		if data, err = os.ReadFile(file); err != nil {
			f.t.Fatal(err)
		}
	}
	return base64.StdEncoding.EncodeToString(data)
}

func secretOf(f *fleet, kind, name string, data map[string]string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.hub, Name: name, Labels: map[string]string{"argocd.argoproj.io/secret-type": kind}},
		StringData: data,
	}
}

func TestDeletedSecretsOfSettingsComeBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.overHTTP()
	f.host.set(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "open" {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Context().Value(workingHost{}).(http.Handler).ServeHTTP(w, r)
	})
	url := f.url
	// The test itself pushes to the file; only the hub needs the password.
	config := testkube.Config(t)
	far := map[string]string{"name": "far", "server": config.Host, "config": fmt.Sprintf(
		`{"tlsClientConfig":{"caData":%q,"certData":%q,"keyData":%q}}`, base64Of(f, config.CAData, config.CAFile), base64Of(f, config.CertData, config.CertFile), base64Of(f, config.KeyData, config.KeyFile))}
	repository := map[string]string{"url": url, "username": "u", "password": "open"}
	f.create(secretOf(f, "cluster", "far", far))
	f.create(secretOf(f, "repository", "deploy", repository))
	revision := f.commit(twoConfigMaps())
	f.start()
	f.app("a", "a", automated, func(app *v1alpha1.Application) { app.Spec.Destination.Server, app.Spec.Destination.Name = "", "far" })
	f.untilSynced("a", revision)
	before := f.identities()
	f.deletions()

	remove := func(name string) {
		if err := f.client.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: f.hub, Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	remove("far")
	f.untilCondition("a", v1alpha1.ApplicationConditionInvalidSpecError, "far")
	f.commit(map[string]string{"a/a.yaml": configMap("a", "two")})
	f.create(secretOf(f, "cluster", "far", far))
	f.until("the cluster is reached again", func(context.Context) bool {
		return f.value("a", "key") == "two" && len(f.get("a").Status.Conditions) == 0
	})
	f.wantSameObjects(before)

	remove("deploy")
	f.until("the Secret is gone for the hub too", func(context.Context) bool {
		f.commit(map[string]string{"a/a.yaml": configMap("a", fmt.Sprintf("n%d", time.Now().UnixNano()))})
		for _, c := range f.get("a").Status.Conditions {
			if strings.Contains(c.Message, "Failed to load target state") {
				return true
			}
		}
		return false
	})
	f.create(secretOf(f, "repository", "deploy", repository))
	f.commit(map[string]string{"a/a.yaml": configMap("a", "three")})
	f.until("the repository is reached again", func(context.Context) bool {
		return f.value("a", "key") == "three" && len(f.get("a").Status.Conditions) == 0
	})
	f.wantSameObjects(before)
}

func TestDeletedNamespaceComesBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	home := f.target + "-home"
	revision := f.commit(twoConfigMaps())
	f.start()
	f.app("a", "a", automated, briefRetries, func(app *v1alpha1.Application) {
		app.Spec.Destination.Namespace = home
		app.Spec.SyncPolicy.SyncOptions = v1alpha1.SyncOptions{"CreateNamespace=true"}
	})
	f.untilSynced("a", revision)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: home}}
	if err := f.client.Get(t.Context(), client.ObjectKeyFromObject(namespace), namespace); err != nil {
		t.Fatal(err)
	}
	was := namespace.UID
	if err := f.client.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	f.until("everything is in a new namespace", func(ctx context.Context) bool {
		cm := &corev1.ConfigMap{}
		again := &corev1.Namespace{}
		return f.client.Get(ctx, client.ObjectKey{Name: home}, again) == nil && again.UID != was &&
			f.client.Get(ctx, client.ObjectKey{Namespace: home, Name: "b"}, cm) == nil && cm.DeletionTimestamp == nil &&
			f.get("a").Status.Sync.Status == v1alpha1.SyncStatusCodeSynced
	})
}

func TestTwoAutomatedApplicationsWantOneObject(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.options.SelfHealMin, f.options.SelfHealFactor = 500*time.Millisecond, 8
	f.commit(map[string]string{"a/cm.yaml": configMap("shared", "a"), "b/cm.yaml": configMap("shared", "b")})
	f.start()
	f.app("a", "a", automated)
	f.app("b", "b", automated)
	f.until("one of them says so", func(context.Context) bool {
		for _, name := range []string{"a", "b"} {
			for _, c := range f.get(name).Status.Conditions {
				if c.Type == v1alpha1.ApplicationConditionSharedResourceWarning && strings.Contains(c.Message, "ConfigMap/shared is part of applications") {
					return true
				}
			}
		}
		return false
	})
	heals := func(name string) int64 {
		state := f.get(name).Status.OperationState
		if state == nil || state.Operation.Sync == nil || !state.Phase.Completed() {
			return 0
		}
		return state.Operation.Sync.AutoHealAttemptsCount
	}
	f.until("both have taken it back for the second time", func(context.Context) bool { return heals("a") >= 2 && heals("b") >= 2 })
	began := time.Now()
	f.until("one has for the third", func(context.Context) bool { return heals("a") >= 3 || heals("b") >= 3 })
	if waited := time.Since(began); waited < 2*time.Second {
		t.Errorf("it waited %s only", waited)
	}
}

func TestDeletedDefinitionComesBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	group := f.target + ".example.com"
	kind := schema.GroupVersionKind{Group: group, Version: "v1", Kind: "Thing"}
	definition := func() *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "things." + group},
			"spec": map[string]any{
				"group": group, "scope": "Namespaced", "names": map[string]any{"plural": "things", "kind": "Thing"},
				"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{
					"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
				}}},
			},
		}}
	}
	f.create(definition())
	files := twoConfigMaps()
	files["a/thing.yaml"] = "apiVersion: " + group + "/v1\nkind: Thing\nmetadata: {name: t}\nspec: {size: 3}\n"
	revision := f.commit(files)
	f.start()
	f.app("a", "a", automated, briefRetries)
	f.untilSynced("a", revision)
	before := f.identities()
	f.deletions()
	if err := f.client.Delete(t.Context(), definition()); err != nil {
		t.Fatal(err)
	}
	f.untilTold("Thing")
	f.wantSameObjects(before)
	f.until("the definition can be made anew", func(ctx context.Context) bool {
		err := f.client.Create(ctx, definition())
		return err == nil || !apierrors.IsAlreadyExists(err)
	})
	f.until("the thing is back", func(ctx context.Context) bool {
		thing := &unstructured.Unstructured{}
		thing.SetGroupVersionKind(kind)
		return f.client.Get(ctx, client.ObjectKey{Namespace: f.target, Name: "t"}, thing) == nil && f.get("a").Status.Sync.Status == v1alpha1.SyncStatusCodeSynced
	})
	f.wantSameObjects(before)
}
