package live

import (
	"context"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"fairlead.dev/fairlead/internal/settings"
)

func source(objects ...client.Object) *Source {
	return &Source{Reader: fake.NewClientBuilder().WithObjects(objects...).Build(), Namespace: "argocd"}
}

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name}, Data: data}
}

func TestRemote(t *testing.T) {
	ctx := context.Background()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "s", Labels: map[string]string{settings.SecretTypeLabel: settings.SecretTypeRepository}},
		Data: map[string][]byte{
			"url": []byte("https://git.example:8443/app.git"), "project": []byte("shop"), "githubAppID": []byte("7"), "githubAppPrivateKey": []byte("key"),
			"enableLfs": []byte("true"), "proxy": []byte("http://proxy:3128"), "noProxy": []byte("intern"),
		},
	}
	s := source(secret, configMap(settings.TLSCertsConfigMap, map[string]string{"git.example": "CA"}))
	own, err := s.Remote(ctx, "https://git.example:8443/app.git", "shop")
	if err != nil || own.CA != "CA" || own.Scope != "shop" || own.GitHubApp.ID != 7 || !own.LFS || own.Proxy == "" || own.NoProxy == "" {
		t.Errorf("the project's own repository: %+v (%v)", own, err)
	}
	other, err := s.Remote(ctx, "https://git.example:8443/app.git", "other")
	if err != nil || other.CA != "CA" || other.Scope != "" || !other.GitHubApp.IsZero() || other.Proxy != "" {
		t.Errorf("another project's view: %+v (%v)", other, err)
	}
	for name, c := range map[string]struct {
		source *Source
		want   string
	}{
		"the operator's hosts": {source(configMap(settings.KnownHostsConfigMap, map[string]string{settings.KnownHostsKey: "mine"})), "mine"},
		"emptied":              {source(configMap(settings.KnownHostsConfigMap, map[string]string{settings.KnownHostsKey: ""})), ""},
		"the default":          {source(), defaultKnownHosts},
	} {
		remote, err := c.source.Remote(ctx, "git@github.com:org/app.git", "")
		if err != nil || remote.KnownHosts != c.want {
			t.Errorf("%s: known hosts are %q (%v)", name, remote.KnownHosts, err)
		}
	}
}

func TestDefaultKnownHosts(t *testing.T) {
	found := map[string]bool{}
	rest := []byte(defaultKnownHosts)
	for len(rest) > 0 {
		_, hosts, _, _, next, err := ssh.ParseKnownHosts(rest)
		if err != nil {
			t.Fatal(err)
		}
		found[strings.Join(hosts, ",")] = true
		rest = next
	}
	for _, host := range []string{"github.com", "gitlab.com", "bitbucket.org", "ssh.dev.azure.com", "vs-ssh.visualstudio.com"} {
		if !found[host] {
			t.Errorf("no key of %s", host)
		}
	}
}
