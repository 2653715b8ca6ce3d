package server

import (
	"strings"
	"testing"

	"connectrpc.com/connect"

	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

func TestClustersAreTriedBeforeTheyAreKept(t *testing.T) {
	h := newHub(t)
	operator := h.as("operator")
	add := func(c *protocol.Cluster, upsert bool) (*protocol.Cluster, error) {
		return hubclient.Call(ctx, operator, protocol.ClusterCreate, &protocol.ClusterCreateRequest{Cluster: c, Upsert: upsert})
	}
	_, err := add(&protocol.Cluster{Server: "https://unreachable:6443"}, false)
	wantCode(t, err, connect.CodeUnknown, "error getting server version: connection refused")
	idle := &protocol.Cluster{
		Server: "https://idle:6443", Config: protocol.ClusterConfig{BearerToken: "t", ProxyURL: "http://user:hunter2@proxy"}, Annotations: map[string]string{"a": "b"},
	}
	added, err := add(idle, false)
	if err != nil || added.Name != "https://idle:6443" || added.Info.ConnectionState.Status != "Successful" || added.ServerVersion != "v1.37.1" ||
		added.Config.BearerToken != "" || strings.Contains(added.Config.ProxyURL, "hunter2") {
		t.Fatalf("got %+v, %v", added, err)
	}
	if _, err := add(idle, false); err != nil {
		t.Errorf("the same once more: %v", err)
	}
	idle.Namespaces = []string{"a"}
	_, err = add(idle, false)
	wantCode(t, err, connect.CodeInvalidArgument, `existing cluster spec is different; use upsert flag to force update; difference in keys "Namespaces,0"`)
	secret := h.secret("cluster-idle-2638511441")
	if secret == nil {
		t.Fatal("there is no secret of upstream's name")
	}
	if secret.Annotations["managed-by"] != "argocd.argoproj.io" || secret.Annotations["a"] != "b" || secret.Labels[settings.SecretTypeLabel] != "cluster" {
		t.Errorf("got %+v", secret)
	}
	idle.Config.BearerToken = "revoked"
	_, err = add(idle, true)
	wantCode(t, err, connect.CodeUnknown, "error getting server version")
	idle.Annotations = map[string]string{lastApplied: "{}"}
	_, err = add(idle, true)
	wantCode(t, err, connect.CodeInvalidArgument, "cannot be set")
}

func TestTokensOfClustersAreRotated(t *testing.T) {
	h := newHub(t)
	h.fleet.rotated = "new-token"
	operator := h.as("operator")
	if _, err := hubclient.Call(ctx, operator, protocol.ClusterRotate, &protocol.ClusterQuery{Name: "prod"}); err != nil {
		t.Fatal(err)
	}
	cluster, err := h.server.options.Settings.Cluster(ctx, "prod")
	if err != nil || cluster.Config.BearerToken != "new-token" || !h.fleet.finished {
		t.Errorf("got %+v, %v", cluster, err)
	}
	_, err = hubclient.Call(ctx, operator, protocol.ClusterRotate, &protocol.ClusterQuery{Name: "in-cluster"})
	wantCode(t, err, connect.CodeInvalidArgument, "Cluster 'https://kubernetes.default.svc' does not use bearer token authentication")
	// A new token that doesn't work isn't kept, and the old one stays.
	h.fleet.rotated, h.fleet.finished = "revoked", false
	_, err = hubclient.Call(ctx, operator, protocol.ClusterRotate, &protocol.ClusterQuery{Name: "prod"})
	wantCode(t, err, connect.CodeUnknown, "error getting server version")
	if cluster, err := h.server.options.Settings.Cluster(ctx, "prod"); err != nil || cluster.Config.BearerToken != "new-token" || h.fleet.finished {
		t.Errorf("got %+v, %v", cluster, err)
	}
}

func TestTheHubAsACluster(t *testing.T) {
	h := newHub(t)
	const at = "/api/v1/clusters/in-cluster?id.type=name"
	for _, c := range []struct {
		verb, path, body string
		status           int
		want             string
	}{
		{"GET", at, "", 200, `"server":"https://kubernetes.default.svc"`},
		{"GET", "/api/v1/clusters/https%3A%2F%2Fkubernetes.default.svc", "", 200, `"name":"in-cluster"`},
		{"PUT", at + "&updatedFields=labels", `{"labels":{"test":"val"}}`, 200, `"labels":{"test":"val"}`},
		{"PUT", at + "&updatedFields=annotations", `{"annotations":{"argocd.argoproj.io/skip-reconcile":"true"}}`, 200, `"argocd.argoproj.io/skip-reconcile":"true"`},
		{"POST", "/api/v1/clusters/in-cluster/rotate-auth?id.type=name", "{}", 400, "does not use bearer token authentication"},
	} {
		status, answer := h.rest("operator", c.verb, c.path, c.body)
		if status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s %s: %d %s, want %d with %s", c.verb, c.path, status, answer, c.status, c.want)
		}
	}
	if h.secret("cluster-kubernetes.default.svc-3396314289") == nil {
		t.Error("there is no secret of upstream's name")
	}
	configure(h, settings.InClusterEnabledKey, "false")
	if status, answer := h.rest("operator", "GET", at, ""); status != 403 {
		t.Errorf("%d %s", status, answer)
	}
	_, err := hubclient.Call(ctx, h.as("operator"), protocol.ClusterCreate, &protocol.ClusterCreateRequest{Cluster: &protocol.Cluster{Server: settings.InClusterServer}})
	wantCode(t, err, connect.CodeInvalidArgument, "cannot register cluster: in-cluster has been disabled")
	if _, err := h.server.options.Settings.Cluster(ctx, "in-cluster"); err == nil {
		t.Error("applications still can name it")
	}
}
