package git

import (
	"slices"
	"strings"
	"testing"
)

// TestHistory walks a history that was sealed once, beside a branch that began before the seal:
//
//	first ─ second ─ seal ─ third ─ merge ─ fourth
//	     └─ side ──────────────────┘
func TestHistory(t *testing.T) {
	o := newOrigin(t)
	ids := map[string]string{}
	names := map[string]string{}
	commit := func(name, message string, parents ...string) {
		t.Helper()
		args := []string{"commit-tree", "-m", message}
		for _, parent := range parents {
			args = append(args, "-p", ids[parent])
		}
		ids[name] = o.git(append(args, o.git("rev-parse", "HEAD^{tree}"))...)
		names[ids[name]] = name
	}
	o.push("files", map[string]string{"a": "a"})
	commit("first", "first")
	commit("second", "second", "first")
	commit("seal", "all before was looked at\n\nArgocd-gpg-seal: review", "second")
	commit("third", "third", "seal")
	commit("side", "side", "first")
	commit("merge", "merge", "third", "side")
	commit("fourth", "fourth", "merge")
	o.git("push", "--quiet", "--force", o.bare, ids["fourth"]+":refs/heads/main")

	r := newTestStore(t).Repository(Remote{URL: o.url()})
	if err := r.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, tip string
		trusted   bool
		want      string
	}{
		{"a seal that is trusted", "fourth", true, "first fourth merge seal side third"},
		{"a seal that isn't", "fourth", false, "first fourth merge seal second side third"},
		{"the seal itself", "seal", true, "seal"},
		{"before the seal", "second", true, "first second"},
	} {
		var visited []string
		sealed := func(s Signable) bool { return c.trusted && strings.Contains(s.Message(), "Argocd-gpg-seal:") }
		err := r.SignedHistory(t.Context(), ids[c.tip], sealed, func(s Signable) error {
			visited = append(visited, names[s.Name])
			return nil
		})
		slices.Sort(visited)
		if got := strings.Join(visited, " "); got != c.want || err != nil {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

func TestSignedTag(t *testing.T) {
	o := newOrigin(t)
	id := o.push("files", map[string]string{"a": "a"})
	o.git("tag", "-a", "-m", "one", "v1.0.0")
	o.git("tag", "light")
	o.git("push", "--quiet", o.bare, "--tags")
	r := newTestStore(t).Repository(Remote{URL: o.url()})
	if err := r.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	for revision, want := range map[string]string{"v1.0.0": "v1.0.0", "refs/tags/v1.0.0": "v1.0.0", "1.*": "v1.0.0", "light": "", "main": "", "": "", "2.*": ""} {
		tag, err := r.SignedTag(t.Context(), id, "", revision)
		got := ""
		if tag != nil {
			got = tag.Name
			if tag.Kind != "tag" || tag.Identity() == "" {
				t.Errorf("%q: %+v by %q", revision, tag, tag.Identity())
			}
		}
		if got != want || err != nil {
			t.Errorf("%q: tag %q (%v), want %q", revision, got, err, want)
		}
	}
	if commit, err := r.SignedCommit(t.Context(), id); err != nil || commit.Identity() == "" || !strings.HasPrefix(commit.Message(), "files") {
		t.Errorf("the commit: %+v (%v)", commit, err)
	}
}
