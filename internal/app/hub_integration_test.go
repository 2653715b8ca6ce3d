//go:build integration

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/testkube"
)

// atOnce is how long a changed configuration may take to count: what a watch needs on a busy machine.
const atOnce = time.Second

// dance is a hub in a namespace of its own on a real API server, and what a test suite does to it between tests.
type dance struct {
	t                  *testing.T
	kube               client.Client
	namespace, outside string
	target, repository string
	url                string
	admin              *hubclient.Client
}

func startDance(t *testing.T) *dance {
	t.Helper()
	ctx := t.Context()
	ctrl.SetLogger(logr.Discard())
	scheme, err := newScheme(corev1.AddToScheme, argo.AddToScheme)
	if err != nil {
		t.Fatal(err)
	}
	kube, err := client.New(testkube.Config(t), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	d := &dance{t: t, kube: kube, namespace: testkube.Namespace(t), outside: testkube.Namespace(t), target: testkube.Namespace(t)}
	d.repository = repositoryWith(t, "kind: ConfigMap\napiVersion: v1\nmetadata: {name: deployed}\n")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	options := DefaultHub()
	options.Cluster, options.Namespace, options.Data, options.Insecure = testkube.Config(t), d.namespace, t.TempDir(), true
	options.Address = listener.Addr().String()
	options.Logger = slog.New(slog.DiscardHandler)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	hubCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- RunHub(hubCtx, options) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the hub ended with %v", err)
		}
	})
	d.url = "http://" + options.Address
	d.within(2*time.Minute, "the API answers", func() error {
		response, err := http.Get(d.url + "/healthz")
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
	var secret corev1.Secret
	d.must(kube.Get(ctx, client.ObjectKey{Namespace: d.namespace, Name: settings.InitialAdminName}, &secret))
	d.admin = d.login("admin", string(secret.Data["password"]))
	return d
}

// repositoryWith is a Git repository on this machine with one manifest, at path app.
func repositoryWith(t *testing.T, manifest string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "app"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "app", "manifest.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-q", "-b", "master"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@example", "commit", "-q", "-m", "first"}} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return "file://" + dir
}

func (d *dance) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// within waits until something succeeds, and tells how long that took.
func (d *dance) within(limit time.Duration, what string, try func() error) time.Duration {
	d.t.Helper()
	began := time.Now()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return time.Since(began)
		}
		if time.Since(began) > limit {
			d.t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		<-tick.C
	}
}

func (d *dance) login(user, password string) *hubclient.Client {
	d.t.Helper()
	anonymous, err := hubclient.Dial(hubclient.Options{Server: d.url})
	d.must(err)
	defer anonymous.Close()
	session, err := hubclient.Call(d.t.Context(), anonymous, protocol.SessionCreate, &protocol.SessionCreateRequest{Username: user, Password: password})
	d.must(err)
	c, err := hubclient.Dial(hubclient.Options{Server: d.url, Token: session.Token})
	d.must(err)
	d.t.Cleanup(func() { c.Close() })
	return c
}

// configure replaces all of a ConfigMap, as somebody with kubectl.
func (d *dance) configure(name string, data map[string]string) {
	d.t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: d.namespace, Name: name}}
	err := d.kube.Get(d.t.Context(), client.ObjectKeyFromObject(object), object)
	object.Data = data
	if apierrors.IsNotFound(err) {
		d.must(d.kube.Create(d.t.Context(), object))
		return
	}
	d.must(err)
	d.must(d.kube.Update(d.t.Context(), object))
}

func (d *dance) app(namespace, name string) *argo.Application {
	return &argo.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: argo.ApplicationSpec{
			Project: "default", Source: &argo.ApplicationSource{RepoURL: d.repository, Path: "app"},
			Destination: argo.ApplicationDestination{Server: settings.InClusterServer, Namespace: d.target},
		},
	}
}

// deploy creates an application through the API, syncs it and waits until it is in sync.
func (d *dance) deploy(namespace, name string) {
	d.t.Helper()
	ctx := d.t.Context()
	_, err := hubclient.Call(ctx, d.admin, protocol.ApplicationCreate, &protocol.ApplicationCreateRequest{Application: d.app(namespace, name)})
	d.must(err)
	list, err := hubclient.Call(ctx, d.admin, protocol.ApplicationList, &protocol.ApplicationQuery{Name: name, AppNamespace: namespace})
	d.must(err)
	if len(list.Items) != 1 {
		d.t.Errorf("an application that was just created isn't in the list")
	}
	_, err = hubclient.Call(ctx, d.admin, protocol.ApplicationSync, &protocol.ApplicationSyncRequest{Name: name, AppNamespace: namespace})
	d.must(err)
	d.within(30*time.Second, name+" is in sync", func() error {
		app, err := hubclient.Call(ctx, d.admin, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: name, AppNamespace: namespace})
		if err != nil {
			return err
		}
		if state := app.Status.OperationState; state == nil || !state.Phase.Completed() || app.Status.Sync.Status != argo.SyncStatusCodeSynced {
			return fmt.Errorf("it is %s: %+v, %+v", app.Status.Sync.Status, state, app.Status.Conditions)
		}
		return nil
	})
}

// generate creates an ApplicationSet through the API, waits until its application is there, and deletes the set again.
func (d *dance) generate(namespace, name string) {
	d.t.Helper()
	ctx := d.t.Context()
	set := &argo.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	set.Spec.Generators = []argo.ApplicationSetGenerator{{List: &argo.ListGenerator{Elements: []apiextensionsv1.JSON{{Raw: []byte(`{"name": "` + name + `"}`)}}}}}
	set.Spec.Template.Name, set.Spec.Template.Spec = "{{name}}", d.app(namespace, name).Spec
	_, err := hubclient.Call(ctx, d.admin, protocol.ApplicationSetCreate, &protocol.ApplicationSetCreateRequest{Applicationset: set})
	d.must(err)
	d.within(10*time.Second, name+" has made its application", func() error {
		return d.kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &argo.Application{})
	})
	_, err = hubclient.Call(ctx, d.admin, protocol.ApplicationSetDelete, &protocol.ApplicationSetDeleteRequest{Name: name, AppsetNamespace: namespace})
	d.must(err)
	d.within(10*time.Second, name+" is gone", func() error { // its application is the garbage collector's, and clean's
		err := d.kube.Get(ctx, client.ObjectKeyFromObject(set), &argo.ApplicationSet{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("it is still there"))
	})
}

// clean is what Argo CD's own end-to-end tests do before each of them.
func (d *dance) clean() {
	d.t.Helper()
	ctx := d.t.Context()
	for _, namespace := range []string{d.namespace, d.outside} {
		d.must(d.kube.DeleteAllOf(ctx, &argo.Application{}, client.InNamespace(namespace), client.PropagationPolicy(metav1.DeletePropagationBackground)))
	}
	var projects argo.AppProjectList
	d.must(d.kube.List(ctx, &projects, client.InNamespace(d.namespace)))
	for i := range projects.Items {
		if projects.Items[i].Name != argo.DefaultProject {
			d.must(d.kube.Delete(ctx, &projects.Items[i]))
		}
	}
	for _, kind := range []string{settings.SecretTypeRepository, settings.SecretTypeRepoCreds, settings.SecretTypeCluster} {
		d.must(d.kube.DeleteAllOf(ctx, &corev1.Secret{}, client.InNamespace(d.namespace), client.MatchingLabels{settings.SecretTypeLabel: kind}))
	}
	for _, name := range []string{settings.ConfigMapName, settings.RBACConfigMapName, settings.GPGKeysConfigMap} {
		d.configure(name, map[string]string{})
	}
	var project argo.AppProject
	d.must(d.kube.Get(ctx, client.ObjectKey{Namespace: d.namespace, Name: argo.DefaultProject}, &project))
	project.Spec = argo.AppProjectSpec{
		SourceRepos: []string{"*"}, Destinations: []argo.ApplicationDestination{{Namespace: "*", Server: "*"}},
		ClusterResourceWhitelist: []argo.ClusterResourceRestrictionItem{{Group: "*", Kind: "*"}}, SourceNamespaces: []string{d.outside},
	}
	d.must(d.kube.Update(ctx, &project))
}

// TestHub is of one hub: the names of controllers and their measures are the process's.
func TestHub(t *testing.T) {
	d := startDance(t)
	for _, test := range []struct {
		name string
		run  func(*dance)
	}{
		{"OnAnyCluster", hubOnAnyCluster}, // leaves it clean
		{"ManagedResourcesAgreeWithTheController", managedResourcesAgree},
	} {
		t.Run(test.name, func(t *testing.T) {
			own := *d
			own.t = t
			test.run(&own)
		})
	}
}

// hubOnAnyCluster has a hub in a namespace of any name serve another one while it runs, and takes everything away from it between
// tests, as Argo CD's own end-to-end tests do.
func hubOnAnyCluster(d *dance) {
	t, ctx := d.t, d.t.Context()
	_, err := hubclient.Call(ctx, d.admin, protocol.ApplicationCreate, &protocol.ApplicationCreateRequest{Application: d.app(d.outside, "early")})
	if err == nil {
		t.Fatal("an application could be created in a namespace that isn't served")
	}
	outside := d.outside[:len(d.outside)-1] + "*"
	d.configure(settings.CmdParamsConfigMap, map[string]string{settings.ApplicationNamespacesKey: outside, settings.ApplicationSetNamespacesKey: outside})
	for round := range 3 {
		d.clean()
		took := d.within(5*time.Second, "the namespace is served", func() error {
			_, err := hubclient.Call(ctx, d.admin, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: "none", AppNamespace: d.outside, Project: []string{"default"}})
			if connect.CodeOf(err) == connect.CodeNotFound { // it would be denied
				return nil
			}
			return err
		})
		d.deploy(d.namespace, "inside")
		var deployed corev1.ConfigMap
		d.must(d.kube.Get(ctx, client.ObjectKey{Namespace: d.target, Name: "deployed"}, &deployed))
		if id := deployed.Annotations["argocd.argoproj.io/tracking-id"]; id != "inside:/ConfigMap:"+d.target+"/deployed" {
			t.Errorf("tracked as %q", id)
		}
		d.must(d.kube.Delete(ctx, &deployed))
		d.must(d.kube.DeleteAllOf(ctx, &argo.Application{}, client.InNamespace(d.namespace)))
		d.deploy(d.outside, "outside")
		d.must(d.kube.Get(ctx, client.ObjectKey{Namespace: d.target, Name: "deployed"}, &deployed))
		if id := deployed.Annotations["argocd.argoproj.io/tracking-id"]; id != d.outside+"_outside:/ConfigMap:"+d.target+"/deployed" {
			t.Errorf("tracked as %q", id)
		}
		d.must(d.kube.Delete(ctx, &deployed))
		d.generate(d.outside, "generated")
		// An account counts as soon as it is configured, and no longer than it is.
		d.configure(settings.ConfigMapName, map[string]string{"accounts.robot": "apiKey"})
		account := func(want bool) func() error {
			return func() error {
				_, err := hubclient.Call(ctx, d.admin, protocol.AccountGet, &protocol.GetAccountRequest{Name: "robot"})
				if (err == nil) != want {
					return fmt.Errorf("the account is there: %v (%w)", !want, err)
				}
				return nil
			}
		}
		comes := d.within(atOnce, "the account is known", account(true))
		d.configure(settings.ConfigMapName, map[string]string{})
		goes := d.within(atOnce, "the account is gone", account(false))
		t.Logf("round %d: namespaces counted after %s, an account after %s, and no more after %s", round, took, comes, goes)
	}
	d.clean()
	d.within(10*time.Second, "nothing is left", func() error {
		list, err := hubclient.Call(ctx, d.admin, protocol.ApplicationList, &protocol.ApplicationQuery{})
		if err == nil && len(list.Items) > 0 {
			err = fmt.Errorf("%d applications are left", len(list.Items))
		}
		return err
	})
}
