package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

const shopApp = `
metadata: {name: shop, namespace: argocd, resourceVersion: "7", labels: {stage: dev}}
spec:
  project: demo
  source: {repoURL: "https://git.example/deploy", path: shop, targetRevision: main, helm: {valueFiles: [a.yaml, b.yaml], parameters: [{name: image.tag, value: v1}]}}
  destination: {server: "https://kubernetes.default.svc", namespace: shop}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
status:
  reconciledAt: "2026-01-02T00:01:00Z"
  sync: {status: OutOfSync, revision: "2222222222222222222222222222222222222222"}
  health: {status: Healthy}
  conditions: [{type: OrphanedResourceWarning, message: "Application has 1 orphaned resources"}]
  operationState:
    phase: Succeeded
    message: successfully synced (all tasks run)
    startedAt: "2026-01-02T00:00:00Z"
    finishedAt: "2026-01-02T00:00:03Z"
    operation: {sync: {}}
    syncResult:
      revision: "2222222222222222222222222222222222222222"
      source: {repoURL: "https://git.example/deploy"}
      resources:
      - {group: apps, version: v1, kind: Deployment, namespace: shop, name: web, status: Synced, message: deployment.apps/web configured}
      - {group: batch, version: v1, kind: Job, namespace: shop, name: migrate, status: Synced, hookType: PreSync, hookPhase: Succeeded, message: done}
  resources:
  - {group: apps, version: v1, kind: Deployment, namespace: shop, name: web, status: OutOfSync, health: {status: Healthy}}
  - {version: v1, kind: Service, namespace: shop, name: web, status: Synced, health: {status: Healthy}}
  history:
  - {id: 0, revision: "1111111111111111111111111111111111111111", deployedAt: "2026-01-01T00:00:00Z", source: {repoURL: "https://git.example/deploy", targetRevision: main}}
  - {id: 1, revision: "2222222222222222222222222222222222222222", deployedAt: "2026-01-02T00:00:00Z", source: {repoURL: "https://git.example/deploy", targetRevision: main}}
`

func application(t *testing.T, text string) *v1alpha1.Application {
	t.Helper()
	app := &v1alpha1.Application{}
	if err := yaml.UnmarshalStrict([]byte(text), app); err != nil {
		t.Fatal(err)
	}
	return app
}

// appHub is a hub with application shop, and nothing else.
func appHub(t *testing.T) *hub {
	t.Helper()
	h, app := newHub(t), application(t, shopApp)
	on(h, protocol.ApplicationGet, func(q *protocol.ApplicationQuery) (*v1alpha1.Application, error) {
		if q.Name != "shop" {
			return nil, connect.NewError(connect.CodePermissionDenied, errors.New("permission denied"))
		}
		return app, nil
	})
	always(h, protocol.ApplicationList, &v1alpha1.ApplicationList{Items: []v1alpha1.Application{*app}})
	always(h, protocol.SettingsGet, &protocol.Settings{URL: "https://cd.example", ControllerNamespace: "argocd"})
	always(h, protocol.ApplicationSyncWindows, &protocol.ApplicationSyncWindowsResponse{
		CanSync: true, AssignedWindows: []*protocol.ApplicationSyncWindow{{Kind: "allow", Schedule: "0 8 * * *", Duration: "1h", ManualSync: true}},
	})
	on(h, protocol.ApplicationUpdateSpec, func(q *protocol.ApplicationUpdateSpecRequest) (*v1alpha1.ApplicationSpec, error) { return q.Spec, nil })
	on(h, protocol.ApplicationCreate, func(q *protocol.ApplicationCreateRequest) (*v1alpha1.Application, error) { return q.Application, nil })
	always(h, protocol.ApplicationResourceTree, &protocol.ApplicationTree{
		Nodes: []protocol.ResourceNode{
			{ResourceRef: protocol.ResourceRef{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "shop", Name: "web", UID: "1"}},
			{ResourceRef: protocol.ResourceRef{Group: "apps", Version: "v1", Kind: "ReplicaSet", Namespace: "shop", Name: "web-1", UID: "2"}, ParentRefs: []protocol.ResourceRef{{UID: "1"}}},
			{ResourceRef: protocol.ResourceRef{Version: "v1", Kind: "Pod", Namespace: "shop", Name: "web-1-a", UID: "3"}, ParentRefs: []protocol.ResourceRef{{UID: "2"}}},
			{ResourceRef: protocol.ResourceRef{Version: "v1", Kind: "Pod", Namespace: "shop", Name: "web-1-b", UID: "4"}, ParentRefs: []protocol.ResourceRef{{UID: "2"}},
				Health: &v1alpha1.HealthStatus{Status: "Degraded", Message: "crashing"}},
			{ResourceRef: protocol.ResourceRef{Group: "apps", Version: "v1", Kind: "ReplicaSet", Namespace: "shop", Name: "web-2", UID: "5"}, ParentRefs: []protocol.ResourceRef{{UID: "1"}}},
		},
		OrphanedNodes: []protocol.ResourceNode{{ResourceRef: protocol.ResourceRef{Version: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "stray", UID: "9"}}},
	})
	return h
}

func TestAppList(t *testing.T) {
	h := appHub(t)
	h.prints(`
		NAME         CLUSTER                         NAMESPACE  PROJECT  STATUS     HEALTH   SYNCPOLICY  CONDITIONS               REPO                        PATH  TARGET
		argocd/shop  https://kubernetes.default.svc  shop       demo     OutOfSync  Healthy  Auto-Prune  OrphanedResourceWarning  https://git.example/deploy  shop  main
	`, "app", "list")
	h.prints("argocd/shop", "app", "list", "-o", "name", "-l", "stage=dev", "-p", "demo")
	h.asks("List", `{"projects":["demo"],"selector":"stage=dev"}`)
	h.prints("[]", "app", "list", "-o", "json", "--path", "elsewhere")
	h.fails("unknown output format: xml", ExitUsage, "app", "list", "-o", "xml")
}

func TestAppGet(t *testing.T) {
	h := appHub(t)
	h.prints(`
		Name:               argocd/shop
		Project:            demo
		Server:             https://kubernetes.default.svc
		Namespace:          shop
		URL:                https://cd.example/applications/shop
		Source:
		- Repo:             https://git.example/deploy
		  Target:           main
		  Path:             shop
		  Helm Values:      a.yaml,b.yaml
		SyncWindow:         Manual Allowed
		Assigned Windows:   allow:0 8 * * *:1h
		Sync Policy:        Automated (Prune)
		Sync Status:        OutOfSync from main (2222222)
		Health Status:      Healthy

		CONDITION                MESSAGE                               LAST TRANSITION
		OrphanedResourceWarning  Application has 1 orphaned resources  <nil>


		Operation:          Sync
		Sync Revision:      2222222222222222222222222222222222222222
		Phase:              Succeeded
		Start:              2026-01-02 00:00:00 +0000 UTC
		Finished:           2026-01-02 00:00:03 +0000 UTC
		Duration:           3s
		Message:            successfully synced (all tasks run)


		NAME       VALUE
		image.tag  v1

		GROUP  KIND        NAMESPACE  NAME     STATUS     HEALTH   HOOK     MESSAGE
		apps   Deployment  shop       web      OutOfSync  Healthy           deployment.apps/web configured
		batch  Job         shop       migrate  Succeeded  Synced   PreSync  done
		       Service     shop       web      Synced     Healthy
	`, "app", "get", "shop", "--show-operation", "--show-params", "--hard-refresh")
	h.asks("ApplicationService/Get", `{"name":"shop","refresh":"hard"}`)
	got, err := h.fairlead("", "app", "get", "shop", "-o", "tree")
	if want := trimmed(`
		KIND/NAME           STATUS     HEALTH    MESSAGE
		Deployment/web      OutOfSync  Healthy   deployment.apps/web configured
		├─ReplicaSet/web-1
		│ ├─Pod/web-1-a
		│ └─Pod/web-1-b                Degraded
		└─ReplicaSet/web-2`); err != nil || !strings.HasSuffix(trimmed(got), want) {
		t.Errorf("the tree is\n%s\n%v, want\n%s", got, err, want)
	}
	h.fails("permission denied: application 'other' does not exist", ExitError, "app", "get", "other")
}

func TestAppCreate(t *testing.T) {
	h := appHub(t)
	h.prints("application 'web' created", "app", "create", "web", "--repo", "https://git.example/web", "--path", "k8s", "--dest-name", "dev",
		"--dest-namespace", "web", "--sync-policy", "auto", "--auto-prune", "--sync-option", "CreateNamespace=true", "--label", "a=b",
		"--kustomize-image", "web=registry/web:2", "--nameprefix", "dev-", "--sync-retry-limit", "3", "--set-finalizer", "-N", "apps")
	h.asks("Create", `{"application":{"metadata":{"name":"web","namespace":"apps","labels":{"a":"b"},`+
		`"finalizers":["resources-finalizer.argocd.argoproj.io"]},"spec":{"source":{"repoURL":"https://git.example/web","path":"k8s",`+
		`"kustomize":{"namePrefix":"dev-","images":["web=registry/web:2"]}},"destination":{"namespace":"web","name":"dev"},"project":"",`+
		`"syncPolicy":{"automated":{"prune":true},"syncOptions":["CreateNamespace=true"],"retry":{"limit":3,"backoff":{"duration":"5s","factor":2,"maxDuration":"3m0s"}}}},`+
		`"status":{"sync":{"status":"","comparedTo":{"source":{"repoURL":""},"destination":{}}},"health":{},"summary":{}}},"validate":true}`)
	h.prints("application 'wet' created", "app", "create", "wet", "--dry-source-repo", "https://git.example/web", "--dry-source-path", "k8s",
		"--dry-source-revision", "main", "--sync-source-branch", "env/dev", "--sync-source-path", "web", "--hydrate-to-branch", "env/dev-next")
	if got, want := h.last("Create"), `"spec":{"destination":{},"project":"","sourceHydrator":{"drySource":{"repoURL":"https://git.example/web","targetRevision":"main","path":"k8s"},`+
		`"syncSource":{"targetBranch":"env/dev","path":"web"},"hydrateTo":{"targetBranch":"env/dev-next"}}}`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	h.fails("use --dry-source-… and --sync-source-…", ExitError, "app", "create", "wet", "--dry-source-repo", "x", "--path", "k8s")
	h.fails("use --dry-source-… and --sync-source-…", ExitError, "app", "create", "wet", "--dry-source-repo", "x", "--parameter", "a=b")
	file := filepath.Join(t.TempDir(), "app.yaml")
	if err := os.WriteFile(file, []byte("metadata: {name: one}\n---\nmetadata: {name: two}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.prints("application 'one' created\napplication 'two' created", "app", "create", "-f", file, "--revision", "v2")
	h.fails("app name 'three' does not match app spec metadata.name 'one'", ExitError, "app", "create", "three", "-f", file)
	h.fails("app.Name is empty", ExitUsage, "app", "create", "--repo", "x")
	h.fails("Invalid sync-policy: sometimes", ExitError, "app", "create", "x", "--sync-policy", "sometimes")
	h.prints("application 'shop' unchanged", "app", "create", "shop", "--repo", "https://git.example/web")
	h.prints("application 'shop' updated", "app", "create", "shop", "--repo", "https://git.example/web", "--upsert")
}

func TestAppSetAndUnset(t *testing.T) {
	h := appHub(t)
	h.prints("", "app", "set", "shop", "-p", "image.tag=v2", "--helm-set-string", "port=80", "--sync-policy", "none", "--sync-option", "Validate=false")
	h.asks("UpdateSpec", `{"name":"shop","spec":{"source":{"repoURL":"https://git.example/deploy","path":"shop","targetRevision":"main",`+
		`"helm":{"valueFiles":["a.yaml","b.yaml"],"parameters":[{"name":"image.tag","value":"v2"},{"name":"port","value":"80","forceString":true}]}},`+
		`"destination":{"server":"https://kubernetes.default.svc","namespace":"shop"},"project":"demo","syncPolicy":{"syncOptions":["Validate=false"]}},"validate":true,"appNamespace":"argocd"}`)
	h.prints("", "app", "unset", "shop", "-p", "image.tag", "--values", "b.yaml")
	if got := h.last("UpdateSpec"); !strings.Contains(got, `"helm":{"valueFiles":["a.yaml"]}`) {
		t.Errorf("after unset: %s", got)
	}
	h.fails("Please set at least one option to update", ExitUsage, "app", "set", "shop")
	h.fails("", ExitUsage, "app", "unset", "shop")
	h.fails("Unknown source name 'x'", ExitUsage, "app", "set", "shop", "--source-name", "x")
	h.fails("Cannot add source: application shop does not have spec.sources defined", ExitError, "app", "add-source", "shop", "--repo", "x")
	h.fails("Application does not have multiple sources configured", ExitError, "app", "remove-source", "shop", "--source-position", "1")
}

func TestAppHistoryAndRollback(t *testing.T) {
	h := appHub(t)
	h.prints(`
		SOURCE  https://git.example/deploy
		ID      DATE                           REVISION
		0       2026-01-01 00:00:00 +0000 UTC  main (1111111)
		1       2026-01-02 00:00:00 +0000 UTC  main (2222222)
	`, "app", "history", "shop")
	h.prints("0\n1", "app", "history", "shop", "-o", "id")
	always(h, protocol.HoldRollback, application(t, shopApp))
	h.prints("application 'shop' is held at history entry 0", "app", "rollback", "shop", "--async")
	h.asks("Rollback", `{"name":"shop","id":0}`)
	h.fails("application 'shop' does not have deployment id '5' in history", ExitError, "app", "rollback", "shop", "5")
}

func TestAppSyncWaitsForTheEnd(t *testing.T) {
	h := appHub(t)
	asked := application(t, shopApp)
	asked.ResourceVersion, asked.Operation = "8", &v1alpha1.Operation{Sync: &v1alpha1.SyncOperation{}}
	always(h, protocol.ApplicationSync, asked)
	ended := application(t, shopApp)
	ended.ResourceVersion, ended.Status.Sync.Status = "9", v1alpha1.SyncStatusCodeSynced
	streaming(h, protocol.ApplicationWatch, &protocol.ApplicationWatchEvent{Type: "MODIFIED", Application: *asked},
		&protocol.ApplicationWatchEvent{Type: "MODIFIED", Application: *ended})
	got, err := h.fairlead("", "app", "sync", "shop", "--resource", ":Service:web", "--prune", "--retry-limit", "2", "--info", "why=test")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"TIMESTAMP", "Phase:              Succeeded", "Sync Revision:      2222222", "batch  Job         shop"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing in\n%s", part, got)
		}
	}
	h.asks("Sync", `{"name":"shop","prune":true,"strategy":{"hook":{}},"resources":[{"kind":"Service","name":"web","namespace":"shop"}],"infos":[{"name":"why","value":"test"}],`+
		`"retryStrategy":{"limit":2,"backoff":{"duration":"5s","factor":2,"maxDuration":"3m0s"}}}`)
	ended.Status.OperationState.Phase = v1alpha1.OperationFailed
	h.fails("Operation has completed with phase: Failed", ExitFailed, "app", "sync", "shop")
}

func TestAppSyncRefusesWhatMakesNoSense(t *testing.T) {
	h := appHub(t)
	h.fails("No matching app resources found for resource filter: :Service:other", ExitUsage, "app", "sync", "shop", "--resource", ":Service:other")
	h.fails("resource should have GROUP:KIND:NAME, but instead got: web", ExitError, "app", "sync", "shop", "--resource", "web")
	h.fails("Unknown sync strategy: 'x'", ExitUsage, "app", "sync", "shop", "--strategy", "x")
	h.fails("needs APPNAME", ExitUsage, "app", "sync")
	h.fails("length of values for both flags should be same", ExitUsage, "app", "sync", "shop", "--source-positions", "1")
	h.fails("Cannot use local sync when Automatic Sync Policy is enabled", ExitUsage, "app", "sync", "shop", "--local", ".")
}

func TestAppWait(t *testing.T) {
	h := appHub(t)
	streaming(h, protocol.ApplicationWatch, &protocol.ApplicationWatchEvent{Type: "ADDED", Application: *application(t, shopApp)})
	got, err := h.fairlead("", "app", "wait", "shop", "--health")
	if err != nil || !strings.Contains(got, "Health Status:      Healthy") {
		t.Errorf("%v\n%s", err, got)
	}
	got, err = h.fairlead("", "app", "wait", "shop", "--sync", "--timeout", "1")
	if err == nil || err.Error() != `timed out (1s) waiting for app "shop" match desired state` || !strings.Contains(got, "This is the state of the app after wait timed out:") {
		t.Errorf("%v\n%s", err, got)
	}
	got, err = h.fairlead("", "app", "wait", "shop", "--operation", "-o", "json")
	if err != nil || !strings.HasPrefix(got, "{") {
		t.Errorf("%v\n%s", err, got)
	}
}

// An application may be gone before its changes are watched.
func TestAppDeletionThatWasMissed(t *testing.T) {
	h := newHub(t)
	always(h, protocol.ApplicationDelete, &protocol.ApplicationResponse{})
	streaming(h, protocol.ApplicationWatch)
	app, left := application(t, shopApp), 0
	on(h, protocol.ApplicationList, func(*protocol.ApplicationQuery) (*v1alpha1.ApplicationList, error) {
		if left--; left < 0 {
			return &v1alpha1.ApplicationList{}, nil
		}
		return &v1alpha1.ApplicationList{Items: []v1alpha1.Application{*app}}, nil
	})
	for left = range 3 {
		h.prints("application 'team/shop' deleted", "app", "delete", "team/shop", "--yes", "--wait")
	}
}

func TestAppResources(t *testing.T) {
	h := appHub(t)
	h.prints(`
		GROUP  KIND        NAMESPACE  NAME   ORPHANED
		apps   Deployment  shop       web    No
		       ConfigMap   shop       stray  Yes
	`, "app", "resources", "shop")
	on(h, protocol.ApplicationResource, func(q *protocol.ApplicationResourceRequest) (*protocol.ApplicationResourceResponse, error) {
		return &protocol.ApplicationResourceResponse{Manifest: `{"kind":"Pod","metadata":{"name":"` + q.ResourceName + `","managedFields":[]},"status":{"podIP":"10.0.0.1","conditions":[{"type":"Ready","status":"True"}]}}`}, nil
	})
	h.prints(`
		FIELD                      RESOURCE NAME  VALUE
		status.conditions[0].type  web-1-a        Ready
		status.podIP               web-1-a        10.0.0.1
		status.conditions[0].type  web-1-b        Ready
		status.podIP               web-1-b        10.0.0.1
		Resources 'web-1-a, web-1-b' fetched
	`, "app", "get-resource", "shop", "--kind", "Pod", "--filter-fields", "status.podIP,status.conditions.type")
	always(h, protocol.ApplicationDeleteObject, &protocol.ApplicationResponse{})
	h.prints("Resource 'web' deleted", "app", "delete-resource", "shop", "--kind", "Service", "--force")
	h.asks("DeleteResource", `{"name":"shop","namespace":"shop","resourceName":"web","version":"v1","kind":"Service","force":true}`)
	always(h, protocol.ApplicationPatchObject, &protocol.ApplicationResourceResponse{})
	h.prints("Resource 'web' patched", "app", "patch-resource", "shop", "--kind", "Deployment", "--patch", `{"a":1}`)
	h.fails("no matching resource found", ExitError, "app", "patch-resource", "shop", "--kind", "Job", "--patch", "{}")
}

func TestAppDiff(t *testing.T) {
	h := appHub(t)
	t.Setenv("KUBECTL_EXTERNAL_DIFF", "no-such-program")
	item := &protocol.ResourceDiff{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web", LiveState: `{"a":1}`, NormalizedLiveState: `{"a":1}`, PredictedLiveState: `{"a":2}`, TargetState: `{"a":2}`}
	always(h, protocol.ApplicationManaged, &protocol.ManagedResourcesResponse{Items: []*protocol.ResourceDiff{item}})
	const want = "===== apps/Deployment shop/web ======\n--- live\n+++ git\n@@ -1 +1 @@\n-a: 1\n+a: 2"
	got, err := h.fairlead("", "app", "diff", "shop")
	if ExitCode(err) != ExitDifferent || trimmed(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	h.prints(want, "app", "diff", "shop", "--exit-code=false")
	if _, err := h.fairlead("", "app", "diff", "shop", "--diff-exit-code", "42"); ExitCode(err) != 42 {
		t.Errorf("exit code %d", ExitCode(err))
	}
	always(h, protocol.ApplicationManifests, &protocol.ManifestResponse{Manifests: []string{`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"a":3}`}})
	on(h, protocol.ApplicationServerSideDiff, func(q *protocol.ApplicationServerSideDiffQuery) (*protocol.ApplicationServerSideDiffResponse, error) {
		answer := &protocol.ApplicationServerSideDiffResponse{Items: q.LiveResources}
		answer.Items[0].TargetState = `{"a":3}`
		return answer, nil
	})
	h.prints(strings.Replace(want, "+a: 2", "+a: 3", 1), "app", "diff", "shop", "--revision", "v3", "--exit-code=false")
	h.asks("ServerSideDiff", `{"appName":"shop","appNamespace":"argocd","project":"demo","liveResources":[{"group":"apps","kind":"Deployment","namespace":"shop","name":"web","liveState":"{\"a\":1}"}],`+
		`"targetManifests":["{\"a\":3,\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\"}}"]}`)
}

func TestAppLogs(t *testing.T) {
	h := appHub(t)
	streaming(h, protocol.ApplicationPodLogs, &protocol.LogEntry{Content: "one"}, &protocol.LogEntry{Content: "two"}, &protocol.LogEntry{Last: true})
	h.prints("one\ntwo", "app", "logs", "shop", "--tail", "2", "-c", "app")
	h.asks("PodLogs", `{"name":"shop","container":"app","tailLines":2}`)
}

func TestAppNamesAreCompleted(t *testing.T) {
	h := appHub(t)
	h.prints("shop\n:4\nCompletion ended with directive: ShellCompDirectiveNoFileComp", "__complete", "app", "get", "")
}
