//go:build integration

package app

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/testkube"
)

// Without a hub, with a kubeconfig alone, the API answers as a hub's does.
func TestCoreServesTheAPIOverAKubeconfig(t *testing.T) {
	config := testkube.Config(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	options := DefaultHub()
	options.Cluster, options.Namespace, options.Logger = config, "core", slog.New(slog.NewTextHandler(io.Discard, nil))
	if err := installHub(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := Core(t.Context(), config, "nowhere", "v1"); err == nil || !strings.Contains(err.Error(), "is there a hub in it") {
		t.Fatalf("a namespace without a hub: %v", err)
	}
	address, token, stop, err := Core(t.Context(), config, "core", "v1")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	c, err := hubclient.Dial(hubclient.Options{Server: address, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	app := &argo.Application{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: argo.ApplicationSpec{
		Project: "default", Source: &argo.ApplicationSource{RepoURL: "https://git.invalid/x", Path: "."},
		Destination: argo.ApplicationDestination{Server: "https://kubernetes.default.svc", Namespace: "shop"},
	}}
	off := false
	if _, err := hubclient.Call(t.Context(), c, protocol.ApplicationCreate, &protocol.ApplicationCreateRequest{Application: app, Validate: &off}); err != nil {
		t.Fatal(err)
	}
	list, err := hubclient.Call(t.Context(), c, protocol.ApplicationList, &protocol.ApplicationQuery{})
	if err != nil || len(list.Items) != 1 || list.Items[0].Name != "shop" {
		t.Fatal(list, err)
	}
	info, err := hubclient.Call(t.Context(), c, protocol.SessionUserInfo, &protocol.GetUserInfoRequest{})
	if err != nil || info.Username != "admin" {
		t.Fatal(info, err)
	}
	forger, err := hubclient.Dial(hubclient.Options{Server: address})
	if err != nil {
		t.Fatal(err)
	}
	defer forger.Close()
	var refused *hubclient.Error
	if _, err := hubclient.Call(t.Context(), forger, protocol.ApplicationList, &protocol.ApplicationQuery{}); !errors.As(err, &refused) {
		t.Errorf("without the token: %v", err)
	}
}
