package source_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build/source"
	"fairlead.dev/fairlead/internal/git"
)

// repository makes a repository with a branch main and two tags, and returns its URL and commit.
func repository(t *testing.T) (url, commit string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-q", "-m", "first"},
		{"tag", "v1"}, {"tag", "-a", "-m", "annotated", "v2"}, {"rev-parse", "HEAD"},
	} {
		command := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Dora", "-c", "user.email=d@example.com"}, args...)...)
		out, err := command.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		commit = strings.TrimSpace(string(out))
	}
	return "file://" + dir, commit
}

func open(t *testing.T) *source.Git {
	t.Helper()
	options := git.Default()
	options.Dir = t.TempDir()
	store, err := git.NewStore(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &source.Git{Store: store, Clock: clocktesting.NewFakePassiveClock(time.Unix(1e9, 0))}
}

func TestQuestions(t *testing.T) {
	url, sha := repository(t)
	sources := open(t)
	refs, err := sources.Refs(t.Context(), url)
	if err != nil || refs["refs/heads/main"] != sha || refs["refs/tags/v1"] != sha || refs["refs/tags/v2"] != sha {
		t.Errorf("refs %v, %v", refs, err)
	}
	commit, err := sources.Commit(t.Context(), url, sha)
	if err != nil || commit.SHA != sha || time.Since(commit.Time) > time.Minute {
		t.Errorf("commit %+v, %v", commit, err)
	}
	tree, err := sources.Tree(t.Context(), url, sha)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := fs.ReadFile(tree, "Dockerfile"); err != nil || string(data) != "FROM scratch\n" {
		t.Errorf("Dockerfile %q, %v", data, err)
	}

	refused := errors.New("the settings can't be read")
	sources.Remote = func(context.Context, string) (git.Remote, error) { return git.Remote{}, refused }
	if _, err := sources.Refs(t.Context(), url); !errors.Is(err, refused) {
		t.Errorf("without credentials: %v", err)
	}
}

func TestStart(t *testing.T) {
	url, sha := repository(t)
	sources := open(t)
	rule := &v1alpha1.BuildRule{}
	rule.Name = "app"
	rule.Spec.Source.RepoURL = url
	rule.Spec.Image.Repository = "reg.example.com/app"
	tests := []struct {
		name    string
		pattern v1alpha1.PushPattern
		ref     string
		want    string
		err     string
	}{
		{"a branch by its short name", v1alpha1.PushPattern{Type: v1alpha1.PushBranch, Pattern: "main"}, "main", "main-" + sha[:7], ""},
		{"a branch by its full name", v1alpha1.PushPattern{Type: v1alpha1.PushBranch, Pattern: "main"}, "refs/heads/main", "main-" + sha[:7], ""},
		{"the only branch", v1alpha1.PushPattern{Type: v1alpha1.PushBranch, Pattern: ".*"}, "", "main-" + sha[:7], ""},
		{"a tag", v1alpha1.PushPattern{Type: v1alpha1.PushTag, Pattern: "v.*"}, "v2", "v2", ""},
		{"one of several tags", v1alpha1.PushPattern{Type: v1alpha1.PushTag, Pattern: "v.*"}, "", "", "2 refs match its pattern: say which"},
		{"a missing branch", v1alpha1.PushPattern{Type: v1alpha1.PushBranch, Pattern: ".*"}, "dev", "", "no such branch or tag: refs/heads/dev"},
		{"a branch that doesn't match", v1alpha1.PushPattern{Type: v1alpha1.PushBranch, Pattern: "dev"}, "main", "", `doesn't match the branch pattern "dev"`},
		{"a commit", v1alpha1.PushPattern{Type: v1alpha1.PushBranch, Pattern: "main"}, sha, "", "say which one"},
		{"a bad rule", v1alpha1.PushPattern{Type: v1alpha1.PushBranch, Pattern: "("}, "main", "", "regular expression"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rule.Spec.Push = test.pattern
			b, err := sources.Start(t.Context(), rule, test.ref, "dora")
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if b.Spec.Commit != sha || b.Spec.Images[0] != "reg.example.com/app:"+test.want || b.Spec.RequestedBy != "dora" {
				t.Errorf("build %+v", b.Spec)
			}
		})
	}
}
