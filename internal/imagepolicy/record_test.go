package imagepolicy

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// TestRecord runs the scenarios of testdata/record: annotations, the target file before, the versions to set, the file after.
func TestRecord(t *testing.T) {
	scenarios, err := filepath.Glob("testdata/record/*.txtar")
	if err != nil || len(scenarios) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range scenarios {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]string{"type": "Helm"}
			for _, part := range archive.Files {
				parts[part.Name] = string(part.Data)
			}
			notes := map[string]string{}
			for line := range strings.Lines(parts["annotations"]) {
				key, value, _ := strings.Cut(line, ":")
				notes[key] = value
			}
			policy := mustParse(t, application(argo.ApplicationSourceType(strings.TrimSpace(parts["type"])), notes))
			settings := settingsOf(t, policy, parts["set"])

			got, err := policy.Record([]byte(parts["before"]), settings)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parts["want"], string(got)); diff != "" {
				t.Error(diff)
			}
			again, err := policy.Record(got, settings)
			if err != nil || string(again) != string(got) {
				t.Errorf("writing the same again gives another file: %v\n%s", err, again)
			}
			recorded, err := policy.Recorded(got)
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range settings {
				if recorded[i] != s.Version {
					t.Errorf("reading it back gives %q for %s, want %q", recorded[i], s.Image.Repository, s.Version)
				}
			}
		})
	}
}

func settingsOf(t *testing.T, policy *Policy, text string) []Setting {
	t.Helper()
	var settings []Setting
	for line := range strings.Lines(text) {
		repository, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, image := range policy.Images {
			if image.Repository == repository {
				settings = append(settings, Setting{image, ParseVersion(version)})
			}
		}
	}
	if len(settings) != len(policy.Images) {
		t.Fatalf("the scenario must set all %d images in their order", len(policy.Images))
	}
	return settings
}

func TestRecordRefuses(t *testing.T) {
	policy := mustParse(t, application(helm, map[string]string{"image-list": "web=web", "web.helm.image-tag": "a[1].tag",
		"write-back-method": "git", "write-back-target": "helmvalues"}))
	for name, c := range map[string]struct{ before, want string }{
		"no YAML":          {"a: [", "application echo"},
		"a list":           {"- a", "no YAML mapping"},
		"two documents":    {"a: 1\n---\nb: 1\n", "more than one YAML document"},
		"no such element":  {"a: [{}]", "add it first"},
		"not a plain one":  {"a: [{}, {tag: {}}]", "not a plain value"},
		"recursive anchor": {"a: &a [*a, *a]", "add it first"},
	} {
		if got, err := policy.Record([]byte(c.before), []Setting{{policy.Images[0], Version{Tag: "v1"}}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %q, %v; want %s", name, got, err, c.want)
		}
	}
}

func TestTargetFile(t *testing.T) {
	policy := mustParse(t, application(kustomize, map[string]string{"image-list": "web", "write-back-method": "git",
		"write-back-target": "kustomization"}))
	tree := fstest.MapFS{"apps/echo/kustomization.yml": {}, "apps/echo/Kustomization": {}}
	if file, err := policy.TargetFile(tree); err != nil || file != "apps/echo/kustomization.yml" {
		t.Errorf("got %q, %v", file, err)
	}
	if _, err := policy.TargetFile(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "write-back-target") {
		t.Errorf("without a kustomization: got %v", err)
	}
}

func TestCurrent(t *testing.T) {
	notes := map[string]string{"image-list": "web=ghcr.io/acme/web", "web.kustomize.image-name": "web"}
	for name, c := range map[string]struct {
		change   func(*argo.Application)
		recorded string
		want     string
		used     bool
	}{
		"not in use":         {func(a *argo.Application) { a.Status.Summary.Images = []string{"redis:7"} }, "", "", false},
		"scaled to nothing":  {func(a *argo.Application) { a.Status.History = argo.RevisionHistories{{ID: 1}} }, "", "", false},
		"never deployed":     {func(*argo.Application) {}, "", "", true},
		"live":               {func(a *argo.Application) { a.Status.Summary.Images = []string{"redis:7", "ghcr.io/acme/web:v1"} }, "", "v1", true},
		"the file before it": {func(a *argo.Application) { a.Status.Summary.Images = []string{"ghcr.io/acme/web:v1"} }, "v2", "v2", true},
		"the original name":  {func(a *argo.Application) { a.Status.Summary.Images = []string{"docker.io/library/web:v9"} }, "", "", true},
		"parameters": {func(a *argo.Application) {
			a.Spec.Source.Kustomize = &argo.ApplicationSourceKustomize{Images: argo.KustomizeImages{"web=ghcr.io/acme/web:v3"}}
		}, "", "v3", true},
		"forced": {func(a *argo.Application) {
			a.Status.History = argo.RevisionHistories{{ID: 1}}
			a.Annotations[AnnotationPrefix+"force-update"] = "true"
		}, "", "", true},
	} {
		app := application(kustomize, notes)
		c.change(app)
		policy := mustParse(t, app)
		got, used := policy.Current(policy.Images[0], app, ParseVersion(c.recorded))
		if got != ParseVersion(c.want) || used != c.used {
			t.Errorf("%s: got %q, %v; want %q, %v", name, got, used, c.want, c.used)
		}
	}
}

func TestApply(t *testing.T) {
	app := application(helm, map[string]string{"image-list": "web=ghcr.io/acme/web"})
	policy := mustParse(t, app)
	settings := []Setting{{policy.Images[0], Version{Tag: "v2"}}}
	if !policy.Apply(app, settings) || policy.Apply(app, settings) {
		t.Error("the first time changes the application, the second doesn't")
	}
	want := []argo.HelmParameter{{Name: "image.name", Value: "ghcr.io/acme/web", ForceString: true}, {Name: "image.tag", Value: "v2", ForceString: true}}
	if diff := cmp.Diff(want, app.Spec.Source.Helm.Parameters); diff != "" {
		t.Error(diff)
	}
	if current, used := policy.Current(policy.Images[0], app, Version{}); current.Tag != "v2" || !used {
		t.Errorf("then the current version is %q, %v", current, used)
	}

	app = application(kustomize, map[string]string{"image-list": "web=ghcr.io/acme/web"})
	app.Spec.Source.Kustomize = &argo.ApplicationSourceKustomize{Images: argo.KustomizeImages{"redis:7", "ghcr.io/acme/web:v1"}}
	policy = mustParse(t, app)
	if !policy.Apply(app, settings) || policy.Apply(app, settings) {
		t.Error("the first time changes the application, the second doesn't")
	}
	if diff := cmp.Diff(argo.KustomizeImages{"redis:7", "ghcr.io/acme/web=ghcr.io/acme/web:v2"}, app.Spec.Source.Kustomize.Images); diff != "" {
		t.Error(diff)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add("helm:\n  parameters:\n  - name: image.tag\n    value: v1\n", "v2", "image.tag")
	f.Add("a: &x {tag: '1'}\nb: *x\n", "1.10", "b.tag")
	f.Add("images:\n- name: web\n  newTag: \"1\" # x\n", "null", "a[0].b")
	f.Add("", "v1", "a.b.c")
	f.Fuzz(func(t *testing.T, before, tag, path string) {
		if strings.TrimSpace(path) == "" || !validTag.MatchString(tag) {
			return
		}
		for _, target := range []string{"", "helmvalues", "kustomization"} {
			for _, kind := range []argo.ApplicationSourceType{helm, kustomize} {
				app := application(kind, map[string]string{"image-list": "web=ghcr.io/acme/web", "web.helm.image-tag": path,
					"write-back-method": "git", "write-back-target": target})
				policy, err := Parse(app, "argocd")
				if err != nil {
					continue
				}
				settings := []Setting{{policy.Images[0], Version{Tag: tag}}}
				after, err := policy.Record([]byte(before), settings)
				if err != nil {
					continue
				}
				recorded, err := policy.Recorded(after)
				if err != nil {
					t.Fatalf("what was written can't be read: %v\n%s", err, after)
				}
				if recorded[0].Tag != tag {
					t.Errorf("wrote %q, read %q:\n%s", tag, recorded[0].Tag, after)
				}
				again, err := policy.Record(after, settings)
				if err != nil || string(again) != string(after) {
					t.Errorf("writing twice isn't the same (%v):\n%s\n---\n%s", err, after, again)
				}
			}
		}
	})
}
