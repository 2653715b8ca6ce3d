package settings

import (
	"errors"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestTokensOfAWSClusters(t *testing.T) {
	auth := AWSAuthConfig{ClusterName: "prod", RoleARN: "arn:aws:iam::1:role/deployer"}
	only := func(installed ...string) func(string) (string, error) {
		return func(program string) (string, error) {
			if slices.Contains(installed, program) {
				return "/usr/bin/" + program, nil
			}
			return "", errors.New("not found")
		}
	}
	for _, c := range []struct {
		installed []string
		want      []string
	}{
		{[]string{"argocd-k8s-auth", "aws"}, []string{"argocd-k8s-auth", "aws", "--cluster-name", "prod", "--role-arn", auth.RoleARN}},
		{[]string{"aws"}, []string{"aws", "eks", "get-token", "--output", "json", "--cluster-name", "prod", "--role-arn", auth.RoleARN}},
		{nil, nil},
	} {
		config, err := auth.clientConfig(only(c.installed...))
		if c.want == nil {
			if err == nil {
				t.Error("no program, and no error")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := append([]string{config.Command}, config.Args...); !slices.Equal(got, c.want) {
			t.Errorf("with %v: %q", c.installed, got)
		}
	}
}

func TestClusterSecretHasAllOfUpstream(t *testing.T) {
	c, err := ClusterFromSecret(&corev1.Secret{Data: map[string][]byte{
		"name": []byte("prod"), "server": []byte("https://prod:6443/"), "namespaces": []byte("a, b"), "clusterResources": []byte("true"),
		"shard": []byte("3"), "project": []byte("team"),
		"config": []byte(`{"username":"u","password":"p","proxyUrl":"http://proxy:3128","disableCompression":true,
			"tlsClientConfig":{"insecure":true,"serverName":"s"},
			"execProviderConfig":{"command":"get-token","args":["x"],"env":{"A":"B"},"apiVersion":"client.authentication.k8s.io/v1",
			"provideClusterInfo":true,"config":{"kind":"C"}}}`),
	}})
	if err != nil {
		t.Fatal(err)
	}
	config, err := c.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	exec := config.ExecProvider
	if c.Server != "https://prod:6443" || *c.Shard != 3 || !slices.Equal(c.Namespaces, []string{"a", "b"}) || config.Username != "u" ||
		config.Proxy == nil || !config.DisableCompression || !config.Insecure || config.ServerName != "s" ||
		exec == nil || exec.Command != "get-token" || !exec.ProvideClusterInfo || exec.Config == nil {
		t.Errorf("%+v, %+v", c, exec)
	}
	if _, err := ClusterFromSecret(&corev1.Secret{Data: map[string][]byte{"server": []byte("https://x"), "shard": []byte("one")}}); err == nil {
		t.Error("a shard that is no number")
	}
}
