package imageupdate

import (
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/imagepolicy"
)

func TestWriteIntoTheApplication(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -9)
	f.push("acme/web:v1.1.0", -5)
	app := f.app("dev", annotate("write-back-method", "argocd"))
	f.mustRound(app)
	want := []argo.HelmParameter{{Name: "image.name", Value: f.image("acme/web"), ForceString: true}, {Name: "image.tag", Value: "v1.1.0", ForceString: true}}
	if diff := cmp.Diff(want, f.get("dev").Spec.Source.Helm.Parameters); diff != "" {
		t.Error(diff)
	}
	version := f.get("dev").ResourceVersion
	f.mustRound(app)
	if f.get("dev").ResourceVersion != version {
		t.Error("a second round wrote again")
	}
}

func TestBranchOfItsOwn(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -9)
	f.push("acme/web:v1.1.0", -5)
	dev := f.app("dev", annotate("git-branch", "main:update-{{range .Images}}{{.NewTag}}{{end}}"))
	f.app("staging", annotate("git-branch", "main:update-{{range .Images}}{{.NewTag}}{{end}}"))
	before := f.commits()
	f.mustRound(dev)
	f.mustRound(dev)
	if f.commits() != before {
		t.Error("main has moved")
	}
	if got := f.run(f.bare, "log", "--format=%s", "main..update-v1.1.0"); got != "build: automatic update of dev, staging" {
		t.Errorf("the branch has %q", got)
	}
	f.run(f.work, "fetch", "-q")
	f.run(f.work, "merge", "-q", "--no-ff", "-m", "merge", "origin/update-v1.1.0")
	f.run(f.work, "push", "-q", "origin", "HEAD:main")
	f.push("acme/web:v1.2.0", -4)
	f.mustRound(dev)
	if got := f.run(f.bare, "log", "-1", "--format=%b", "update-v1.2.0"); got != "updates image acme/web tag 'v1.1.0' to 'v1.2.0'" {
		t.Errorf("after the merge, the next branch has %q", got)
	}
}

func TestConfiguredAuthorAndMessage(t *testing.T) {
	f := newFixture(t)
	f.config = map[string]string{"git.user": "Bot", "git.email": "bot@example.com", "git.commit-sign-off": "true",
		"git.commit-message-template": "[skip ci] {{ .AppName }}{{ range .AppChanges }} {{ .NewTag }}{{ end }}"}
	f.push("acme/web:v1.0.0", -9)
	f.push("acme/web:v1.1.0", -5)
	dev := f.app("dev")
	f.mustRound(dev)
	want := "Bot <bot@example.com>\n[skip ci] dev v1.1.0\n\nSigned-off-by: Bot <bot@example.com>"
	if diff := cmp.Diff(want, f.run(f.bare, "log", "-1", "--format=%an <%ae>%n%B", "main")); diff != "" {
		t.Error(diff)
	}
	// A revert with that identity is still somebody's decision.
	f.run(f.work, "pull", "-q", "--rebase")
	f.run(f.work, "-c", "user.name=Bot", "revert", "--no-edit", "HEAD")
	f.run(f.work, "commit", "-q", "--amend", "--no-edit", "--author", "Bot <bot@example.com>")
	f.run(f.work, "push", "-q", "origin", "HEAD:main")
	f.mustRound(dev)
	f.wantVersion("dev", "")

	f.config["git.commit-message-template"] = "{{ .Nothing }}"
	f.push("acme/web:v1.2.0", -4)
	if err := f.round(dev); err == nil || !strings.Contains(f.conditionOf("dev", ConditionError), "commit message") {
		t.Errorf("a bad template: got %v", err)
	}
	f.config["registries.conf"] = "registries: 1"
	if err := f.round(dev); err == nil || !strings.Contains(f.conditionOf("dev", ConditionError), "registries.conf") {
		t.Errorf("a bad registries.conf: got %v", err)
	}
}

func TestSomebodyElsePushesMeanwhile(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -60)
	f.push("acme/web:v1.1.0", -50)
	dev := f.app("dev")
	f.mustRound(dev)
	f.push("acme/web:v1.2.0", -40)
	f.mustRound(dev)
	// A round that a tag started trusts the mirror, which doesn't know that Ann just took v1.2.0 back, nor her other file.
	f.push("acme/web:v1.3.0", -30)
	f.revert()
	f.heard[f.destination(t.Context(), dev)] = f.deps.Clock.Now()
	f.mustRound(dev)
	f.wantVersion("dev", "v1.3.0")
	if got := f.run(f.bare, "log", "-1", "--format=%b", "main"); got != "updates image acme/web tag 'v1.1.0' to 'v1.3.0'" {
		t.Errorf("the update says %q: it should know of the revert", got)
	}

	f.push("acme/web:v1.4.0", -20)
	f.run(f.work, "pull", "-q", "--rebase")
	f.write("apps/dev/values.yaml", "replicas: 2\n")
	f.person("two replicas")
	f.heard[f.destination(t.Context(), dev)] = f.deps.Clock.Now()
	f.mustRound(dev)
	f.wantVersion("dev", "v1.4.0")
	if got := f.content("main", "apps/dev/values.yaml"); got != "replicas: 2" {
		t.Errorf("Ann's file has %q", got)
	}
}

func TestEditChecksWhatWasDecidedOn(t *testing.T) {
	app := &argo.Application{ObjectMeta: metav1.ObjectMeta{Name: "dev", Annotations: map[string]string{
		imagepolicy.ImageListAnnotation: "web", imagepolicy.AnnotationPrefix + "write-back-method": "git"}},
		Spec:   argo.ApplicationSpec{Source: &argo.ApplicationSource{RepoURL: "file:///x", Path: "a"}},
		Status: argo.ApplicationStatus{SourceType: argo.ApplicationSourceTypeHelm}}
	policy, err := imagepolicy.Parse(app, "")
	if err != nil {
		t.Fatal(err)
	}
	c := &candidate{app: app, policy: policy, file: "f.yaml", recorded: []imagepolicy.Version{{Tag: "v1"}},
		settings: []imagepolicy.Setting{{Image: policy.Images[0], Version: imagepolicy.Version{Tag: "v2"}}}}
	tree := func(tag string) fs.FS {
		return fstest.MapFS{"f.yaml": {Data: []byte("helm:\n  parameters:\n  - name: image.tag\n    value: " + tag + "\n")}}
	}
	if files, err := edit(tree("v1"), []*candidate{c}, true); err != nil || !strings.Contains(string(files["f.yaml"]), "value: v2") {
		t.Errorf("got %q, %v", files, err)
	}
	if _, err := edit(tree("v3"), []*candidate{c}, true); err != errOvertaken {
		t.Errorf("another version on the branch that was decided on: got %v", err)
	}
	if _, err := edit(tree("v3"), []*candidate{c}, false); err != nil {
		t.Errorf("another version on another branch: got %v", err)
	}
}

func TestCredentials(t *testing.T) {
	auth := base64.StdEncoding.EncodeToString([]byte("ann:pw"))
	secret := func(name, key, value string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name}, Data: map[string][]byte{key: []byte(value)}}
	}
	f := newFixture(t, secret("docker", corev1.DockerConfigJsonKey, fmt.Sprintf(`{"auths":{"ghcr.io":{"auth":%q}}}`, auth)),
		secret("field", "creds", "bob:pw2"), secret("argocd-secret", "admin.password", "x:y"),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "git"}, Data: map[string][]byte{"username": []byte("u"), "password": []byte("p")}})
	f.deps.LookupEnv = func(name string) (string, bool) { return "env:" + name, name == "CREDS" }
	for ref, want := range map[string]string{
		"pullsecret:argocd/docker":                   "ann pw",
		"secret:argocd/field#creds":                  "bob pw2",
		"env:CREDS":                                  "env CREDS",
		"env:OTHER":                                  "no variable OTHER",
		"secret:argocd/field#other":                  "no field other",
		"secret:argocd/argocd-secret#admin.password": "the hub's own",
		"pullsecret:argocd/field":                    "no dockerconfigjson",
	} {
		parsed, err := imagepolicy.ParsePullSecret(ref)
		if err != nil {
			t.Fatal(err)
		}
		credentials, err := f.credentials(t.Context(), parsed, "ghcr.io/acme/web")
		got := credentials.Username + " " + credentials.Password
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", ref, got, want)
		}
	}

	f.deps.Remote = func(_ context.Context, url, _ string) (git.Remote, error) {
		return git.Remote{URL: url, Username: "reader", CA: "ca"}, nil
	}
	app := f.app("dev", annotate("write-back-method", "git:secret:git"))
	rd := &round{destination: f.destination(t.Context(), app)}
	f.gather(t.Context(), rd)
	remote, err := f.remote(t.Context(), rd)
	if want := (git.Remote{URL: "file://" + f.bare, Username: "u", Password: "p", CA: "ca"}); err != nil || remote != want {
		t.Errorf("got %+v, %v", remote, err)
	}
}

func TestHistories(t *testing.T) {
	f := newFixture(t)
	dev := f.app("dev")
	for _, content := range []string{"1", "2", "3"} {
		f.write("a", content)
		f.write("b", "the same")
		f.person("a is " + content)
	}
	rd := &round{destination: f.destination(t.Context(), dev)}
	f.gather(t.Context(), rd)
	if err := f.readBranch(t.Context(), rd); err != nil {
		t.Fatal(err)
	}
	histories, err := f.histories(t.Context(), rd, []string{"a", "b", "none", "a"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, revision := range histories["a"] {
		got = append(got, string(revision.content)+" "+revision.message+" "+revision.author+" "+revision.email)
	}
	if want := "[3 a is 3 Ann ann@example.com 2 a is 2 Ann ann@example.com 1 a is 1 Ann ann@example.com]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if len(histories["b"]) != 1 || len(histories["none"]) != 0 {
		t.Errorf("got %v and %v", histories["b"], histories["none"])
	}
}

func TestProjectsOwnCredentialsMakeARoundOfTheirOwn(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -9)
	f.push("acme/web:v1.1.0", -5)
	var asked []string
	f.deps.Remote = func(_ context.Context, url, project string) (git.Remote, error) {
		asked = append(asked, project)
		scope := ""
		if project == "shop" {
			scope = project
		}
		return git.Remote{URL: url, Scope: scope}, nil
	}
	in := func(project string) func(*argo.Application) {
		return func(app *argo.Application) { app.Spec.Project = project }
	}
	shop, one, two := f.app("shop", in("shop")), f.app("one", in("one")), f.app("two", in("two"))
	ctx := t.Context()
	if f.destination(ctx, one) != f.destination(ctx, two) || f.destination(ctx, shop) == f.destination(ctx, one) {
		t.Fatalf("the rounds are %+v, %+v and %+v", f.destination(ctx, shop), f.destination(ctx, one), f.destination(ctx, two))
	}
	before := f.commits()
	asked = nil
	f.mustRound(shop)
	if got := f.run(f.bare, "log", "-1", "--format=%s", "main"); got != "build: automatic update of shop" || f.commits() == before {
		t.Errorf("the round of project shop committed %q", got)
	}
	f.mustRound(one)
	if got := f.run(f.bare, "log", "-1", "--format=%s", "main"); got != "build: automatic update of one, two" {
		t.Errorf("the round with the operator's credentials committed %q", got)
	}
	found := strings.Join(asked, ",")
	if !strings.Contains(found, "shop") {
		t.Errorf("credentials were asked for projects %s", found)
	}
}
