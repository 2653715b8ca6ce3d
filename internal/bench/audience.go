package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// admin may everything, reader has many policies, which together let him see every application.
const admin, reader = "admin", "reader"

// policies is how many reader has: one for each team.
const policies = 200

// invite makes reader, and the teams' projects, of which each has a role.
func (w *world) invite(ctx context.Context) error {
	var csv strings.Builder
	var projects []client.Object
	for i := range policies {
		switch team := teamOf(i); i % 4 {
		case 0:
			fmt.Fprintf(&csv, "p, %s, applications, get, %s/*, allow\n", reader, team)
		case 1:
			fmt.Fprintf(&csv, "p, %s, applications, *, %s/app-*, allow\n", reader, team)
		case 2:
			fmt.Fprintf(&csv, "p, role:%s, applications, \"{get,sync}\", %s/*, allow\ng, %s, role:%s\n", team, team, reader, team)
		default: // one that names no project, and has to be tried for each application
			fmt.Fprintf(&csv, "p, %s, applications, get, t*%s/*, allow\n", reader, strings.TrimPrefix(team, "team"))
		}
		projects = append(projects, &v1alpha1.AppProject{
			ObjectMeta: metav1.ObjectMeta{Name: teamOf(i), Namespace: hubNamespace},
			Spec: v1alpha1.AppProjectSpec{
				SourceRepos: []string{"*"}, Destinations: []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}},
				Roles: []v1alpha1.ProjectRole{{Name: "ci", Policies: []string{fmt.Sprintf("p, proj:%s:ci, applications, sync, %s/*, allow", teamOf(i), teamOf(i))}}},
			},
		})
	}
	for name, data := range map[string]map[string]string{
		settings.ConfigMapName:     {"accounts." + reader: "apiKey"},
		settings.RBACConfigMapName: {"policy.csv": csv.String()},
	} {
		before := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: hubNamespace}}
		after := before.DeepCopy()
		after.Data = data
		if err := w.client.Patch(ctx, after, client.MergeFrom(before)); err != nil {
			return fmt.Errorf("changing ConfigMap %s: %w", name, err)
		}
	}
	return w.createAll(ctx, projects)
}

// logOn waits for the hub, and gives each user a token.
func (w *world) logOn(ctx context.Context) error {
	var secret corev1.Secret
	var session *protocol.SessionResponse
	c, err := w.dial("")
	if err != nil {
		return err
	}
	var last error
	err = wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, w.options.Patience, true, func(ctx context.Context) (bool, error) {
		key := client.ObjectKey{Namespace: hubNamespace, Name: "argocd-initial-admin-secret"}
		if last = w.client.Get(ctx, key, &secret); last != nil {
			return false, nil
		}
		session, last = hubclient.Call(ctx, c, protocol.SessionCreate, &protocol.SessionCreateRequest{Username: admin, Password: string(secret.Data["password"])})
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("logging on: %w: %w", err, last)
	}
	if c, err = w.dial(session.Token); err != nil {
		return err
	}
	key, err := hubclient.Call(ctx, c, protocol.AccountNewToken, &protocol.CreateTokenRequest{Name: reader})
	if err != nil {
		return fmt.Errorf("making a token: %w", err)
	}
	w.callers = map[string]caller{admin: newCaller("http://"+w.hub.address, session.Token), reader: newCaller("http://"+w.hub.address, key.Token)}
	return nil
}

// dial makes a client as the command line has it.
func (w *world) dial(token string) (*hubclient.Client, error) {
	o := hubclient.Default()
	o.Server, o.Token = "http://"+w.hub.address, token
	return hubclient.Dial(o)
}
