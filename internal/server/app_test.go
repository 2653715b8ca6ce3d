package server

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

var ctx = context.Background()

func TestSync(t *testing.T) {
	h := newHub(t)
	operator := h.as("operator")
	app, err := hubclient.Call(ctx, operator, protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: "production", Prune: true})
	if err != nil {
		t.Fatal(err)
	}
	sync := app.Operation.Sync
	if sync.Revision != mainCommit || !sync.Prune || sync.Source.Path != "prod" || app.Operation.InitiatedBy.Username != "operator" {
		t.Errorf("got operation %+v", app.Operation)
	}
	_, err = hubclient.Call(ctx, operator, protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: "production"})
	wantCode(t, err, connect.CodeFailedPrecondition, "another operation is already in progress")

	for name, test := range map[string]struct {
		request *protocol.ApplicationSyncRequest
		code    connect.Code
		text    string
	}{
		"another revision under automation": {
			&protocol.ApplicationSyncRequest{Name: "dev", Revision: "v1"}, connect.CodeFailedPrecondition, "Cannot sync to v1: auto-sync currently set to main",
		},
		"local manifests under automation": {
			&protocol.ApplicationSyncRequest{Name: "dev", Manifests: []string{"{}"}}, connect.CodeFailedPrecondition, "cannot use local sync when Automatic Sync Policy is enabled",
		},
		"no such revision": {
			&protocol.ApplicationSyncRequest{Name: "dev", Revision: "nope", DryRun: true}, connect.CodeFailedPrecondition, "there is no branch or tag nope",
		},
		"hidden":         {&protocol.ApplicationSyncRequest{Name: "other"}, connect.CodePermissionDenied, "permission denied"},
		"missing":        {&protocol.ApplicationSyncRequest{Name: "none"}, connect.CodePermissionDenied, "permission denied"},
		"strange places": {&protocol.ApplicationSyncRequest{Name: "dev", AppNamespace: "kube-system"}, connect.CodePermissionDenied, "permission denied"},
		"other project":  {&protocol.ApplicationSyncRequest{Name: "dev", Project: "default"}, connect.CodePermissionDenied, "permission denied"},
	} {
		_, err := hubclient.Call(ctx, operator, protocol.ApplicationSync, test.request)
		if err == nil || connect.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestRollbackHolds is the way of a rollback that sticks, and how it ends.
func TestRollbackHolds(t *testing.T) {
	h := newHub(t)
	operator := h.as("operator")
	_, err := hubclient.Call(ctx, operator, protocol.ApplicationRollback, &protocol.ApplicationRollbackRequest{Name: "dev", ID: 7})
	wantCode(t, err, connect.CodeFailedPrecondition, "rollback cannot be initiated when auto-sync is enabled")
	_, err = hubclient.Call(ctx, operator, protocol.HoldRollback, &protocol.ApplicationRollbackRequest{Name: "dev", ID: 5})
	wantCode(t, err, connect.CodeInvalidArgument, "application argocd/dev does not have deployment with id 5")
	_, err = hubclient.Call(ctx, operator, protocol.HoldRelease, &protocol.HoldRequest{Name: "dev"})
	wantCode(t, err, connect.CodeFailedPrecondition, "is not held")

	app, err := hubclient.Call(ctx, operator, protocol.HoldRollback, &protocol.ApplicationRollbackRequest{Name: "dev", ID: 7})
	if err != nil {
		t.Fatal(err)
	}
	hold, err := app.Hold()
	if err != nil || hold.HistoryID != 7 || hold.By != "operator" || hold.Revision[0] != '7' {
		t.Fatalf("got hold %+v, %v", hold, err)
	}
	if sync := app.Operation.Sync; sync.Revision != hold.Revision || sync.SyncStrategy.Apply == nil || sync.Source.Path != "dev" {
		t.Errorf("got operation %+v", sync)
	}

	release := func() {
		app := h.application("dev")
		app.Operation = nil // the controller has done it
		h.update(app)
	}
	release()
	if _, err = hubclient.Call(ctx, operator, protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: "dev", DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if !h.application("dev").Held() {
		t.Error("a dry run released the hold")
	}
	release()
	if _, err = hubclient.Call(ctx, operator, protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: "dev"}); err != nil {
		t.Fatal(err)
	}
	if h.application("dev").Held() {
		t.Error("a sync didn't release the hold")
	}
	release()
	if _, err = hubclient.Call(ctx, operator, protocol.HoldRollback, &protocol.ApplicationRollbackRequest{Name: "dev", ID: 7}); err != nil {
		t.Fatal(err)
	}
	if app, err = hubclient.Call(ctx, operator, protocol.HoldRelease, &protocol.HoldRequest{Name: "dev"}); err != nil || app.Held() {
		t.Errorf("after release: %v, %v", app.Annotations, err)
	}
}

// TestRollbackPermission goes through policies and what they give on production, to which the rollback is.
func TestRollbackPermission(t *testing.T) {
	const enforce = "server.rbac.rollback.enforce.enable"
	for i, test := range []struct {
		policy   string
		enforced bool
		want     bool
	}{
		{"p, stranger, applications, sync, shop/*, allow", false, true},
		{"p, stranger, applications, sync, shop/*, allow", true, false},
		{"p, stranger, applications, rollback, shop/*", true, true},
		{"p, stranger, applications, rollback, shop/*", false, true},
		{"p, stranger, applications, sync, shop/*\np, stranger, applications, rollback, shop/*, deny", false, false},
		{"p, stranger, applications, update, shop/*", false, false},
	} {
		h := newHub(t)
		h.setConfig("argocd-rbac-cm", "policy.csv", "p, stranger, applications, get, shop/*\n"+test.policy)
		h.setConfig("argocd-cm", enforce, fmt.Sprint(test.enforced))
		_, err := hubclient.Call(ctx, h.as("stranger"), protocol.HoldRollback, &protocol.ApplicationRollbackRequest{Name: "production", ID: 1})
		if (err == nil) != test.want {
			t.Errorf("case %d: %v", i, err)
		}
		answer, err := hubclient.Call(ctx, h.as("stranger"), protocol.AccountCanI,
			&protocol.CanIRequest{Resource: "applications", Action: "rollback", Subresource: "shop/production"})
		if err != nil || (answer.Value == "yes") != test.want {
			t.Errorf("case %d: can-i says %+v, %v", i, answer, err)
		}
	}
}

func (h *hub) setConfig(name, key, value string) {
	h.t.Helper()
	configMap := &corev1.ConfigMap{}
	if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: name}, configMap); err != nil {
		h.t.Fatal(err)
	}
	configMap.Data[key] = value
	h.update(configMap)
}

// TestPolicyChangesCountAtOnce also breaks the policy: the one before stays.
func TestPolicyChangesCountAtOnce(t *testing.T) {
	h := newHub(t)
	stranger := h.as("stranger")
	get := func() error {
		_, err := hubclient.Call(ctx, stranger, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: "other"})
		return err
	}
	wantCode(t, get(), connect.CodePermissionDenied, "permission denied")
	h.setConfig("argocd-rbac-cm", "policy.csv", "p, stranger, applications, get, default/other")
	if err := get(); err != nil {
		t.Error(err)
	}
	h.setConfig("argocd-rbac-cm", "policy.csv", "p, stranger, nonsense")
	if err := get(); err != nil {
		t.Errorf("under a broken policy: %v", err)
	}
	if !strings.Contains(h.log.String(), "policy.csv, line 1") {
		t.Errorf("the log doesn't tell of the broken policy: %s", h.log)
	}
	if _, answer := h.rest("", "GET", "/metrics", ""); !strings.Contains(answer, "fairlead_rbac_policy_invalid 1") {
		t.Error("metrics don't tell of the broken policy")
	}
}

// TestRefresh waits for the controller, which here is the test.
func TestRefresh(t *testing.T) {
	h := newHub(t)
	type answer struct {
		app *argo.Application
		err error
	}
	got := make(chan answer, 1)
	developer := h.as("developer")
	go func() {
		app, err := hubclient.Call(ctx, developer, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: "dev", Refresh: "hard"})
		got <- answer{app, err}
	}()
	eventually(t, "the annotation is set", func() bool { return h.application("dev").Annotations[argo.RefreshAnnotation] == "hard" })
	app := h.application("dev")
	delete(app.Annotations, argo.RefreshAnnotation)
	app.Status.Sync.Status = argo.SyncStatusCodeSynced
	h.update(app)
	if a := <-got; a.err != nil || a.app.Status.Sync.Status != argo.SyncStatusCodeSynced {
		t.Errorf("got %+v, %v", a.app, a.err)
	}
}

func TestRefreshIsBounded(t *testing.T) {
	h := newHub(t, func(o *Options) { o.CallTimeout = 50_000_000 })
	_, err := hubclient.Call(ctx, h.as("developer"), protocol.ApplicationGet, &protocol.ApplicationQuery{Name: "dev", Refresh: "normal"})
	wantCode(t, err, connect.CodeDeadlineExceeded, "application refresh deadline exceeded")
}

func TestWatch(t *testing.T) {
	h := newHub(t)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var seen []string
	for event, err := range hubclient.Stream(watching, h.as("developer"), protocol.ApplicationWatch, &protocol.ApplicationQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, event.Type+" "+event.Application.Name)
		switch len(seen) {
		case 2: // dev and production; other isn't for developers
			for _, name := range []string{"other", "dev"} {
				app := h.application(name)
				app.Labels = map[string]string{"touched": "yes"}
				h.update(app)
			}
		case 3:
			if err := h.client.Delete(ctx, h.application("production")); err != nil {
				t.Fatal(err)
			}
		case 4:
			stop()
		}
		if len(seen) == 4 {
			break
		}
	}
	if got := fmt.Sprint(seen); got != "[ADDED dev ADDED production MODIFIED dev DELETED production]" {
		t.Errorf("got %s", got)
	}
}

// TestWatchFollowsThePolicy takes a permission away while the stream is open.
func TestWatchFollowsThePolicy(t *testing.T) {
	h := newHub(t)
	count := 0
	for event, err := range hubclient.Stream(ctx, h.as("developer"), protocol.ApplicationWatch, &protocol.ApplicationQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count == 2 {
			h.setConfig("argocd-rbac-cm", "policy.csv", "p, developer, applications, get, shop/production")
			for _, name := range []string{"dev", "production"} {
				app := h.application(name)
				app.Labels = map[string]string{"touched": "yes"}
				h.update(app)
			}
		}
		if count == 3 {
			if event.Application.Name != "production" {
				t.Errorf("a change of %s was told to who may no longer get it", event.Application.Name)
			}
			break
		}
	}
}

func newApp(name, project string) *argo.Application {
	app := &argo.Application{Spec: argo.ApplicationSpec{
		Project:     project,
		Source:      &argo.ApplicationSource{RepoURL: "https://git.example/deploy", Path: "x"},
		Destination: argo.ApplicationDestination{Name: "prod", Namespace: "shop-x"},
	}}
	app.Name = name
	return app
}

func TestCreate(t *testing.T) {
	h := newHub(t)
	operator := h.as("operator")
	create := func(app *argo.Application, upsert bool) (*argo.Application, error) {
		return hubclient.Call(ctx, operator, protocol.ApplicationCreate, &protocol.ApplicationCreateRequest{Application: app, Upsert: upsert})
	}
	app := newApp("new", "shop")
	app.Operation = &argo.Operation{Sync: &argo.SyncOperation{Manifests: []string{"{}"}}}
	created, err := create(app, false)
	if err != nil || created.Operation != nil || created.Namespace != hubNamespace {
		t.Fatalf("got %+v, %v", created, err)
	}
	if _, err := create(newApp("new", "shop"), false); err != nil {
		t.Errorf("the same again: %v", err)
	}
	changed := newApp("new", "shop")
	changed.Spec.Source.Path = "y"
	_, err = create(changed, false)
	wantCode(t, err, connect.CodeInvalidArgument, "existing application spec is different, use upsert flag to force update")
	if updated, err := create(changed, true); err != nil || updated.Spec.Source.Path != "y" {
		t.Errorf("got %+v, %v", updated, err)
	}

	for name, change := range map[string]struct {
		edit func(*argo.Application)
		code connect.Code
		text string
	}{
		"no name":        {func(a *argo.Application) { a.Name = "" }, connect.CodeInvalidArgument, "name may not be empty"},
		"other project":  {func(a *argo.Application) { a.Spec.Project = "default" }, connect.CodePermissionDenied, "applications, create, default/bad"},
		"no cluster":     {func(a *argo.Application) { a.Spec.Destination.Name = "moon" }, connect.CodeInvalidArgument, "moon"},
		"two clusters":   {func(a *argo.Application) { a.Spec.Destination.Server = "https://x" }, connect.CodeInvalidArgument, "can't have both name and server"},
		"no source":      {func(a *argo.Application) { a.Spec.Source = nil }, connect.CodeInvalidArgument, "spec.source.repoURL"},
		"foreign source": {func(a *argo.Application) { a.Spec.Source.RepoURL = "https://evil.example/x" }, connect.CodeInvalidArgument, "is not permitted in project 'shop'"},
		"foreign dry source": {func(a *argo.Application) {
			hydrate(a).DrySource.RepoURL = "https://evil.example/x"
		}, connect.CodeInvalidArgument, "is not permitted in project 'shop'"},
		"foreign sync source": {func(a *argo.Application) {
			hydrate(a).SyncSource.RepoURL = "https://evil.example/x"
		}, connect.CodeInvalidArgument, "is not permitted in project 'shop'"},
		"no dry revision": {func(a *argo.Application) {
			hydrate(a).DrySource.TargetRevision = "nope"
		}, connect.CodeInvalidArgument, "there is no branch or tag nope"},
		"no sync branch": {func(a *argo.Application) {
			hydrate(a).SyncSource.TargetBranch = ""
		}, connect.CodeInvalidArgument, "spec.sourceHydrator.syncSource.targetBranch is required"},
		"no branch to render to": {func(a *argo.Application) {
			hydrate(a).HydrateTo = &argo.HydrateTo{}
		}, connect.CodeInvalidArgument, "when spec.sourceHydrator.hydrateTo is set"},
		"two types of dry source": {func(a *argo.Application) {
			dry := &hydrate(a).DrySource
			dry.Helm, dry.Kustomize = &argo.ApplicationSourceHelm{ReleaseName: "a"}, &argo.ApplicationSourceKustomize{NamePrefix: "a"}
		}, connect.CodeInvalidArgument, "multiple application sources defined: Helm,Kustomize"},
		"foreign target":  {func(a *argo.Application) { a.Spec.Destination.Namespace = "kube-system" }, connect.CodeInvalidArgument, "do not match any of the allowed destinations"},
		"no revision":     {func(a *argo.Application) { a.Spec.Source.TargetRevision = "nope" }, connect.CodeInvalidArgument, "there is no branch or tag nope"},
		"other namespace": {func(a *argo.Application) { a.Namespace = "elsewhere" }, connect.CodeInvalidArgument, `app is not allowed in project "shop", or the project does not exist`},
		"not served":      {func(a *argo.Application) { a.Namespace = "team" }, connect.CodePermissionDenied, "namespace 'team' is not permitted"},
		"no such project": {func(a *argo.Application) { a.Spec.Project = "garbage" }, connect.CodePermissionDenied, "applications, create, garbage/bad"},
	} {
		bad := newApp("bad", "shop")
		change.edit(bad)
		_, err := create(bad, false)
		if err == nil || connect.CodeOf(err) != change.code || !strings.Contains(err.Error(), change.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	status, answer := h.rest("operator", "POST", "/api/v1/applications?validate=false",
		`{"metadata":{"name":"rest"},"spec":{"project":"shop","source":{"repoURL":"https://git.example/deploy","path":"x","targetRevision":"nope"},"destination":{"name":"prod","namespace":"shop-x"}}}`)
	if status != 200 {
		t.Errorf("without validation: %d %s", status, answer)
	}
}

// hydrate has an application deployed from what is rendered of its source.
func hydrate(app *argo.Application) *argo.SourceHydrator {
	s := app.Spec.Source
	app.Spec.Source = nil
	app.Spec.SourceHydrator = &argo.SourceHydrator{
		DrySource:  argo.DrySource{RepoURL: s.RepoURL, Path: s.Path, TargetRevision: s.TargetRevision},
		SyncSource: argo.SyncSource{TargetBranch: "rendered", Path: "x"},
	}
	return app.Spec.SourceHydrator
}

func TestUpdate(t *testing.T) {
	h := newHub(t)
	operator, developer := h.as("operator"), h.as("developer")
	spec := h.application("dev").Spec
	spec.Source.Path = "elsewhere"
	updated, err := hubclient.Call(ctx, developer, protocol.ApplicationUpdateSpec, &protocol.ApplicationUpdateSpecRequest{Name: "dev", Spec: &spec})
	if err != nil || updated.Source.Path != "elsewhere" {
		t.Errorf("got %+v, %v", updated, err)
	}
	_, err = hubclient.Call(ctx, developer, protocol.ApplicationUpdateSpec, &protocol.ApplicationUpdateSpecRequest{Name: "production", Spec: &spec})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied: applications, update, shop/production, sub: developer")

	// An application can't be moved to a project where its mover may not create it.
	moved := h.application("dev")
	moved.Spec.Project = "default"
	_, err = hubclient.Call(ctx, operator, protocol.ApplicationUpdate, &protocol.ApplicationUpdateRequest{Application: moved})
	wantCode(t, err, connect.CodePermissionDenied, "applications, create, default/dev")

	// An operation and a status don't come in by an update.
	app := h.application("production")
	app.Operation = &argo.Operation{Sync: &argo.SyncOperation{Revision: "evil"}}
	app.Status.Sync.Status = argo.SyncStatusCodeSynced
	app.Labels = map[string]string{"only": "this"}
	if _, err := hubclient.Call(ctx, operator, protocol.ApplicationUpdate, &protocol.ApplicationUpdateRequest{Application: app}); err != nil {
		t.Fatal(err)
	}
	if app = h.application("production"); app.Operation != nil || app.Status.Sync.Status != "" || len(app.Labels) != 1 {
		t.Errorf("got %+v", app)
	}

	for kind, body := range map[string]string{"json": `[{"op":"add","path":"/metadata/labels/p","value":"1"}]`, "merge": `{"metadata":{"labels":{"q":"2"}}}`} {
		if _, err := hubclient.Call(ctx, operator, protocol.ApplicationPatch, &protocol.ApplicationPatchRequest{Name: "production", Patch: body, PatchType: kind}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	_, err = hubclient.Call(ctx, operator, protocol.ApplicationPatch, &protocol.ApplicationPatchRequest{Name: "production", Patch: `{"metadata":{"name":"dev"}}`, PatchType: "merge"})
	wantCode(t, err, connect.CodeInvalidArgument, "can't change an application's name")
	_, err = hubclient.Call(ctx, operator, protocol.ApplicationPatch, &protocol.ApplicationPatchRequest{Name: "production", Patch: `{}`, PatchType: "strategic"})
	wantCode(t, err, connect.CodeInvalidArgument, "Patch type 'strategic' is not supported")
}

func TestDelete(t *testing.T) {
	off := false
	for name, test := range map[string]struct {
		request protocol.ApplicationDeleteRequest
		want    string
	}{
		"cascade":    {protocol.ApplicationDeleteRequest{}, "[" + argo.ResourcesFinalizer + "]"},
		"background": {protocol.ApplicationDeleteRequest{PropagationPolicy: "background"}, "[" + argo.BackgroundResourcesFinalizer + "]"},
		"orphan":     {protocol.ApplicationDeleteRequest{Cascade: &off}, "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			test.request.Name = "dev"
			if _, err := hubclient.Call(ctx, h.as("operator"), protocol.ApplicationDelete, &test.request); err != nil {
				t.Fatal(err)
			}
			app, got := &argo.Application{}, "gone"
			if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: "dev"}, app); err == nil {
				got = fmt.Sprint(app.Finalizers)
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	_, err := deletionFinalizers(&argo.Application{}, &protocol.ApplicationDeleteRequest{Cascade: &off, PropagationPolicy: "foreground"})
	wantCode(t, err, connect.CodeInvalidArgument, "cannot set propagation policy")
	_, err = deletionFinalizers(&argo.Application{}, &protocol.ApplicationDeleteRequest{PropagationPolicy: "sideways"})
	wantCode(t, err, connect.CodeInvalidArgument, "invalid propagation policy: sideways")
}

func TestTerminate(t *testing.T) {
	h := newHub(t)
	operator := h.as("operator")
	_, err := hubclient.Call(ctx, operator, protocol.ApplicationTerminate, &protocol.OperationTerminateRequest{Name: "production"})
	wantCode(t, err, connect.CodeInvalidArgument, "Unable to terminate operation. No operation is in progress")
	app := h.application("production")
	app.Operation, app.Status.OperationState = &argo.Operation{}, &argo.OperationState{Phase: argo.OperationRunning}
	h.update(app)
	if _, err := hubclient.Call(ctx, operator, protocol.ApplicationTerminate, &protocol.OperationTerminateRequest{Name: "production"}); err != nil {
		t.Fatal(err)
	}
	if phase := h.application("production").Status.OperationState.Phase; phase != argo.OperationTerminating {
		t.Errorf("got %s", phase)
	}
}

func TestListFilters(t *testing.T) {
	h := newHub(t)
	for name, test := range map[string]struct {
		query protocol.ApplicationQuery
		want  string
	}{
		"all":      {protocol.ApplicationQuery{}, "[dev other production]"},
		"name":     {protocol.ApplicationQuery{Name: "dev"}, "[dev]"},
		"names":    {protocol.ApplicationQuery{Names: []string{"dev", "argocd/other"}}, "[dev other]"},
		"project":  {protocol.ApplicationQuery{Projects: []string{"shop"}}, "[dev production]"},
		"old name": {protocol.ApplicationQuery{Project: []string{"default"}}, "[other]"},
		"selector": {protocol.ApplicationQuery{Selector: "stage!=production"}, "[dev other]"},
		"repo":     {protocol.ApplicationQuery{Repo: "https://GIT.example/other.git"}, "[other]"},
	} {
		list, err := hubclient.Call(ctx, h.as("admin"), protocol.ApplicationList, &test.query)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, app := range list.Items {
			names = append(names, app.Name)
		}
		if got := fmt.Sprint(names); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// Argo CD's clients know nothing of spec.dependsOn: what they write back doesn't have it, and must not take it away.
func TestDependenciesSurviveClientsThatDontKnowThem(t *testing.T) {
	h := newHub(t)
	operator := h.as("operator")
	app := h.application("production")
	app.Spec.DependsOn = []argo.ApplicationDependency{{Name: "dev"}}
	if _, err := hubclient.Call(ctx, operator, protocol.ApplicationUpdate, &protocol.ApplicationUpdateRequest{Application: app}); err != nil {
		t.Fatal(err)
	}
	spec := h.application("production").Spec
	spec.DependsOn, spec.Source.Path = nil, "elsewhere"
	if _, err := hubclient.Call(ctx, operator, protocol.ApplicationUpdateSpec, &protocol.ApplicationUpdateSpecRequest{Name: "production", Spec: &spec}); err != nil {
		t.Fatal(err)
	}
	if got := h.application("production").Spec; len(got.DependsOn) != 1 || got.Source.Path != "elsewhere" {
		t.Errorf("got %+v", got)
	}

	dev := h.application("dev")
	dev.Spec.DependsOn = []argo.ApplicationDependency{{Name: "production"}}
	_, err := hubclient.Call(ctx, operator, protocol.ApplicationUpdate, &protocol.ApplicationUpdateRequest{Application: dev})
	wantCode(t, err, connect.CodeInvalidArgument, "spec.dependsOn makes a cycle: dev → production → dev: take one of them out")

	patch := &protocol.ApplicationPatchRequest{Name: "production", Patch: `{"spec":{"dependsOn":null}}`, PatchType: "merge"}
	if _, err := hubclient.Call(ctx, operator, protocol.ApplicationPatch, patch); err != nil {
		t.Fatal(err)
	}
	if got := h.application("production").Spec; len(got.DependsOn) != 0 {
		t.Errorf("after the patch: %+v", got.DependsOn)
	}
}
