package imagepolicy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

const (
	helm      = argo.ApplicationSourceTypeHelm
	kustomize = argo.ApplicationSourceTypeKustomize
)

// application makes one of short annotations; those without a slash get the prefix.
func application(kind argo.ApplicationSourceType, notes map[string]string) *argo.Application {
	app := &argo.Application{
		ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "echo", Annotations: map[string]string{}},
		Spec: argo.ApplicationSpec{Source: &argo.ApplicationSource{
			RepoURL: "https://git.example/deploy.git", Path: "apps/echo", TargetRevision: "main",
		}},
		Status: argo.ApplicationStatus{SourceType: kind},
	}
	for key, value := range notes {
		app.Annotations[AnnotationPrefix+key] = value
	}
	return app
}

func mustParse(t testing.TB, app *argo.Application) *Policy {
	t.Helper()
	policy, err := Parse(app, "argocd")
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func TestParseImages(t *testing.T) {
	policy := mustParse(t, application(helm, map[string]string{
		"image-list":            "web=ghcr.io/acme/web:~1.2, localhost:5000/db:>=1, org/side=ghcr.io/acme/side:latest",
		"update-strategy":       "newest-build",
		"web.update-strategy":   "semver",
		"web.helm.image-name":   "web.repository",
		"web.helm.image-tag":    "web.tag",
		"web.force-update":      "true",
		"web.pull-secret":       "pullsecret:argocd/regcred",
		"allow-tags":            "regexp:^v",
		"web.allow-tags":        "any",
		"ignore-tags":           "latest, *-rc*",
		"org_side.platforms":    "linux/amd64,linux/arm/v7",
		"org_side.ignore-tags":  "x",
		"org_side.allow-tags":   "any",
		"org_side.force-update": "0",
	}))
	want := []Image{
		{Alias: "web", Repository: "ghcr.io/acme/web", Constraint: "~1.2", Strategy: Semver, Ignore: []string{"latest", "*-rc*"},
			Force: true, PullSecret: SecretRef{Kind: "pullsecret", Namespace: "argocd", Name: "regcred"},
			HelmName: "web.repository", HelmTag: "web.tag"},
		{Repository: "localhost:5000/db", Constraint: ">=1", Strategy: NewestBuild, Ignore: []string{"latest", "*-rc*"}},
		{Alias: "org/side", Repository: "ghcr.io/acme/side", Constraint: "latest", Strategy: NewestBuild,
			Platforms: []string{"linux/amd64", "linux/arm/v7"}, Ignore: []string{"x"}},
	}
	if diff := cmp.Diff(want, policy.Images, cmpopts.IgnoreFields(Image{}, "Allow")); diff != "" {
		t.Error(diff)
	}
	if policy.Images[0].Allow != nil || policy.Images[1].Allow.String() != "^v" {
		t.Error("the image's own allow-tags should win over the application's")
	}
}

func TestParseWriteBack(t *testing.T) {
	const repo = "https://git.example/deploy.git"
	for name, c := range map[string]struct {
		kind  argo.ApplicationSourceType
		notes map[string]string
		want  WriteBack
	}{
		"the default is the Application itself": {helm, nil, WriteBack{Method: WriteToApplication}},
		"git": {helm, map[string]string{"write-back-method": "git"},
			WriteBack{Method: WriteToGit, Repository: repo, Base: "main", Target: Target{SourceFile, "apps/echo/.argocd-source-echo.yaml"}}},
		"repocreds, HEAD": {helm, map[string]string{"write-back-method": "git:repocreds", "git-branch": "HEAD"},
			WriteBack{Method: WriteToGit, Repository: repo, Target: Target{SourceFile, "apps/echo/.argocd-source-echo.yaml"}}},
		"a secret, another repository, a branch": {helm,
			map[string]string{"write-back-method": "git:secret:argocd/creds", "git-repository": "git@git.example:x.git",
				"git-branch": "main:update-{{.SHA256}}"},
			WriteBack{Method: WriteToGit, Repository: "git@git.example:x.git", Base: "main", Branch: "update-{{.SHA256}}",
				Secret: SecretRef{Kind: "secret", Namespace: "argocd", Name: "creds"},
				Target: Target{SourceFile, "apps/echo/.argocd-source-echo.yaml"}}},
		"kustomization": {kustomize, map[string]string{"write-back-method": "git", "write-back-target": "kustomization"},
			WriteBack{Method: WriteToGit, Repository: repo, Base: "main", Target: Target{Kustomization, "apps/echo"}}},
		"relative kustomization": {kustomize, map[string]string{"write-back-method": "git", "write-back-target": "kustomization:../base"},
			WriteBack{Method: WriteToGit, Repository: repo, Base: "main", Target: Target{Kustomization, "apps/base"}}},
		"absolute values": {helm,
			map[string]string{"write-back-method": "git", "write-back-target": "helmvalues:/env/dev.yaml", "w.helm.image-tag": "tag"},
			WriteBack{Method: WriteToGit, Repository: repo, Base: "main", Target: Target{HelmValues, "env/dev.yaml"}}},
		"values": {helm, map[string]string{"write-back-method": "git", "write-back-target": "helmvalues", "w.helm.image-spec": "image"},
			WriteBack{Method: WriteToGit, Repository: repo, Base: "main", Target: Target{HelmValues, "apps/echo/values.yaml"}}},
	} {
		t.Run(name, func(t *testing.T) {
			app := application(c.kind, c.notes)
			app.Annotations[ImageListAnnotation] = "w=web"
			if diff := cmp.Diff(c.want, mustParse(t, app).WriteBack); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		notes map[string]string
		want  string
	}{
		"pattern": {map[string]string{"web.allow-tags": "regexp:v(["},
			"reading annotation argocd-image-updater.argoproj.io/web.allow-tags of application echo: the tag pattern is no regular expression"},
		"match function": {map[string]string{"allow-tags": "^v"}, "use regexp:PATTERN or any"},
		"constraint":     {map[string]string{"image-list": "web:1.x.y.z"}, `"1.x.y.z" of the image web is no version constraint`},
		"strategy":       {map[string]string{"web.update-strategy": "newest"}, `"newest" is no update strategy`},
		"digest":         {map[string]string{"web.update-strategy": "digest"}, "needs the tag to follow"},
		"glob":           {map[string]string{"ignore-tags": "[a"}, "is no glob pattern"},
		"force":          {map[string]string{"force-update": "yes!"}, "neither true nor false"},
		"empty":          {map[string]string{"image-list": " , "}, "no image is listed"},
		"twice":          {map[string]string{"image-list": "a=x,a=y"}, `alias "a" is used twice`},
		"name":           {map[string]string{"image-list": "web@sha256:abc"}, "is no image name"},
		"script":         {map[string]string{"pull-secret": "ext:/bin/sh"}, "scripts (ext:) are not run"},
		"method":         {map[string]string{"write-back-method": "svn"}, "is no write-back method"},
		"foreign secret": {map[string]string{"write-back-method": "git:secret:kube-system/x"}, "must be in the application's own namespace argocd"},
		"outside":        {map[string]string{"write-back-method": "git", "write-back-target": "helmvalues:../../../x", "web.helm.image-tag": "t"}, "outside the repository"},
		"no place":       {map[string]string{"write-back-method": "git", "write-back-target": "helmvalues"}, "argocd-image-updater.argoproj.io/web.helm.image-tag"},
		"branch":         {map[string]string{"write-back-method": "git", "git-branch": "a:b:c"}, "more than one colon"},
		"template":       {map[string]string{"write-back-method": "git", "git-branch": "a:{{.X"}, "can't be read"},
		"kustomization":  {map[string]string{"write-back-target": "kustomization"}, "none of its sources is Kustomize"},
	} {
		t.Run(name, func(t *testing.T) {
			app := application(helm, c.notes)
			if app.Annotations[ImageListAnnotation] == "" {
				app.Annotations[ImageListAnnotation] = "web=ghcr.io/acme/web"
			}
			_, err := Parse(app, "argocd")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "application echo") {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestParseTellsAllProblemsAtOnce(t *testing.T) {
	_, err := Parse(application(helm, map[string]string{"image-list": "a=x,b=y", "a.allow-tags": "z", "b.update-strategy": "z"}), "argocd")
	var problem *AnnotationError
	if !errors.As(err, &problem) || len(strings.Split(err.Error(), "\n")) != 2 {
		t.Errorf("got %v, want two problems", err)
	}
}

func TestParseChoosesTheSource(t *testing.T) {
	app := application("", map[string]string{"image-list": "web"})
	if _, err := Parse(app, "argocd"); !errors.Is(err, ErrUnknownType) {
		t.Errorf("before the first comparison: got %v, want ErrUnknownType", err)
	}
	app.Status.SourceType = argo.ApplicationSourceTypeDirectory
	if _, err := Parse(app, "argocd"); err == nil || !strings.Contains(err.Error(), "plain manifests") {
		t.Errorf("plain manifests: got %v", err)
	}
	app.Spec.Sources = argo.ApplicationSources{
		{RepoURL: "https://git.example/values.git", Ref: "values"},
		{RepoURL: "https://charts.example", Chart: "redis"},
		{RepoURL: "https://git.example/deploy.git", Path: "app"},
	}
	app.Status.SourceTypes = []argo.ApplicationSourceType{argo.ApplicationSourceTypeDirectory, helm, kustomize}
	if policy := mustParse(t, app); policy.Source != 1 || policy.Type != helm {
		t.Errorf("got source %d (%s), want the first that is Helm or Kustomize", policy.Source, policy.Type)
	}
	app.Annotations[AnnotationPrefix+"write-back-target"] = "kustomization"
	if policy := mustParse(t, app); policy.Source != 2 || policy.Type != kustomize {
		t.Errorf("got source %d (%s), want the one that the target asks for", policy.Source, policy.Type)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("web=ghcr.io/acme/web:~1.2", "git:secret:argocd/x", "helmvalues:../v.yaml", "main:b-{{.SHA256}}", "regexp:^v")
	f.Add("a=x:>=1,,localhost:5000/y:latest", "argocd", "kustomization:/base", ":{{range .Images}}{{.Name}}{{end}}", "any")
	f.Fuzz(func(t *testing.T, list, method, target, branch, allow string) {
		app := application(helm, map[string]string{"image-list": list, "write-back-method": method, "write-back-target": target,
			"git-branch": branch, "allow-tags": allow})
		policy, err := Parse(app, "argocd")
		if err != nil {
			return
		}
		if file := policy.WriteBack.Target.Path; strings.HasPrefix(file, "/") || file == ".." || strings.HasPrefix(file, "../") {
			t.Errorf("the target %q is outside the repository", file)
		}
		for _, image := range policy.Images {
			if image.Strategy == "" || image.Repository == "" {
				t.Errorf("an image without name or strategy: %+v", image)
			}
			Pick(image, Version{}, []Tag{{Name: "v1"}, {Name: "v2"}}, nil)
		}
		changes := AppChanges{App: "echo", Changes: []Change{{Repository: "x", To: Version{Tag: "v1"}}}}
		if name, err := policy.WriteBack.BranchName(changes); err == nil && len(name) > maxBranch && name != policy.WriteBack.Branch {
			t.Errorf("the branch's name has %d bytes", len(name))
		}
	})
}
