package server

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func TestMasks(t *testing.T) {
	target := `{"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{"api-key":"new","note":"n"},"name":"s"},"stringData":{"a":"same","b":"new"}}`
	live := `{"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{"api-key":"old","note":"n"},"name":"s"},"data":{"a":"c2FtZQ==","b":"b2xk"}}`
	if err := (masker{[]string{"api-key"}}).manifests(&target, &live); err != nil {
		t.Fatal(err)
	}
	wantTarget := `{"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{"api-key":"++++++++","note":"n"},"name":"s"},"stringData":{"a":"++++++++","b":"++++++++"}}`
	wantLive := `{"apiVersion":"v1","data":{"a":"++++++++","b":"++++++++++++"},"kind":"Secret","metadata":{"annotations":{"api-key":"++++++++++++","note":"n"},"name":"s"}}`
	if d := cmp.Diff([]string{wantTarget, wantLive}, []string{target, live}); d != "" {
		t.Error(d)
	}
}

func TestMasksOfMalformedSecrets(t *testing.T) {
	for _, text := range []string{
		`{"apiVersion":"v1","kind":"Secret","data":"hunter2"}`,
		`{"apiVersion":"v1","kind":"Secret","data":["hunter2"],"stringData":{"a":["hunter2"]}}`,
		`{"apiVersion":"v1","kind":"Secret","metadata":{"annotations":"hunter2"}}`,
		`{"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{"api-key":["hunter2"]}}}`,
	} {
		if err := (masker{[]string{"api-key"}}).manifests(&text); err != nil || strings.Contains(text, "hunter2") {
			t.Errorf("%s, %v", text, err)
		}
	}
	configMap := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
	if (masker{}).show(configMap) != configMap {
		t.Error("only Secrets are masked")
	}
}

func TestAnnotationsAreMaskedAsConfigured(t *testing.T) {
	h := newHub(t)
	for ref, u := range h.fleet.live {
		if ref.Name == "credentials" {
			u.SetAnnotations(map[string]string{"example.com/token": "hunter2", "team": "shop"})
		}
	}
	secret := &protocol.ApplicationResourceRequest{Name: "production", Namespace: "shop-prod", ResourceName: "credentials", Version: "v1", Kind: "Secret"}
	h.setConfig("argocd-cm", "resource.sensitive.mask.annotations", "example.com/token, other")
	got, err := hubclient.Call(ctx, h.as("operator"), protocol.ApplicationResource, secret)
	if err != nil || strings.Contains(got.Manifest, "hunter2") || !strings.Contains(got.Manifest, `"team":"shop"`) {
		t.Errorf("%+v, %v", got, err)
	}
}
