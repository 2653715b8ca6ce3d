package server

import (
	"context"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// configure sets keys of one of the hub's ConfigMaps; an empty value deletes the key.
func (h *hub) configure(name string, values map[string]string) {
	h.t.Helper()
	var configMap corev1.ConfigMap
	if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: name}, &configMap); err != nil {
		h.t.Fatal(err)
	}
	if configMap.Data == nil {
		configMap.Data = map[string]string{}
	}
	for key, value := range values {
		configMap.Data[key] = value
		if value == "" {
			delete(configMap.Data, key)
		}
	}
	h.update(&configMap)
}

// roleToken gives project shop a role with a policy, and makes a token of it.
func (h *hub) roleToken(role string, policies ...string) string {
	h.t.Helper()
	signed, listed, err := h.server.options.Login.SignRole(ctx, "shop", role, "id-"+role, time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	var project argo.AppProject
	if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: "shop"}, &project); err != nil {
		h.t.Fatal(err)
	}
	project.Spec.Roles = append(project.Spec.Roles, argo.ProjectRole{Name: role, Policies: policies, JWTTokens: []argo.JWTToken{listed}})
	h.update(&project)
	return signed
}

func withToken(token string) func(*hubclient.Options) {
	return func(o *hubclient.Options) { o.Token = token }
}

func TestTokensOfProjectRoles(t *testing.T) {
	h := newHub(t)
	bot := h.as("", withToken(h.roleToken("ci", "p, proj:shop:ci, applications, get, shop/*, allow", "p, proj:shop:ci, applications, sync, */*, allow")))
	who, err := hubclient.Call(ctx, bot, protocol.SessionUserInfo, &protocol.GetUserInfoRequest{})
	if err != nil || !who.LoggedIn || who.Username != "proj:shop:ci" || who.Issuer != "argocd" {
		t.Errorf("got %+v, %v", who, err)
	}
	list, err := hubclient.Call(ctx, bot, protocol.ApplicationList, &protocol.ApplicationQuery{})
	if err != nil || len(list.Items) != 2 {
		t.Errorf("got %d applications, %v", len(list.Items), err)
	}
	if _, err := hubclient.Call(ctx, bot, protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: "production"}); err != nil {
		t.Error(err)
	}
	_, err = hubclient.Call(ctx, bot, protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: "other"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied")
	_, err = hubclient.Call(ctx, bot, protocol.ApplicationDelete, &protocol.ApplicationDeleteRequest{Name: "production"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied: applications, delete, shop/production, sub: proj:shop:ci, iat: ")
	_, err = hubclient.Call(ctx, bot, protocol.AccountPassword, &protocol.UpdatePasswordRequest{CurrentPassword: "x", NewPassword: "y"})
	wantCode(t, err, connect.CodeInvalidArgument, `password can only be changed for local users, not user "proj:shop:ci"`)
	if _, err := hubclient.Call(ctx, bot, protocol.ProjectGet, &protocol.ProjectQuery{Name: "shop"}); err != nil {
		t.Error(err)
	}
	var project argo.AppProject
	if err := h.client.Get(ctx, client.ObjectKey{Namespace: hubNamespace, Name: "shop"}, &project); err != nil {
		t.Fatal(err)
	}
	project.Spec.Roles[0].JWTTokens = nil
	h.update(&project)
	_, err = hubclient.Call(ctx, bot, protocol.ApplicationList, &protocol.ApplicationQuery{})
	wantCode(t, err, connect.CodeUnauthenticated, "invalid session: JWT token for role 'ci' issued at")
}

// TestStreamsEndWithTheSession: a stream that was opened rightfully ends when session, account or permission has gone.
func TestStreamsEndWithTheSession(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*hub, string)
		want string
	}{
		"nothing":         {func(*hub, string) {}, ""},
		"session revoked": {(*hub).logOut, "token is revoked"},
		"account disabled": {func(h *hub, _ string) {
			h.configure(settings.ConfigMapName, map[string]string{"accounts.operator.enabled": "false"})
		}, "disabled"},
		"account deleted": {func(h *hub, _ string) {
			h.configure(settings.ConfigMapName, map[string]string{"accounts.operator": ""})
		}, "does not exist"},
		"permission revoked": {func(h *hub, _ string) { h.configure(settings.RBACConfigMapName, map[string]string{"policy.csv": ""}) }, "permission denied: applications, get, shop/production"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := testingclock.NewFakeClock(time.Now())
			h := newHub(t, func(o *Options) { o.Clock = clock })
			h.fleet.changes = make(chan struct{}, 1)
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			token := h.token("operator")
			trees := 0
			for _, err := range hubclient.Stream(ctx, h.as("", withToken(token)), protocol.ApplicationWatchTree, &protocol.ResourcesQuery{ApplicationName: "production"}) {
				if err != nil {
					wantCode(t, err, connect.CodeOf(err), test.want)
					if test.want == "" || trees != 1 {
						t.Errorf("after %d trees: %v", trees, err)
					}
					return
				}
				if trees++; trees == 2 {
					break
				}
				test.end(h, token)
				h.fleet.mu.Lock()
				h.fleet.stray = "new"
				h.fleet.mu.Unlock()
				eventually(t, "the stream rests", clock.HasWaiters)
				clock.Step(2 * renewAfter)
				h.fleet.changes <- struct{}{}
			}
			if test.want != "" {
				t.Errorf("the stream went on for %d trees", trees)
			}
		})
	}
}

func (h *hub) logOut(token string) {
	h.t.Helper()
	if _, err := hubclient.Call(ctx, h.as("", withToken(token)), protocol.SessionDelete, &protocol.SessionDeleteRequest{}); err != nil {
		h.t.Error(err)
	}
}

// TestRightsOnObjects: update and delete of an application don't reach its objects, unless argocd-cm says so.
func TestRightsOnObjects(t *testing.T) {
	h := newHub(t)
	h.configure(settings.RBACConfigMapName, map[string]string{"policy.csv": `
		p, developer, applications, *, shop/*, allow
		p, operator, applications, get, shop/*, allow
		p, operator, applications, update, shop/*, allow
		p, operator, applications, delete//Secret/shop-prod/*, shop/*, allow`})
	patch := &protocol.ApplicationResourcePatchRequest{
		Name: "production", Kind: "Secret", Version: "v1", Namespace: "shop-prod", ResourceName: "credentials",
		PatchType: "application/merge-patch+json", Patch: `{"data":{"other":"c2VjcmV0"}}`,
	}
	remove := &protocol.ApplicationResourceDeleteRequest{Name: "production", Kind: "Secret", Version: "v1", Namespace: "shop-prod", ResourceName: "credentials"}
	try := func(user string) (patched, deleted error) {
		c := h.as(user)
		_, patched = hubclient.Call(ctx, c, protocol.ApplicationPatchObject, patch)
		_, deleted = hubclient.Call(ctx, c, protocol.ApplicationDeleteObject, remove)
		return patched, deleted
	}
	patched, _ := try("operator")
	wantCode(t, patched, connect.CodePermissionDenied, "applications, update//Secret/shop-prod/credentials, shop/production")
	h.fleet.mu.Lock()
	if !strings.Contains(strings.Join(h.fleet.deleted, " "), "credentials") {
		t.Error("the operator may delete Secrets, but could not")
	}
	h.fleet.live = newMemoryFleet(t).live
	h.fleet.mu.Unlock()
	h.configure(settings.ConfigMapName, map[string]string{"server.rbac.disableApplicationFineGrainedRBACInheritance": "false"})
	if patched, deleted := try("operator"); patched != nil || deleted != nil {
		t.Errorf("with inheritance: %v, %v", patched, deleted)
	}
	h.configure(settings.ConfigMapName, map[string]string{"server.rbac.disableApplicationFineGrainedRBACInheritance": "perhaps"})
	if patched, _ := try("operator"); patched == nil {
		t.Error("a setting that can't be read opened the door")
	}
}

func TestTextsAboutAccounts(t *testing.T) {
	h := newHub(t)
	developer, admin := h.as("developer"), h.as("admin")
	_, err := hubclient.Call(ctx, developer, protocol.AccountGet, &protocol.GetAccountRequest{Name: "admin"})
	wantCode(t, err, connect.CodePermissionDenied, "permission denied to get account admin: permission denied for account admin with action get: "+
		"rpc error: code = PermissionDenied desc = permission denied: accounts, get, admin, sub: developer, iat: ")
	_, err = hubclient.Call(ctx, developer, protocol.AccountNewToken, &protocol.CreateTokenRequest{Name: "developer"})
	wantCode(t, err, connect.CodeUnknown, "failed to update account with new token: account 'developer' does not have apiKey capability")
	_, err = hubclient.Call(ctx, admin, protocol.AccountGet, &protocol.GetAccountRequest{Name: "ghost"})
	wantCode(t, err, connect.CodeNotFound, "failed to get account ghost: rpc error: code = NotFound desc = account 'ghost' does not exist")
	_, err = hubclient.Call(ctx, admin, protocol.AccountDropToken, &protocol.DeleteTokenRequest{Name: "bot", ID: "x"})
	wantCode(t, err, connect.CodeNotFound, "failed to delete account bot: rpc error: code = NotFound desc = token with id 'x' does not exist")
	if _, err = hubclient.Call(ctx, admin, protocol.AccountNewToken, &protocol.CreateTokenRequest{Name: "bot", ID: "x"}); err != nil {
		t.Fatal(err)
	}
	_, err = hubclient.Call(ctx, admin, protocol.AccountNewToken, &protocol.CreateTokenRequest{Name: "bot", ID: "x"})
	wantCode(t, err, connect.CodeUnknown, "failed to update account with new token: account already has token with id 'x'")
	h.configure(settings.ConfigMapName, map[string]string{"passwordPattern": "^.{8,32}$"})
	_, err = hubclient.Call(ctx, developer, protocol.AccountPassword, &protocol.UpdatePasswordRequest{CurrentPassword: "developer", NewPassword: "short"})
	wantCode(t, err, connect.CodeUnknown, "new password does not match the following expression: ^.{8,32}$")
	_, err = hubclient.Call(ctx, developer, protocol.AccountPassword, &protocol.UpdatePasswordRequest{CurrentPassword: "wrong", NewPassword: "long enough"})
	wantCode(t, err, connect.CodeInvalidArgument, "current password does not match")
}
