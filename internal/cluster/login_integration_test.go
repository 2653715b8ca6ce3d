//go:build integration

package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"

	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/testkube"
)

// token makes an account that may do everything, and a token for it.
func token(t *testing.T, namespace, name string) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(testkube.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	accounts := client.CoreV1().ServiceAccounts(namespace)
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	bindings := schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"}
	create(t, bindings, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": map[string]any{"name": namespace + "-" + name},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": name, "namespace": namespace}},
	}})
	hour := int64(3600)
	answer, err := accounts.CreateToken(t.Context(), name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hour},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status.Token
}

func TestCredentials(t *testing.T) {
	namespace := testkube.Namespace(t)
	reach := testkube.Config(t)
	bearer := token(t, namespace, "hub")
	script := filepath.Join(t.TempDir(), "get-token")
	credential := fmt.Sprintf("#!/bin/sh\n[ \"$AUDIENCE\" = hub ] || exit 1\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"%s\"}}'\n", bearer)
	if err := os.WriteFile(script, []byte(credential), 0o700); err != nil {
		t.Fatal(err)
	}
	certificate, err := testCertificate(reach.TLSClientConfig.CertData, reach.TLSClientConfig.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := testCertificate(reach.TLSClientConfig.KeyData, reach.TLSClientConfig.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := testCertificate(reach.TLSClientConfig.CAData, reach.TLSClientConfig.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	trusted := settings.TLSClientConfig{CAData: ca}
	for name, config := range map[string]settings.ClusterConfig{
		"token":       {BearerToken: bearer, TLSClientConfig: trusted},
		"insecure":    {BearerToken: bearer, TLSClientConfig: settings.TLSClientConfig{Insecure: true}},
		"certificate": {TLSClientConfig: settings.TLSClientConfig{CAData: ca, CertData: certificate, KeyData: key}},
		"exec": {TLSClientConfig: trusted, DisableCompression: true, ExecProviderConfig: &settings.ExecProviderConfig{
			Command: script, Env: map[string]string{"AUDIENCE": "hub"}, APIVersion: "client.authentication.k8s.io/v1",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, _ := connectAs(t, settings.Cluster{Server: reach.Host, Config: config}, quick())
			if err := c.Watch(t.Context(), "app", configMaps); err != nil {
				t.Error(err)
			}
		})
	}
}

func testCertificate(data []byte, file string) ([]byte, error) {
	if len(data) > 0 {
		return data, nil
	}
	return os.ReadFile(file)
}

func TestARotatedTokenConnectsAtOnce(t *testing.T) {
	namespace := testkube.Namespace(t)
	reach := testkube.Config(t)
	ca, err := testCertificate(reach.TLSClientConfig.CAData, reach.TLSClientConfig.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	where := settings.Cluster{Server: reach.Host, Name: "test", Config: settings.ClusterConfig{
		BearerToken: token(t, namespace, "first"), TLSClientConfig: settings.TLSClientConfig{CAData: ca},
	}}
	o := quick()
	o.RetryMax, o.RefusedRetry = time.Hour, time.Hour
	c, registry, _ := connectAs(t, where, o)
	create(t, configMapResource, configMap(namespace, "a", namespace))
	if err := c.Watch(t.Context(), namespace, configMaps); err != nil {
		t.Fatal(err)
	}
	revoked := where
	revoked.Config.BearerToken = "revoked"
	began := time.Now()
	if _, err := registry.Get(t.Context(), revoked); !errors.Is(err, ErrUnreachable) {
		t.Errorf("with a token that the cluster doesn't know: %v", err)
	}
	if dead, ok := registry.Peek(revoked); !ok || dead.Info().Connected || dead.Info().Err == nil || dead.Info().Turned.Before(began) {
		t.Errorf("its state: %+v", dead.Info())
	}
	rotated := where
	rotated.Config.BearerToken = token(t, namespace, "second")
	again, err := registry.Get(t.Context(), rotated)
	if err != nil {
		t.Fatalf("with a new token: %v", err)
	}
	if err := again.Watch(t.Context(), namespace, configMaps); err != nil || len(again.Managed(namespace, nil)) != 1 {
		t.Errorf("%v, %v", err, again.Managed(namespace, nil))
	}
	if info := again.Info(); !info.Connected || info.Synced.IsZero() || info.Objects == 0 || info.Watches != 1 || len(info.APIVersions) == 0 || info.Version == "" {
		t.Errorf("%+v", info)
	}
}
