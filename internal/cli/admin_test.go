package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kubeclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

// cluster is an in-memory API server with these objects.
func cluster(t *testing.T, documents ...string) kubeclient.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme, fairlead.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	builder := fake.NewClientBuilder().WithScheme(scheme)
	for _, document := range documents {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &u.Object); err != nil {
			t.Fatal(err)
		}
		builder.WithObjects(u)
	}
	return builder.Build()
}

var installed = []string{
	"{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-rbac-cm, namespace: argocd}, data: {policy.csv: p}}",
	"{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm, namespace: argocd, uid: u}, data: {url: https://cd}}",
	"{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: argocd}}",
	"{apiVersion: v1, kind: Secret, metadata: {name: argocd-secret, namespace: argocd}, data: {a: Yg==}}",
	"{apiVersion: v1, kind: Secret, metadata: {name: foreign, namespace: argocd}}",
	"{apiVersion: argoproj.io/v1alpha1, kind: AppProject, metadata: {name: demo, namespace: argocd}, spec: {sourceRepos: ['*']}}",
	"{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd, finalizers: [f]}, spec: {project: demo, destination: {}}, status: {health: {status: Healthy}}}",
	"{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: far, namespace: team-a}, spec: {project: demo, destination: {}}}",
}

// backupOf is what export writes of a cluster.
func backupOf(t *testing.T, client kubeclient.Client, further namespaceFlags) string {
	t.Helper()
	r := &root{streams: IOStreams{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}}
	objects, err := r.backupObjects(context.Background(), client, "argocd", &further)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for i := range objects {
		if err := writeBackup(&out, &objects[i], "argocd", true); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestBackupHasWhatIsArgoCDs(t *testing.T) {
	got := backupOf(t, cluster(t, installed...), namespaceFlags{applications: []string{"team-*"}})
	const want = `apiVersion: v1
data:
  url: https://cd
kind: ConfigMap
metadata:
  name: argocd-cm
---
apiVersion: v1
data:
  policy.csv: p
kind: ConfigMap
metadata:
  name: argocd-rbac-cm
---
apiVersion: v1
data:
  a: Yg==
kind: Secret
metadata:
  name: argocd-secret
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata:
  name: demo
spec:
  sourceRepos:
  - '*'
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  finalizers:
  - f
  name: shop
spec:
  destination: {}
  project: demo
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: far
  namespace: team-a
spec:
  destination: {}
  project: demo
---
`
	if got != want {
		t.Errorf("the backup is\n%s\nwant\n%s", got, want)
	}
}

// importOf brings a backup into a cluster.
func importOf(t *testing.T, client kubeclient.Client, backup string, change func(*importing)) (string, error) {
	t.Helper()
	var out bytes.Buffer
	r := &root{streams: IOStreams{In: strings.NewReader(backup), Out: &out, Err: &out}}
	objects, err := r.readBackup("-")
	if err != nil {
		return "", err
	}
	i := &importing{client: client, namespace: "argocd", further: namespaceFlags{applications: []string{"team-*"}}}
	change(i)
	err = r.importAll(context.Background(), i, objects)
	return strings.TrimSpace(out.String()), err
}

func TestImportRestoresABackup(t *testing.T) {
	backup := backupOf(t, cluster(t, installed...), namespaceFlags{applications: []string{"team-*"}})
	there := cluster(t,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm, namespace: argocd}, data: {url: https://old}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-tls-certs-cm, namespace: argocd}}",
		"{apiVersion: v1, kind: Secret, metadata: {name: argocd-secret, namespace: argocd}, data: {a: Yg==}}",
		"{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: surplus, namespace: argocd, finalizers: [f]}, spec: {project: x, destination: {}}}",
	)
	const want = `/ConfigMap argocd-cm in namespace argocd updated
/ConfigMap argocd-rbac-cm in namespace argocd created
argoproj.io/AppProject demo in namespace argocd created
argoproj.io/Application shop in namespace argocd created
argoproj.io/Application far in namespace team-a created
/ConfigMap argocd-tls-certs-cm needs pruning
argoproj.io/Application surplus pruned`
	dry, err := importOf(t, there, backup, func(i *importing) { i.dryRun, i.prune = true, true })
	if err != nil || strings.ReplaceAll(dry, " (dry run)", "") != want {
		t.Fatalf("%v\n%s", err, dry)
	}
	if got, err := importOf(t, there, backup, func(i *importing) { i.prune = true }); err != nil || got != want {
		t.Fatalf("%v\n%s", err, got)
	}
	if got := backupOf(t, there, namespaceFlags{applications: []string{"team-*"}}); got != strings.Replace(backup, "---\napiVersion: v1\ndata:\n  a", "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-tls-certs-cm\n---\napiVersion: v1\ndata:\n  a", 1) {
		t.Errorf("after the import there is\n%s", got)
	}
	if got, err := importOf(t, there, backup, func(i *importing) { i.verbose = true }); err != nil || strings.Count(got, "unchanged") != 6 {
		t.Errorf("a second import: %v\n%s", err, got)
	}
}

func TestImportRefusesWhatIsNoBackup(t *testing.T) {
	for backup, says := range map[string]string{
		"apiVersion: v1\nkind: Pod\nmetadata: {name: x}": "of no kind that a backup has",
		"- a": "reading the backup",
		"":    "the backup is empty",
	} {
		if _, err := importOf(t, cluster(t, installed...), backup, func(i *importing) { i.prune = true }); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", backup, err)
		}
	}
}

func TestAdminPolicies(t *testing.T) {
	h := newHub(t)
	file := filepath.Join(t.TempDir(), "policy.csv")
	if err := os.WriteFile(file, []byte("p, role:ci, applications, sync, demo/*, allow\ng, bob, role:ci\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	can := []string{"admin", "settings", "rbac", "can", "--policy-file", file}
	h.prints("Yes", append(can, "bob", "sync", "app", "demo/x")...)
	got, err := h.fairlead("", append(can, "bob", "delete", "app", "demo/x")...)
	if trimmed(got) != "No" || ExitCode(err) != 1 {
		t.Errorf("%v %s", err, got)
	}
	h.prints("Yes", append(can, "bob", "delete", "app", "demo/x", "--default-role", "role:admin")...)
	h.fails("'nothing' is not a valid resource name", 1, append(can, "bob", "get", "nothing", "*")...)
	h.prints("Policy is valid.", "admin", "settings", "rbac", "validate", "--policy-file", file)
	if err := os.WriteFile(file, []byte("nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := h.fairlead("", "admin", "settings", "rbac", "validate", "--policy-file", file); ExitCode(err) != 1 || !strings.HasPrefix(got, "Policy is invalid: ") {
		t.Errorf("%v %s", err, got)
	}
}

func TestAdminSpecs(t *testing.T) {
	h := newHub(t)
	h.prints(`
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
spec:
  destination:
    name: dev
  project: ""
  source:
    path: k8s
    repoURL: https://git.example/web
`, "admin", "app", "generate-spec", "web", "--repo", "https://git.example/web", "--path", "k8s", "--dest-name", "dev")
	h.prints(`
apiVersion: v1
kind: Secret
metadata:
  annotations:
    managed-by: argocd.argoproj.io
  labels:
    argocd.argoproj.io/secret-type: repository
  name: repo-3858986307
stringData:
  githubAppID: "1234567"
  insecure: "true"
  password: p
  type: git
  url: https://git.example/web
  username: u
`, "admin", "repo", "generate-spec", "https://git.example/web", "--username", "u", "--password", "p", "--github-app-id", "1234567", "--insecure-skip-server-verification")
}

func TestAppSet(t *testing.T) {
	h := newHub(t)
	set := &v1alpha1.ApplicationSet{}
	if err := yaml.Unmarshal([]byte(`
metadata: {name: set, namespace: argocd}
spec: {generators: [{list: {elements: [{a: b}]}}], template: {metadata: {name: x}, spec: {project: demo, source: {repoURL: r, path: p, targetRevision: t}, destination: {name: dev, namespace: nn}}}}
status: {health: {status: Healthy}, conditions: [{type: ResourcesUpToDate, status: "True", message: fine, reason: r}]}
`), set); err != nil {
		t.Fatal(err)
	}
	always(h, protocol.ApplicationSetGet, set)
	always(h, protocol.ApplicationSetGetList, &v1alpha1.ApplicationSetList{Items: []v1alpha1.ApplicationSet{*set}})
	h.prints("argocd/set", "appset", "list", "-o", "name")
	h.prints(`
		Name:               argocd/set
		Project:            demo
		Server:             dev
		Namespace:          nn
		Health Status:      Healthy
		Source:
		- Repo:             r
		  Target:           t
		  Path:             p
		SyncPolicy:         <none>

		CONDITION          STATUS  MESSAGE  LAST TRANSITION
		ResourcesUpToDate  True    fine     <nil>
	`, "appset", "get", "set")
	on(h, protocol.ApplicationSetCreate, func(q *protocol.ApplicationSetCreateRequest) (*v1alpha1.ApplicationSet, error) { return set, nil })
	always(h, protocol.ApplicationSetGenerate, &protocol.ApplicationSetGenerateResponse{Applications: []*v1alpha1.Application{application(t, shopApp)}})
	file := filepath.Join(t.TempDir(), "set.yaml")
	if err := os.WriteFile(file, []byte("metadata: {name: set}\nspec: {generators: [], template: {metadata: {}, spec: {project: x, destination: {}}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := h.fairlead("", "appset", "create", file, "--upsert", "--wait", "-N", "argocd")
	if err != nil || !strings.Contains(got, "ApplicationSet 'set' unchanged") || !strings.Contains(got, "ApplicationSet 'set' resources are up to date") {
		t.Errorf("%v\n%s", err, got)
	}
	got, err = h.fairlead("", "appset", "generate", file)
	if err != nil || !strings.Contains(got, "argocd/shop") {
		t.Errorf("%v\n%s", err, got)
	}
	always(h, protocol.ApplicationSetDelete, &protocol.ApplicationSetResponse{})
	h.prints("applicationset 'set' deleted", "appset", "delete", "set", "-y")
}

func TestCertAndGPG(t *testing.T) {
	h := newHub(t)
	list := &protocol.RepositoryCertificateList{Items: []protocol.RepositoryCertificate{
		{ServerName: "b", CertType: "https", CertSubType: "rsa", CertInfo: "CN=b"}, {ServerName: "a", CertType: "ssh", CertSubType: "ssh-ed25519", CertInfo: "SHA256:x"},
	}}
	always(h, protocol.CertificateList, list)
	h.prints("HOSTNAME  TYPE   SUBTYPE      INFO\na         ssh    ssh-ed25519  SHA256:x\nb         https  rsa          CN=b", "cert", "list")
	on(h, protocol.CertificateCreate, func(q *protocol.CertificateCreateRequest) (*protocol.RepositoryCertificateList, error) {
		return q.Certificates, nil
	})
	const key = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
	got, err := h.fairlead("# hosts\ngithub.com,1.2.3.4 ssh-ed25519 "+key+"\n", "cert", "add-ssh", "--batch")
	if err != nil || !strings.HasSuffix(trimmed(got), "Successfully created 2 SSH known host entries") {
		t.Errorf("%v\n%s", err, got)
	}
	if got := h.last("CreateCertificate"); !strings.Contains(got, `"serverName":"1.2.3.4","certType":"ssh","certSubType":"ssh-ed25519"`) {
		t.Errorf("the request is %s", got)
	}
	h.fails("you need to specify --batch", ExitError, "cert", "add-ssh")
	h.fails("A single wildcard is not allowed as REPOSERVER name.", ExitError, "cert", "rm", "*")
	always(h, protocol.CertificateDelete, &protocol.RepositoryCertificateList{Items: list.Items[:1]})
	h.prints("Removed cert for 'b' of type 'https' (subtype 'rsa')", "cert", "rm", "b")
	always(h, protocol.GPGKeyGetList, &protocol.GPGKeyList{Items: []protocol.GPGKey{{KeyID: "4AEE18F83AFDEB23", SubType: "rsa2048", Owner: "GitHub"}}})
	h.prints("KEYID             TYPE     IDENTITY\n4AEE18F83AFDEB23  RSA2048  GitHub", "gpg", "list")
	always(h, protocol.GPGKeyCreate, &protocol.GPGKeyCreateResponse{Created: &protocol.GPGKeyList{Items: make([]protocol.GPGKey, 1)}, Skipped: []string{"x"}})
	got, err = h.fairlead("KEY", "gpg", "add", "--from", "-")
	if err != nil || trimmed(got) != "Created 1 key(s) from input file, and 1 key(s) were skipped because they exist already." {
		t.Errorf("%v\n%s", err, got)
	}
}
