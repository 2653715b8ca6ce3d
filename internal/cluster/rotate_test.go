package cluster

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"

	"fairlead.dev/fairlead/internal/settings"
)

func TestRotate(t *testing.T) {
	claims := `{"kubernetes.io/serviceaccount/namespace":"kube-system","kubernetes.io/serviceaccount/secret.name":"argocd-manager-token-1",` +
		`"kubernetes.io/serviceaccount/service-account.name":"argocd-manager"}`
	account, err := parseServiceAccount("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x")
	if err != nil {
		t.Fatal(err)
	}
	client := fake.NewClientset(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "argocd-manager-token-1", Annotations: map[string]string{
			corev1.ServiceAccountNameKey: "argocd-manager",
		}}},
		&corev1.ServiceAccount{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "argocd-manager"},
			Secrets:    []corev1.ObjectReference{{Name: "argocd-manager-token-1"}, {Name: "pull"}},
		},
	)
	// A cluster's token controller fills such Secrets.
	client.PrependReactor("create", "secrets", func(action kubetesting.Action) (bool, runtime.Object, error) {
		secret := action.(kubetesting.CreateAction).GetObject().(*corev1.Secret)
		secret.Name = secret.GenerateName + "2"
		if secret.Type == corev1.SecretTypeServiceAccountToken && secret.Annotations[corev1.ServiceAccountNameKey] == "argocd-manager" {
			secret.Data = map[string][]byte{"token": []byte("new")}
		}
		return false, nil, nil
	})
	ctx := context.Background()
	rotation, err := rotate(ctx, client, account)
	if err != nil || rotation.Token != "new" {
		t.Fatalf("got %+v, %v", rotation, err)
	}
	secrets := client.CoreV1().Secrets("kube-system")
	if _, err := secrets.Get(ctx, "argocd-manager-token-1", metav1.GetOptions{}); err != nil {
		t.Errorf("the old token has gone before its time: %v", err)
	}
	if err := rotation.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Get(ctx, "argocd-manager-token-1", metav1.GetOptions{}); err == nil {
		t.Error("the old token still is there")
	}
	named, err := client.CoreV1().ServiceAccounts("kube-system").Get(ctx, "argocd-manager", metav1.GetOptions{})
	if err != nil || len(named.Secrets) != 2 || named.Secrets[0].Name != "pull" || named.Secrets[1].Name != "argocd-manager-token-2" {
		t.Errorf("got %+v, %v", named, err)
	}
}

func TestRotateNeedsATokenOfASecret(t *testing.T) {
	for _, token := range []string{"x", "a.b.c", "e30.e30.e30", "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"x"}`)) + ".x"} {
		if _, err := parseServiceAccount(token); err == nil {
			t.Errorf("%s is taken", token)
		}
	}
	if _, err := Rotate(context.Background(), settings.Cluster{Server: "https://x"}); !errors.Is(err, ErrNoBearerToken) {
		t.Errorf("got %v", err)
	}
}
