//go:build integration

package application

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// shouting is an admission webhook that turns the value of each ConfigMap's key into SHOUTED, and adds another.
func shouting(t *testing.T, f *fleet) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(request.Body).Decode(&review); err != nil || review.Request == nil {
			http.Error(w, "no review", http.StatusBadRequest)
			return
		}
		kind := admissionv1.PatchTypeJSONPatch
		review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
		var configMap corev1.ConfigMap
		if json.Unmarshal(review.Request.Object.Raw, &configMap) == nil && configMap.Data["key"] != "" {
			review.Response.PatchType = &kind
			review.Response.Patch = []byte(`[{"op":"replace","path":"/data/key","value":"SHOUTED"},{"op":"add","path":"/data/added","value":"yes"}]`)
		}
		_ = json.NewEncoder(w).Encode(review)
	}))
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	fail, none := admissionregistrationv1.Fail, admissionregistrationv1.SideEffectClassNone
	hook := &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: f.target},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name:                    "shouting.example.com",
			ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: &server.URL, CABundle: authority},
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": f.target}},
			FailurePolicy:           &fail,
			SideEffects:             &none,
			AdmissionReviewVersions: []string{"v1"},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
			}},
		}},
	}
	f.create(hook)
	t.Cleanup(func() { _ = f.client.Delete(context.Background(), hook) })
	f.until("the webhook is called", func(ctx context.Context) bool {
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.target, GenerateName: "probe-"}, Data: map[string]string{"key": "a"}}
		if err := f.client.Create(ctx, probe); err != nil {
			return false
		}
		called := probe.Data["added"] == "yes"
		_ = f.client.Delete(ctx, probe)
		return called
	})
}

// TestMutatingWebhook: what an admission webhook adds or rewrites is no difference, because what counts is what the API server
// makes of a manifest. Argo CD says OutOfSync of what is rewritten, after each sync again, unless the application says that webhooks
// count; that is accepted here and changes nothing for these.
func TestMutatingWebhook(t *testing.T) {
	f := newFleet(t)
	shouting(t, f)
	f.commit(map[string]string{
		"plain/a.yaml": configMap("plain", "said"),
		"whole/a.yaml": configMap("whole", "said"),
		"added/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: added}\ndata: {other: x, key: SHOUTED}\n",
	})
	f.start()
	f.app("plain", "plain")
	f.app("added", "added")
	f.app("whole", "whole", func(app *v1alpha1.Application) {
		app.Annotations = map[string]string{"argocd.argoproj.io/compare-options": "ServerSideDiff=true,IncludeMutationWebhook=true"}
	})
	ends := func(name string, want v1alpha1.SyncStatusCode) {
		t.Helper()
		f.sync(name, v1alpha1.SyncOperation{})
		f.until(name+" is "+string(want)+" after a sync", func(context.Context) bool {
			status := f.get(name).Status
			return status.OperationState != nil && status.OperationState.Phase == v1alpha1.OperationSucceeded && status.Sync.Status == want
		})
	}
	ends("whole", v1alpha1.SyncStatusCodeSynced)
	ends("added", v1alpha1.SyncStatusCodeSynced)
	ends("plain", v1alpha1.SyncStatusCodeSynced)
	// A value that is rewritten to what it was leaves the object as it is, so that nothing but the answer to the apply tells.
	wanted := f.commit(map[string]string{"added/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: added}\ndata: {other: x, key: said}\n"})
	f.until("the commit is compared with", func(context.Context) bool {
		sync := f.get("added").Status.Sync
		return sync.Revision == wanted && sync.Status == v1alpha1.SyncStatusCodeOutOfSync
	})
	ends("added", v1alpha1.SyncStatusCodeSynced)
	// What somebody else changes is one.
	configMap := &corev1.ConfigMap{}
	configMap.Name, configMap.Namespace = "plain", f.target
	if err := f.client.Patch(t.Context(), configMap, client.RawPatch(types.MergePatchType, []byte(`{"data":{"key":null}}`))); err != nil {
		t.Fatal(err)
	}
	f.until("the change shows", func(context.Context) bool {
		return f.get("plain").Status.Sync.Status == v1alpha1.SyncStatusCodeOutOfSync
	})
	if got := f.value("whole", "key"); got != "SHOUTED" {
		t.Errorf("the webhook made %q of the value", got)
	}
}
