//go:build integration

package app

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/protocol"
)

const beforeDrift = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: same}, data: {key: one}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: changed}, data: {key: one}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: deleted}, data: {key: one}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: ignored}, data: {key: one}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: grown}, data: {key: one}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: surplus}, data: {key: one}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: extra, annotations: {argocd.argoproj.io/compare-options: IgnoreExtraneous}}, data: {key: one}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: refused}, data: {key: one}}
---
{apiVersion: v1, kind: Secret, metadata: {name: hidden}, stringData: {key: one}}
---
{apiVersion: v1, kind: Secret, metadata: {name: encoded}, data: {key: b25l}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: defaults}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: none, resources: {limits: {cpu: 0.5, memory: 1024Mi}}, env: [{name: A, value: b}]}]}
`

// inTheCluster are changes that people make by hand.
var inTheCluster = map[string]string{
	"changed": `{"data":{"key":"two"}}`, "ignored": `{"data":{"key":"two"}}`, "grown": `{"data":{"other":"x"}}`,
}

// managedResourcesAgree: what the API says to be modified, which diffs and consoles show, are the objects that the controller
// finds OutOfSync.
func managedResourcesAgree(d *dance) {
	t, ctx := d.t, d.t.Context()
	dir := strings.TrimPrefix(d.repository, "file://")
	manifest := filepath.Join(dir, "app", "manifest.yaml")
	commit := func(text string) {
		d.must(os.WriteFile(manifest, []byte(text), 0o600))
		out, err := exec.Command("git", "-C", dir, "-c", "user.name=t", "-c", "user.email=t@example", "commit", "-qam", "next").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	commit(beforeDrift)
	d.deploy(d.namespace, "shop")
	_, err := hubclient.Call(ctx, d.admin, protocol.ApplicationPatch, &protocol.ApplicationPatchRequest{
		Name: "shop", PatchType: "merge",
		Patch: `{"spec":{"ignoreDifferences":[{"kind":"ConfigMap","name":"ignored","jsonPointers":["/data/key"]}]}}`,
	})
	d.must(err)
	for name, patch := range inTheCluster {
		d.must(d.kube.Patch(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: d.target, Name: name}}, client.RawPatch(types.MergePatchType, []byte(patch))))
	}
	d.must(d.kube.Delete(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: d.target, Name: "deleted"}}))
	var documents []string
	for _, document := range strings.Split(beforeDrift, "\n---\n") {
		switch {
		case strings.Contains(document, "surplus"), strings.Contains(document, "extra"):
			continue
		case strings.Contains(document, "refused"):
			document = strings.Replace(document, "key: one", "key: {a: b}", 1)
		}
		documents = append(documents, document)
	}
	documents = append(documents, "{apiVersion: v1, kind: ConfigMap, metadata: {name: new}, data: {key: one}}", "{apiVersion: example.com/v1, kind: Gadget, metadata: {name: unknown}}")
	commit(strings.Join(documents, "\n---\n"))

	want := map[string]bool{
		"same": false, "changed": true, "deleted": true, "ignored": false, "grown": false, "surplus": true, "extra": true, "refused": true,
		"hidden": false, "encoded": false, "defaults": false, "new": true, "unknown": true,
	}
	refresh := "normal"
	d.within(30*time.Second, "the controller has compared", func() error {
		app, err := hubclient.Call(ctx, d.admin, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: "shop", Refresh: refresh})
		if err != nil {
			return err
		}
		found := map[string]bool{}
		for _, r := range app.Status.Resources {
			found[r.Name] = r.Status == argo.SyncStatusCodeOutOfSync
		}
		if fmt.Sprint(found) != fmt.Sprint(want) {
			return fmt.Errorf("it finds %v, want %v (%+v)", found, want, app.Status.Conditions)
		}
		return nil
	})
	managed, err := hubclient.Call(ctx, d.admin, protocol.ApplicationManaged, &protocol.ResourcesQuery{ApplicationName: "shop"})
	d.must(err)
	told := map[string]bool{}
	for _, item := range managed.Items {
		told[item.Name] = item.Modified
		for _, text := range []string{item.TargetState, item.LiveState, item.NormalizedLiveState, item.PredictedLiveState} {
			if item.Kind == "Secret" && strings.Contains(text, "b25l") {
				t.Errorf("%s shows its content: %s", object.Key{Kind: item.Kind, Name: item.Name}, text)
			}
		}
	}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("the API tells %v, want %v", told, want)
	}
}
