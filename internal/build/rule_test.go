package build_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build"
)

var commit = build.Commit{SHA: "0123456789abcdef0123456789abcdef01234567", Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600))}

func rule(change func(*v1alpha1.BuildRuleSpec)) *v1alpha1.BuildRule {
	r := &v1alpha1.BuildRule{}
	r.Namespace, r.Name, r.UID = "argocd", "app", "rule-uid"
	r.Spec = v1alpha1.BuildRuleSpec{
		Source: v1alpha1.BuildSource{RepoURL: "https://git.example.com/demo/app.git"},
		Push:   v1alpha1.PushPattern{Type: v1alpha1.PushBranch, Pattern: "main"},
		Image:  v1alpha1.BuildImage{Repository: "reg.example.com/demo/app"},
	}
	if change != nil {
		change(&r.Spec)
	}
	return r
}

func compile(t *testing.T, r *v1alpha1.BuildRule) *build.Rule {
	t.Helper()
	compiled, err := build.Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// TestImages runs testdata/images.txtar: for each rule, what becomes of refs.
func TestImages(t *testing.T) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "images.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var got txtar.Archive
	got.Comment = archive.Comment
	for _, file := range archive.Files {
		spec, table, found := strings.Cut(string(file.Data), "---\n")
		if !found {
			t.Fatalf("%s: no --- between the rule and its refs", file.Name)
		}
		r := rule(nil)
		if err := yaml.UnmarshalStrict([]byte(spec), &r.Spec); err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		var lines strings.Builder
		for line := range strings.Lines(table) {
			ref := strings.Fields(line)[0]
			lines.WriteString(ref + " → " + outcome(r, ref) + "\n")
		}
		got.Files = append(got.Files, txtar.File{Name: file.Name, Data: []byte(spec + "---\n" + lines.String())})
	}
	want, result := string(txtar.Format(archive)), string(txtar.Format(&got))
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(filepath.Join("testdata", "images.txtar"), []byte(result), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("images (-want +got), UPDATE=1 writes them:\n%s", diff)
	}
}

func outcome(r *v1alpha1.BuildRule, ref string) string {
	compiled, err := build.Compile(r)
	if err != nil {
		return "error: " + err.Error()
	}
	if !compiled.Matches(ref) {
		return "no match"
	}
	images, err := compiled.Images(ref, commit)
	if err != nil {
		return "error: " + err.Error()
	}
	return strings.ReplaceAll(strings.Join(images, " "), "reg.example.com/demo/app", "")
}

func TestInvalidRules(t *testing.T) {
	tests := []struct {
		name   string
		change func(*v1alpha1.BuildRuleSpec)
		field  string
		text   string
	}{
		{"no repository", func(s *v1alpha1.BuildRuleSpec) { s.Source.RepoURL = " " }, "spec.source.repoURL", "clone URL"},
		{"a context outside", func(s *v1alpha1.BuildRuleSpec) { s.Source.Context = "../other" }, "spec.source", "out of the repository"},
		{"a Dockerfile outside", func(s *v1alpha1.BuildRuleSpec) { s.Source.Dockerfile = "../Dockerfile" }, "spec.source", "out of the repository"},
		{"no type", func(s *v1alpha1.BuildRuleSpec) { s.Push.Type = "commit" }, "spec.push.type", "neither branch nor tag"},
		{"no pattern", func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = "" }, "spec.push.pattern", "is empty"},
		{"not a pattern", func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = "release-(.*" }, "spec.push.pattern", "not a regular expression (RE2): error parsing regexp: missing closing )"},
		{"lookahead", func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = "(?!main).*" }, "spec.push.pattern", "RE2"},
		{"an escape from the anchors", func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = "a)|(?:b" }, "spec.push.pattern", "unexpected )"},
		{"an endless pattern", func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = strings.Repeat("a", 2000) }, "spec.push.pattern", "longer than"},
		{"an image with a tag", func(s *v1alpha1.BuildRuleSpec) { s.Image.Repository = "reg.example.com/app:v1" }, "spec.image.repository", "app:v1"},
		{"an image without a registry", func(s *v1alpha1.BuildRuleSpec) { s.Image.Repository = "app" }, "spec.image.repository", "registry"},
		{"an unknown variable", func(s *v1alpha1.BuildRuleSpec) { s.Image.Tag = "${VERSION}" }, "spec.image.tag", "${VERSION} is neither"},
		{"an open variable", func(s *v1alpha1.BuildRuleSpec) { s.Image.Tag = "v${REF" }, "spec.image.tag", "${ without a }"},
		{"a bad character", func(s *v1alpha1.BuildRuleSpec) { s.Image.AdditionalTags = []string{"ok", "a/b"} }, "spec.image.additionalTags[1]", "character"},
		{"a tag that starts with a dot", func(s *v1alpha1.BuildRuleSpec) { s.Image.Tag = ".x" }, "spec.image.tag", "not a valid tag"},
		{"a platform", func(s *v1alpha1.BuildRuleSpec) { s.Platforms = []string{"arm64"} }, "spec.platforms", "os/arch"},
		{"an argument", func(s *v1alpha1.BuildRuleSpec) { s.Args = map[string]string{"A=B": "c"} }, "spec.args", "A=B"},
		{"a negative timeout", func(s *v1alpha1.BuildRuleSpec) { s.TimeoutSeconds = -1 }, "spec", "negative"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := build.Compile(rule(test.change))
			var wrong *build.RuleError
			if !errors.As(err, &wrong) {
				t.Fatalf("got %v, want a RuleError", err)
			}
			if wrong.Field != test.field || !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), `build rule "app"`) {
				t.Errorf("got %v (field %s), want %q in field %s", err, wrong.Field, test.text, test.field)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	tests := []struct{ context, dockerfile, wantContext, wantDockerfile string }{
		{"", "", ".", "Dockerfile"},
		{".", "Dockerfile", ".", "Dockerfile"},
		{"/app/", "", "app", "app/Dockerfile"},
		{"app", "build/Dockerfile.prod", "app", "app/build/Dockerfile.prod"},
		{"app", "../Dockerfile", "app", "Dockerfile"},
		{"a/../b", "./x", "b", "b/x"},
	}
	for _, test := range tests {
		context, dockerfile, err := build.Paths(v1alpha1.BuildSource{Context: test.context, Dockerfile: test.dockerfile})
		if err != nil || context != test.wantContext || dockerfile != test.wantDockerfile {
			t.Errorf("Paths(%q, %q) = %q, %q, %v; want %q, %q", test.context, test.dockerfile, context, dockerfile, err, test.wantContext, test.wantDockerfile)
		}
	}
}

// FuzzImages looks for rules that compile but give references that no registry takes.
func FuzzImages(f *testing.F) {
	f.Add(`release-v(?P<imageTag>.+)`, "", "release-v1.2.3")
	f.Add(`release-(?<v>\w*)`, "x-${v}", "release-")
	f.Add(`.*`, "${REF}-${SHORT_SHA}-${TIMESTAMP}", "feature/ü")
	f.Add(`(?P<a>a)|(?P<b>b)`, "${a}${b}", "b")
	f.Fuzz(func(t *testing.T, pattern, tag, branch string) {
		compiled, err := build.Compile(rule(func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern, s.Image.Tag = pattern, tag }))
		if err != nil || !compiled.Matches("refs/heads/"+branch) {
			return
		}
		images, err := compiled.Images("refs/heads/"+branch, commit)
		if err != nil {
			return
		}
		for _, image := range images {
			got, ok := strings.CutPrefix(image, "reg.example.com/demo/app:")
			if !ok || got == "" || len(got) > 128 || strings.ContainsAny(got, "/:@ ${}") {
				t.Errorf("pattern %q, tag %q, branch %q gave %q", pattern, tag, branch, image)
			}
		}
	})
}
