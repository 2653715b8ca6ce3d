package server

import (
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func TestRollouts(t *testing.T) {
	h := newHub(t)
	operator, developer := h.as("operator"), h.as("developer")
	query := protocol.RolloutQuery{Application: "production"}
	got, err := hubclient.Call(ctx, developer, protocol.RolloutGet, &query)
	if err != nil {
		t.Fatal(err)
	}
	line := func(r *protocol.Rollout) string {
		return fmt.Sprintf("%s %s step %d/%d weight %d pods %d/%d images %v paused %v aborted %v", r.Strategy, r.Phase, r.Step, r.Steps, r.Weight,
			r.Updated, r.Desired, r.Images, r.Paused, r.Aborted)
	}
	if line(got) != "Canary Paused step 1/3 weight 25 pods 1/4 images [registry.example/web:2] paused true aborted false" {
		t.Errorf("got %s", line(got))
	}
	for name, procedure := range map[string]protocol.Unary[protocol.RolloutActionRequest, protocol.Rollout]{
		"promote": protocol.RolloutPromote, "abort": protocol.RolloutAbort, "pause": protocol.RolloutPause,
	} {
		_, err := hubclient.Call(ctx, developer, procedure, &protocol.RolloutActionRequest{Rollout: query})
		if err == nil || connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("a developer may %s: %v", name, err)
		}
	}
	_, err = hubclient.Call(ctx, operator, protocol.RolloutRetry, &protocol.RolloutActionRequest{Rollout: query})
	wantCode(t, err, connect.CodeFailedPrecondition, "has not been aborted")
	if got, err = hubclient.Call(ctx, operator, protocol.RolloutPromote, &protocol.RolloutActionRequest{Rollout: query}); err != nil || got.Paused {
		t.Errorf("after promote: %+v, %v", got, err)
	}
	if got, err = hubclient.Call(ctx, operator, protocol.RolloutAbort, &protocol.RolloutActionRequest{Rollout: query}); err != nil || !got.Aborted {
		t.Errorf("after abort: %+v, %v", got, err)
	}
	if got, err = hubclient.Call(ctx, operator, protocol.RolloutRetry, &protocol.RolloutActionRequest{Rollout: query}); err != nil || got.Aborted {
		t.Errorf("after retry: %+v, %v", got, err)
	}
	_, err = hubclient.Call(ctx, operator, protocol.RolloutUndo, &protocol.RolloutActionRequest{Rollout: query})
	wantCode(t, err, connect.CodeFailedPrecondition, "no revision found to go back to")
	query.Name = "other"
	_, err = hubclient.Call(ctx, operator, protocol.RolloutGet, &query)
	wantCode(t, err, connect.CodeNotFound, "has no rollout 'other'")
	_, err = hubclient.Call(ctx, operator, protocol.RolloutGet, &protocol.RolloutQuery{Application: "dev"})
	wantCode(t, err, connect.CodeNotFound, "application 'dev' has no rollout")
	list, err := hubclient.Call(ctx, developer, protocol.RolloutGetList, &protocol.RolloutQuery{Application: "production"})
	if err != nil || len(list.Items) != 1 || list.Items[0].Manifest != "" {
		t.Errorf("got %+v, %v", list, err)
	}
}

// TestPromoteFullIsItsOwnPermission lets somebody leave a pause, and not skip all steps.
func TestPromoteFullIsItsOwnPermission(t *testing.T) {
	h := newHub(t)
	h.setConfig("argocd-rbac-cm", "policy.csv",
		"p, stranger, applications, get, shop/*\np, stranger, applications, action/argoproj.io/Rollout/resume, shop/*")
	stranger, query := h.as("stranger"), protocol.RolloutQuery{Application: "production"}
	_, err := hubclient.Call(ctx, stranger, protocol.RolloutPromote, &protocol.RolloutActionRequest{Rollout: query, Full: true})
	wantCode(t, err, connect.CodePermissionDenied, "action/argoproj.io/Rollout/promote-full")
	if _, err = hubclient.Call(ctx, stranger, protocol.RolloutPromote, &protocol.RolloutActionRequest{Rollout: query}); err != nil {
		t.Error(err)
	}
}

func TestWatchRollout(t *testing.T) {
	h := newHub(t)
	count := 0
	for got, err := range hubclient.Stream(ctx, h.as("operator"), protocol.RolloutWatch, &protocol.RolloutQuery{Application: "production"}) {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count == 1 {
			_, err := hubclient.Call(ctx, h.as("operator"), protocol.RolloutAbort,
				&protocol.RolloutActionRequest{Rollout: protocol.RolloutQuery{Application: "production"}})
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !got.Aborted {
			t.Errorf("got %+v", got)
		}
		break
	}
}

func TestResources(t *testing.T) {
	h := newHub(t)
	operator := h.as("operator")
	secret := &protocol.ApplicationResourceRequest{Name: "production", Namespace: "shop-prod", ResourceName: "credentials", Version: "v1", Kind: "Secret"}
	got, err := hubclient.Call(ctx, operator, protocol.ApplicationResource, secret)
	if err != nil || !strings.Contains(got.Manifest, "++++++++") || strings.Contains(got.Manifest, "c2VjcmV0") {
		t.Errorf("got %+v, %v", got, err)
	}
	foreign := &protocol.ApplicationResourceRequest{Name: "production", Namespace: "kube-system", ResourceName: "not-ours", Version: "v1", Kind: "Secret"}
	_, err = hubclient.Call(ctx, operator, protocol.ApplicationResource, foreign)
	wantCode(t, err, connect.CodeInvalidArgument, "Secret  not-ours not found as part of application production")

	web := &protocol.ApplicationResourceRequest{Name: "production", Namespace: "shop-prod", ResourceName: "web", Version: "v1alpha1", Group: "argoproj.io", Kind: "Rollout"}
	actions, err := hubclient.Call(ctx, operator, protocol.ApplicationActions, web)
	var names []string
	if err == nil {
		for _, action := range actions.Actions {
			if !action.Disabled {
				names = append(names, action.Name)
			}
		}
	}
	if fmt.Sprint(names) != "[restart resume abort pause promote-full skip-current-step]" {
		t.Errorf("got %v, %v", names, err)
	}
	run := &protocol.ResourceActionRunRequestV2{Name: "production", Namespace: "shop-prod", ResourceName: "web", Version: "v1alpha1", Group: "argoproj.io", Kind: "Rollout", Action: "resume"}
	_, err = hubclient.Call(ctx, h.as("developer"), protocol.ApplicationRunActionV2, run)
	wantCode(t, err, connect.CodePermissionDenied, "permission denied: applications, action/argoproj.io/Rollout/resume, shop/production, sub: developer")
	if _, err := hubclient.Call(ctx, operator, protocol.ApplicationRunActionV2, run); err != nil {
		t.Error(err)
	}
	run.Action = "explode"
	_, err = hubclient.Call(ctx, operator, protocol.ApplicationRunActionV2, run)
	wantCode(t, err, connect.CodeFailedPrecondition, "the action explode isn't known for Rollout")

	manifests, err := hubclient.Call(ctx, operator, protocol.ApplicationManifests, &protocol.ApplicationManifestQuery{Name: "production"})
	if err != nil || strings.Contains(fmt.Sprint(manifests.Manifests), "hunter2") || len(manifests.Manifests) != 2 {
		t.Errorf("got %+v, %v", manifests, err)
	}
	managed, err := hubclient.Call(ctx, operator, protocol.ApplicationManaged, &protocol.ResourcesQuery{ApplicationName: "production"})
	if err != nil || len(managed.Items) != 2 || strings.Contains(managed.Items[0].LiveState, "aHVudGVyMg==") || managed.Items[1].LiveState != "null" {
		t.Errorf("got %+v, %v", managed, err)
	}
	version := int32(1)
	metadata, err := hubclient.Call(ctx, operator, protocol.ApplicationRevision, &protocol.RevisionMetadataQuery{Name: "production", Revision: "111", VersionID: &version})
	if err != nil || metadata.Message != "commit 111" {
		t.Errorf("got %+v, %v", metadata, err)
	}
}

func TestPodLogs(t *testing.T) {
	h := newHub(t)
	lines := func(q *protocol.ApplicationPodLogsQuery) (pods []string, err error) {
		q.Name = "production"
		for entry, streamErr := range hubclient.Stream(ctx, h.as("operator"), protocol.ApplicationPodLogs, q) {
			if streamErr != nil {
				return pods, streamErr
			}
			if !entry.Last {
				pods = append(pods, entry.PodName)
			}
		}
		return pods, nil
	}
	for name, test := range map[string]struct {
		query protocol.ApplicationPodLogsQuery
		want  int
	}{
		"all":           {protocol.ApplicationPodLogsQuery{}, 2},
		"one":           {protocol.ApplicationPodLogsQuery{PodName: "web-1"}, 1},
		"below":         {protocol.ApplicationPodLogsQuery{Kind: "Rollout", ResourceName: "web"}, 1},
		"filtered":      {protocol.ApplicationPodLogsQuery{Filter: "STRAY"}, 1},
		"filtered out":  {protocol.ApplicationPodLogsQuery{Filter: "!hello"}, 0},
		"in their case": {protocol.ApplicationPodLogsQuery{Filter: "STRAY", MatchCase: true}, 0},
		"before":        {protocol.ApplicationPodLogsQuery{UntilTime: "2020-01-01T00:00:00Z"}, 0},
	} {
		if pods, err := lines(&test.query); err != nil || len(pods) != test.want {
			t.Errorf("%s: got %v, %v", name, pods, err)
		}
	}
	if pods, err := lines(&protocol.ApplicationPodLogsQuery{PodName: "etcd"}); err != nil || len(pods) != 0 {
		t.Errorf("a pod of somebody else's: got %v, %v", pods, err)
	}
	for _, err := range hubclient.Stream(ctx, h.as("developer"), protocol.ApplicationPodLogs, &protocol.ApplicationPodLogsQuery{Name: "production"}) {
		wantCode(t, err, connect.CodePermissionDenied, "permission denied: logs, get, shop/production")
	}
}

func TestBuilds(t *testing.T) {
	h := newHub(t)
	developer, operator := h.as("developer"), h.as("operator")
	rules, err := hubclient.Call(ctx, developer, protocol.BuildRules, &protocol.BuildRuleQuery{})
	if err != nil || len(rules.Items) != 1 {
		t.Errorf("got %+v, %v", rules, err)
	}
	started, err := hubclient.Call(ctx, developer, protocol.BuildStart, &protocol.BuildStartRequest{Rule: "web", Ref: "main"})
	if err != nil || started.Spec.RequestedBy != "developer" {
		t.Fatalf("got %+v, %v", started, err)
	}
	_, err = hubclient.Call(ctx, developer, protocol.BuildStart, &protocol.BuildStartRequest{Rule: "web", Ref: "other"})
	wantCode(t, err, connect.CodeFailedPrecondition, "the rule's pattern doesn't match other")
	_, err = hubclient.Call(ctx, operator, protocol.BuildStart, &protocol.BuildStartRequest{Rule: "web", Ref: "main"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied")
	_, err = hubclient.Call(ctx, operator, protocol.BuildGet, &protocol.BuildQuery{Name: "web-1"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied")
	_, err = hubclient.Call(ctx, h.as("admin"), protocol.BuildGet, &protocol.BuildQuery{Name: "none"})
	wantCode(t, err, connect.CodeNotFound, "build 'none' not found")

	again, err := hubclient.Call(ctx, developer, protocol.BuildRebuild, &protocol.BuildQuery{Name: "web-1"})
	if err != nil || again.Spec.RebuildOf != "web-1" || again.Name == "web-1" {
		t.Errorf("got %+v, %v", again, err)
	}
	list, err := hubclient.Call(ctx, developer, protocol.BuildGetList, &protocol.BuildQuery{Rule: "web"})
	if err != nil || len(list.Items) != 3 {
		t.Errorf("got %d builds, %v", len(list.Items), err)
	}
	if _, err := hubclient.Call(ctx, developer, protocol.BuildCancel, &protocol.BuildQuery{Name: "web-1"}); err != nil {
		t.Fatal(err)
	}
	b := &fairlead.Build{}
	if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: "web-1"}, b); err != nil || !b.Spec.Cancel {
		t.Errorf("got %+v, %v", b.Spec, err)
	}
	b.Status.Phase = fairlead.BuildCancelled
	h.update(b)
	_, err = hubclient.Call(ctx, developer, protocol.BuildCancel, &protocol.BuildQuery{Name: "web-1"})
	wantCode(t, err, connect.CodeFailedPrecondition, "has ended already: it is Cancelled")

	var log strings.Builder
	for chunk, err := range hubclient.Stream(ctx, developer, protocol.BuildLogs, &protocol.BuildLogsRequest{Name: "web-1", Follow: true}) {
		if err != nil {
			t.Fatal(err)
		}
		log.Write(chunk.Data)
	}
	if log.String() != "step 1 of web-1\nstep 2\n" {
		t.Errorf("got %q", log.String())
	}
}

func TestClusters(t *testing.T) {
	h := newHub(t)
	operator := h.as("operator")
	list, err := hubclient.Call(ctx, operator, protocol.ClusterGetList, &protocol.ClusterQuery{})
	if err != nil || len(list.Items) != 2 {
		t.Fatalf("got %+v, %v", list, err)
	}
	prod := list.Items[1]
	if prod.Name != "prod" || prod.Config.BearerToken != "" || prod.Info.ApplicationsCount != 3 || prod.ConnectionState.Status != "Successful" || prod.ServerVersion != "1.37" {
		t.Errorf("got %+v", prod)
	}
	staging := &protocol.Cluster{
		Server: "https://staging:6443/", Name: "staging", Labels: map[string]string{"stage": "staging"}, Config: protocol.ClusterConfig{BearerToken: "t"},
	}
	if _, err := hubclient.Call(ctx, operator, protocol.ClusterCreate, &protocol.ClusterCreateRequest{Cluster: staging}); err != nil {
		t.Fatal(err)
	}
	staging.Name = "stage"
	_, err = hubclient.Call(ctx, operator, protocol.ClusterCreate, &protocol.ClusterCreateRequest{Cluster: staging})
	wantCode(t, err, connect.CodeInvalidArgument, "use upsert flag")
	if got, err := hubclient.Call(ctx, operator, protocol.ClusterCreate, &protocol.ClusterCreateRequest{Cluster: staging, Upsert: true}); err != nil || got.Name != "stage" {
		t.Errorf("got %+v, %v", got, err)
	}
	renamed := &protocol.ClusterUpdateRequest{
		Cluster: &protocol.Cluster{Name: "renamed"}, UpdatedFields: []string{"name"}, ID: &protocol.ClusterID{Type: "name", Value: "stage"},
	}
	if got, err := hubclient.Call(ctx, operator, protocol.ClusterUpdate, renamed); err != nil || got.Name != "renamed" || got.Labels["stage"] != "staging" {
		t.Errorf("got %+v, %v", got, err)
	}
	cluster, err := h.server.options.Settings.Cluster(ctx, "renamed")
	if err != nil || cluster.Config.BearerToken != "t" {
		t.Errorf("the credentials didn't survive: %+v, %v", cluster, err)
	}
	if _, err := hubclient.Call(ctx, operator, protocol.ClusterDelete, &protocol.ClusterQuery{Name: "renamed"}); err != nil {
		t.Error(err)
	}
	_, err = hubclient.Call(ctx, operator, protocol.ClusterDelete, &protocol.ClusterQuery{Name: "renamed"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied")
	_, err = hubclient.Call(ctx, operator, protocol.ClusterDelete, &protocol.ClusterQuery{Name: "in-cluster"})
	wantCode(t, err, connect.CodeNotFound, `cluster "https://kubernetes.default.svc" not found`)
	for _, server := range []string{"file:///etc/passwd", "https://user:pw@x", "x"} {
		_, err = hubclient.Call(ctx, operator, protocol.ClusterCreate, &protocol.ClusterCreateRequest{Cluster: &protocol.Cluster{Server: server}})
		wantCode(t, err, connect.CodeInvalidArgument, "isn't a URL")
	}
}

func TestSyncWindows(t *testing.T) {
	h := newHub(t)
	admin := h.as("admin")
	project, err := hubclient.Call(ctx, admin, protocol.ProjectGet, &protocol.ProjectQuery{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	window := &argo.SyncWindow{Kind: "deny", Schedule: "* * * * *", Duration: "1h", Applications: []string{"prod*"}}
	update := func() {
		t.Helper()
		project.Spec.SyncWindows = argo.SyncWindows{window}
		if project, err = hubclient.Call(ctx, admin, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: project}); err != nil {
			t.Fatal(err)
		}
	}
	update()
	_, err = hubclient.Call(ctx, admin, protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: "production"})
	wantCode(t, err, connect.CodePermissionDenied, "cannot sync: blocked by sync window")
	windows, err := hubclient.Call(ctx, admin, protocol.ApplicationSyncWindows, &protocol.ApplicationSyncWindowsQuery{Name: "production"})
	if err != nil || windows.CanSync || len(windows.ActiveWindows) != 1 || len(windows.AssignedWindows) != 1 || windows.ActiveWindows[0].Kind != "deny" {
		t.Errorf("%+v %v", windows, err)
	}
	if windows, err = hubclient.Call(ctx, admin, protocol.ApplicationSyncWindows, &protocol.ApplicationSyncWindowsQuery{Name: "dev"}); err != nil || !windows.CanSync || len(windows.AssignedWindows) != 0 {
		t.Errorf("%+v %v", windows, err)
	}
	state, err := hubclient.Call(ctx, admin, protocol.ProjectSyncWindows, &protocol.SyncWindowsQuery{Name: "shop"})
	if err != nil || len(state.Windows) != 1 {
		t.Errorf("%+v %v", state, err)
	}
	window.ManualSync = true
	update()
	if windows, err = hubclient.Call(ctx, admin, protocol.ApplicationSyncWindows, &protocol.ApplicationSyncWindowsQuery{Name: "production"}); err != nil || !windows.CanSync {
		t.Errorf("%+v %v", windows, err)
	}
	window.Schedule = "sometimes"
	project.Spec.SyncWindows = argo.SyncWindows{window}
	_, err = hubclient.Call(ctx, admin, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: project})
	wantCode(t, err, connect.CodeInvalidArgument, "cannot parse schedule 'sometimes'")
}

func TestProjects(t *testing.T) {
	h := newHub(t)
	admin := h.as("admin")
	project, err := hubclient.Call(ctx, admin, protocol.ProjectGet, &protocol.ProjectQuery{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	project.Spec.Roles = append(project.Spec.Roles, role("ci", "p, proj:shop:ci, applications, sync, shop/*, allow", "stranger-group"))
	if _, err = hubclient.Call(ctx, admin, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: project}); err != nil {
		t.Fatal(err)
	}
	_, err = hubclient.Call(ctx, admin, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: project})
	wantCode(t, err, connect.CodeAborted, "") // it has been changed since it was read
	for _, policy := range []string{
		"p, proj:other:ci, applications, sync, shop/*, allow", "p, proj:shop:ci, applications, sync, other/*, allow", "g, x, role:admin",
		"p, proj:shop:ci, applications, sync, shop/*, perhaps", "p, proj:shop:ci, applications, sync, shop/*, allow\ng, stranger, role:admin",
	} {
		bad := newProject("bad")
		bad.Name, bad.Spec.Roles = "shop", append(bad.Spec.Roles, role("ci", policy))
		_, err = hubclient.Call(ctx, admin, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: bad})
		wantCode(t, err, connect.CodeInvalidArgument, "policy")
	}
	if _, err := hubclient.Call(ctx, admin, protocol.ProjectCreate, &protocol.ProjectCreateRequest{Project: newProject("new")}); err != nil {
		t.Error(err)
	}
	if _, err := hubclient.Call(ctx, admin, protocol.ProjectDelete, &protocol.ProjectQuery{Name: "new"}); err != nil {
		t.Error(err)
	}
	_, err = hubclient.Call(ctx, admin, protocol.ProjectDelete, &protocol.ProjectQuery{Name: "shop"})
	wantCode(t, err, connect.CodeInvalidArgument, "project is referenced by 2 applications")
	_, err = hubclient.Call(ctx, admin, protocol.ProjectDelete, &protocol.ProjectQuery{Name: "default"})
	wantCode(t, err, connect.CodeInvalidArgument, "reserved")
}

func TestAccounts(t *testing.T) {
	h := newHub(t)
	developer, admin := h.as("developer"), h.as("admin")
	info, err := hubclient.Call(ctx, developer, protocol.SessionUserInfo, &protocol.GetUserInfoRequest{})
	if err != nil || !info.LoggedIn || info.Username != "developer" || info.Issuer != "argocd" {
		t.Errorf("got %+v, %v", info, err)
	}
	list, err := hubclient.Call(ctx, developer, protocol.AccountList, &protocol.ListAccountRequest{})
	if err != nil || len(list.Items) != 1 || list.Items[0].Name != "developer" {
		t.Errorf("got %+v, %v", list, err)
	}
	if list, err = hubclient.Call(ctx, admin, protocol.AccountList, &protocol.ListAccountRequest{}); err != nil || len(list.Items) != 5 {
		t.Errorf("got %d accounts, %v", len(list.Items), err)
	}
	_, err = hubclient.Call(ctx, developer, protocol.AccountNewToken, &protocol.CreateTokenRequest{Name: "bot"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied: accounts, update, bot")
	key, err := hubclient.Call(ctx, admin, protocol.AccountNewToken, &protocol.CreateTokenRequest{Name: "bot", ID: "ci", ExpiresIn: 60})
	if err != nil {
		t.Fatal(err)
	}
	bot := h.as("", func(o *hubclient.Options) { o.Token = key.Token })
	if info, err = hubclient.Call(ctx, bot, protocol.SessionUserInfo, &protocol.GetUserInfoRequest{}); err != nil || info.Username != "bot" {
		t.Errorf("got %+v, %v", info, err)
	}
	if _, err = hubclient.Call(ctx, admin, protocol.AccountDropToken, &protocol.DeleteTokenRequest{Name: "bot", ID: "ci"}); err != nil {
		t.Error(err)
	}
	_, err = hubclient.Call(ctx, bot, protocol.AccountGet, &protocol.GetAccountRequest{Name: "bot"})
	wantCode(t, err, connect.CodeUnauthenticated, "invalid session: account bot does not have token with id ci")

	_, err = hubclient.Call(ctx, developer, protocol.AccountPassword, &protocol.UpdatePasswordRequest{Name: "admin", CurrentPassword: "developer", NewPassword: "x"})
	wantCode(t, err, connect.CodePermissionDenied, "accounts, update, admin")
	_, err = hubclient.Call(ctx, developer, protocol.AccountPassword, &protocol.UpdatePasswordRequest{CurrentPassword: "wrong", NewPassword: "x"})
	wantCode(t, err, connect.CodeInvalidArgument, "current password does not match")
	if _, err = hubclient.Call(ctx, admin, protocol.AccountPassword, &protocol.UpdatePasswordRequest{Name: "stranger", CurrentPassword: "admin", NewPassword: "new"}); err != nil {
		t.Error(err)
	}
	_, err = hubclient.Call(ctx, h.as(""), protocol.SessionCreate, &protocol.SessionCreateRequest{Username: "stranger", Password: "stranger"})
	wantCode(t, err, connect.CodeUnauthenticated, "Invalid username or password")

	if _, err = hubclient.Call(ctx, developer, protocol.SessionDelete, &protocol.SessionDeleteRequest{}); err != nil {
		t.Fatal(err)
	}
	_, err = hubclient.Call(ctx, developer, protocol.ApplicationList, &protocol.ApplicationQuery{})
	wantCode(t, err, connect.CodeUnauthenticated, "token is revoked")
}

func TestAnonymous(t *testing.T) {
	h := newHub(t)
	h.setConfig("argocd-cm", "users.anonymous.enabled", "true")
	h.setConfig("argocd-rbac-cm", "policy.default", "role:readonly")
	nobody := h.as("")
	if _, err := hubclient.Call(ctx, nobody, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: "dev"}); err != nil {
		t.Error(err)
	}
	_, err := hubclient.Call(ctx, nobody, protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: "dev"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied: applications, sync, shop/dev")
}

// TestSecretsStayInside looks for the test's secrets in everything that the hub logged.
func TestSecretsStayInside(t *testing.T) {
	h := newHub(t)
	token := h.token("admin")
	for i := range h.server.rows {
		r := &h.server.rows[i]
		answers, err := h.call(token, r, fill(r))
		for _, secret := range []string{"secret-token", "secret-password", "hunter2", "aHVudGVyMg==", "c2VjcmV0", "$2a$"} {
			if strings.Contains(fmt.Sprint(answers, err), secret) {
				t.Errorf("%s tells %q", r.procedure, secret)
			}
		}
	}
	if strings.Contains(h.log.String(), token) || strings.Contains(h.log.String(), "secret-") {
		t.Error("a secret is in the log")
	}
}

// TestWithoutParts is about a hub that was given nothing but its own API server.
func TestWithoutParts(t *testing.T) {
	h := newHub(t, func(o *Options) {
		o.Fleet, o.Sources, o.Manifests, o.Builds, o.BuildLogs = nil, nil, nil, nil, nil
	})
	token := h.token("admin")
	for i := range h.server.rows {
		r := &h.server.rows[i]
		if _, err := h.call(token, r, fill(r)); err != nil && connect.CodeOf(err) == connect.CodeInternal {
			t.Errorf("%s: %v", r.procedure, err)
		}
	}
}

func TestEvents(t *testing.T) {
	h := newHub(t)
	app := h.application("dev")
	for _, name := range []string{"dev", "other"} {
		event := &corev1.Event{Reason: "Synced", InvolvedObject: corev1.ObjectReference{Name: name, UID: app.UID}}
		event.Namespace, event.Name = hubNamespace, name
		if err := h.client.Create(ctx, event); err != nil {
			t.Fatal(err)
		}
	}
	list, err := hubclient.Call(ctx, h.as("developer"), protocol.ApplicationEvents, &protocol.ApplicationResourceEventsQuery{Name: "dev"})
	if err != nil || len(list.Items) != 1 || list.Items[0].Reason != "Synced" {
		t.Errorf("got %+v, %v", list, err)
	}
}
