package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// deploy puts an object into the cluster, as one that application production manages.
func (h *hub) deploy(document string) protocol.ResourceRef {
	h.t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(document), &u.Object); err != nil {
		h.t.Fatal(err)
	}
	ref := refTo(u)
	app := &argo.Application{}
	if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: "production"}, app); err != nil {
		h.t.Fatal(err)
	}
	app.Status.Resources = append(app.Status.Resources, argo.ResourceStatus{Group: ref.Group, Version: ref.Version, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name})
	if err := h.client.Update(ctx, app); err != nil {
		h.t.Fatal(err)
	}
	h.fleet.live[refOf(u)] = u
	return ref
}

// run runs an action as the operator, and is what the object is then, as JSON.
func (h *hub) run(ref protocol.ResourceRef, action string, params ...*protocol.ResourceActionParameters) (string, error) {
	h.t.Helper()
	_, err := hubclient.Call(ctx, h.as("operator"), protocol.ApplicationRunActionV2, &protocol.ResourceActionRunRequestV2{
		Name: "production", Group: ref.Group, Version: ref.Version, Kind: ref.Kind, Namespace: ref.Namespace, ResourceName: ref.Name,
		Action: action, ResourceActionParameters: params,
	})
	ref.Version = ""
	text, failure := json.Marshal(h.fleet.live[ref])
	if failure != nil {
		h.t.Fatal(failure)
	}
	return string(text), err
}

const worker = `
apiVersion: apps/v1
kind: Deployment
metadata: {namespace: shop-prod, name: worker}
spec: {replicas: 1, template: {metadata: {}}}
`

func TestBuiltinAction(t *testing.T) {
	h := newHub(t)
	ref := h.deploy(worker)
	got, err := hubclient.Call(ctx, h.as("operator"), protocol.ApplicationActions, &protocol.ApplicationResourceRequest{
		Name: "production", Namespace: ref.Namespace, ResourceName: ref.Name, Version: ref.Version, Group: ref.Group, Kind: ref.Kind,
	})
	if err != nil || len(got.Actions) != 4 || got.Actions[3].Params[0].Name != "replicas" || !got.Actions[2].Disabled || got.Actions[0].IconClass != "fa fa-fw fa-redo" {
		t.Errorf("got %+v, %v", got, err)
	}
	if live, err := h.run(ref, "scale", &protocol.ResourceActionParameters{Name: "replicas", Value: "6"}); err != nil || !strings.Contains(live, `"replicas":6`) {
		t.Errorf("got %s, %v", live, err)
	}
	_, err = h.run(ref, "scale", &protocol.ResourceActionParameters{Name: "replicas", Value: "many"})
	wantCode(t, err, connect.CodeFailedPrecondition, "invalid number: many")

	// Both the application and the object have an event of the action that was carried out.
	var events corev1.EventList
	if err := h.client.List(ctx, &events); err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, e := range events.Items {
		told[e.InvolvedObject.Kind+" "+e.InvolvedObject.Name] += e.Reason + ": " + e.Message
		if e.Namespace != e.InvolvedObject.Namespace { // which API servers refuse
			t.Errorf("an event of %s is in %s", e.InvolvedObject.Namespace, e.Namespace)
		}
	}
	want := map[string]string{
		"Application production": "ResourceActionRan: operator ran action scale on resource apps/Deployment/worker",
		"Deployment worker":      "ResourceActionRan: operator ran action scale",
	}
	if !maps.Equal(told, want) {
		t.Errorf("told %q", told)
	}
}

// TestStatusOfKindsWithoutSubresource aborts a Rollout whose status is a field as others.
func TestStatusOfKindsWithoutSubresource(t *testing.T) {
	h := newHub(t)
	h.fleet.flat = true
	live, err := h.run(protocol.ResourceRef{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout", Namespace: "shop-prod", Name: "web"}, "abort")
	if err != nil || !strings.Contains(live, `"abort":true`) {
		t.Errorf("got %s, %v", live, err)
	}
}

func TestCreatingAction(t *testing.T) {
	h := newHub(t)
	ref := h.deploy(`
apiVersion: batch/v1
kind: CronJob
metadata: {namespace: shop-prod, name: report}
spec: {jobTemplate: {spec: {template: {}}}}
`)
	if _, err := h.run(ref, "create-job"); err != nil || len(h.fleet.created) != 1 || !strings.HasPrefix(h.fleet.created[0], "Job shop-prod/report-") {
		t.Errorf("created %v, %v", h.fleet.created, err)
	}
}

// custom are an operator's actions of Deployments, beside the built-in ones.
const custom = `
mergeBuiltinActions: true
discovery.lua: |
  return {fan = {displayName = "Fan out", iconClass = "fa fa-fan", params = {{name = "to"}}}, restart = {disabled = true}, plain = {}}
definitions:
- name: fan
  action.lua: |
    local result = {{operation = "patch", resource = obj}}
    obj.metadata.labels = {fanned = actionParams["to"]}
    for i, namespace in ipairs({"shop-prod", actionParams["to"]}) do
      result[i + 1] = {operation = "create", resource = {apiVersion = "v1", kind = actionParams["kind"] or "ConfigMap",
        metadata = {name = "fan", namespace = namespace, labels = {valid = actionParams["valid"]}}}}
    end
    return result
- name: wander
  action.lua: |
    obj.metadata.name = "other"
    return obj
`

func TestCustomAction(t *testing.T) {
	h := newHub(t)
	h.setConfig("argocd-cm", "resource.customizations.actions.apps_Deployment", custom)
	ref := h.deploy(worker)
	got, err := hubclient.Call(ctx, h.as("operator"), protocol.ApplicationActions, &protocol.ApplicationResourceRequest{
		Name: "production", Namespace: ref.Namespace, ResourceName: ref.Name, Version: ref.Version, Group: ref.Group, Kind: ref.Kind,
	})
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, a := range got.Actions {
		listed = append(listed, fmt.Sprint(a.Name, a.Disabled, a.DisplayName, a.Params))
	}
	want := "[fan false Fan out[{to}] pausefalse[] plainfalse[] restarttrue[] resumetrue[] scalefalse[{replicas}]]"
	if got := strings.ReplaceAll(fmt.Sprint(listed), "fanfalseFan", "fan false Fan"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	for _, refused := range []struct{ namespace, kind, valid, message string }{
		{"kube-system", "ConfigMap", "true", "application is not permitted to manage /ConfigMap/fan in kube-system"},
		{"", "Namespace", "true", "application is not permitted to manage /Namespace/fan in "},
		{"shop-dev", "ConfigMap", "false", "the API server finds it invalid"},
	} {
		live, err := h.run(ref, "fan", &protocol.ResourceActionParameters{Name: "to", Value: refused.namespace},
			&protocol.ResourceActionParameters{Name: "kind", Value: refused.kind}, &protocol.ResourceActionParameters{Name: "valid", Value: refused.valid})
		if err == nil || !strings.Contains(err.Error(), refused.message) || len(h.fleet.created) > 0 || strings.Contains(live, "fanned") {
			t.Errorf("%+v: error %v, created %v, live %s", refused, err, h.fleet.created, live)
		}
	}
	live, err := h.run(ref, "fan", &protocol.ResourceActionParameters{Name: "to", Value: "shop-dev"})
	if err != nil || !strings.Contains(live, `"fanned":"shop-dev"`) || fmt.Sprint(h.fleet.created) != "[ConfigMap shop-prod/fan ConfigMap shop-dev/fan]" {
		t.Errorf("got %s, created %v, %v", live, h.fleet.created, err)
	}
	_, err = h.run(ref, "wander")
	wantCode(t, err, connect.CodeFailedPrecondition, "an action can only patch the object that it runs on")
	if live, err := h.run(ref, "restart"); err != nil || !strings.Contains(live, "restartedAt") {
		t.Errorf("the built-in action has gone: %s, %v", live, err)
	}
}

// TestActionOnTheApplication turns automated syncs on and off, which takes a permission of its own.
func TestActionOnTheApplication(t *testing.T) {
	h := newHub(t)
	run := &protocol.ResourceActionRunRequestV2{
		Name: "dev", Namespace: hubNamespace, ResourceName: "dev", Group: "argoproj.io", Version: "v1alpha1", Kind: "Application", Action: "toggle-auto-sync",
	}
	_, err := hubclient.Call(ctx, h.as("stranger"), protocol.ApplicationRunActionV2, run)
	wantCode(t, err, connect.CodePermissionDenied, "permission denied")
	for _, want := range []bool{false, true} {
		if _, err := hubclient.Call(ctx, h.as("developer"), protocol.ApplicationRunActionV2, run); err != nil {
			t.Fatal(err)
		}
		app := &argo.Application{}
		if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: "dev"}, app); err != nil {
			t.Fatal(err)
		}
		if enabled := app.Spec.SyncPolicy.Automated.Enabled; enabled == nil || *enabled != want {
			t.Errorf("got %v, want %v", enabled, want)
		}
	}
}
