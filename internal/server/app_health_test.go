package server

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// TestHealthOfTheTree is how applications look whose status leaves out the health of their objects: the API has it all the
// same.
func TestHealthOfTheTree(t *testing.T) {
	h := newHub(t)
	h.fleet.health = &argo.HealthStatus{Status: argo.HealthStatusSuspended, Message: "paused"}
	get := func() []argo.ResourceStatus {
		t.Helper()
		app, err := hubclient.Call(ctx, h.as("operator"), protocol.ApplicationGet, &protocol.ApplicationQuery{Name: "production"})
		if err != nil {
			t.Fatal(err)
		}
		return app.Status.Resources
	}
	if rollout := get()[0]; rollout.Health != nil {
		t.Errorf("a status that has no health says so: %+v", rollout.Health)
	}
	app := &argo.Application{}
	if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: "production"}, app); err != nil {
		t.Fatal(err)
	}
	app.Status.ResourceHealthSource = argo.ResourceHealthInTree
	if err := h.client.Update(ctx, app); err != nil {
		t.Fatal(err)
	}
	h.fleet.mu.Lock()
	delete(h.fleet.live, protocol.ResourceRef{Kind: "Secret", Namespace: "shop-prod", Name: "credentials"})
	h.fleet.mu.Unlock()
	resources := get()
	if rollout := resources[0]; rollout.Health == nil || *rollout.Health != *h.fleet.health {
		t.Errorf("the Rollout's health is %+v", rollout.Health)
	}
	if secret := resources[1]; secret.Health == nil || secret.Health.Status != argo.HealthStatusMissing {
		t.Errorf("the health of what isn't there is %+v", secret.Health)
	}
}
