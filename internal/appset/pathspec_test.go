package appset

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFilesAsGit asks git itself which files a pattern takes.
func TestFilesAsGit(t *testing.T) {
	dir := t.TempDir()
	names := []string{"config.json", "apps/a/config.json", "apps/a/b/config.json", "apps/b/values.yaml", "apps/c/config.yaml", "x[1].json", "clusters/eu-1/config.json"}
	for _, name := range names {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) string {
		command := exec.Command("git", append([]string{"-C", dir}, args...)...)
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C")
		out, err := command.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	git("init", "-q")
	git("add", ".")
	for _, pattern := range []string{
		"config.json", "*.json", "apps/*/config.json", "apps/**/config.json", "apps", "apps/a", "apps/*", "**/config.json", "apps/?/config.json",
		"apps/[ab]/config.json", "apps/[!a]/*", "apps/[a-b]/*.yaml", "*", ".", "x[[]1].json", "x\\[1\\].json", "x[1].json", "clusters/[a-z]*-[0-9]/config.json", "none", "apps/[a",
	} {
		want := strings.Split(strings.Trim(git("ls-files", "--full-name", "-z", "--", pattern), "\x00"), "\x00")
		found, err := Files([]Path{{Pattern: pattern}}, false)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		var got []string
		for _, name := range names {
			if found.Takes(name) {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s takes %q; git takes %q", pattern, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct {
		name  string
		paths func() (Paths, error)
		take  []string
		leave []string
	}{
		{"directories", func() (Paths, error) {
			return Directories([]Path{{Pattern: "apps/*"}, {Pattern: "apps/old", Exclude: true}, {Pattern: "["}}), nil
		}, []string{"apps/a", "apps/b"}, []string{"apps", "apps/a/b", "apps/old", "["}},
		{"exclusion wins in whatever order", func() (Paths, error) {
			return Directories([]Path{{Pattern: "a/*", Exclude: true}, {Pattern: "*/*"}}), nil
		}, []string{"b/a"}, []string{"a/b"}},
		{"new globbing", func() (Paths, error) {
			return Files([]Path{{Pattern: "apps/**/config.json"}, {Pattern: "apps/x/*", Exclude: true}}, true)
		}, []string{"apps/config.json", "apps/a/b/config.json"}, []string{"apps/x/config.json", "apps/a/config.yaml"}},
		{"one folder", func() (Paths, error) { return Files([]Path{{Pattern: "apps/*/config.json"}}, true) },
			[]string{"apps/a/config.json"}, []string{"apps/a/b/config.json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := c.paths()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range c.take {
				if !found.Takes(name) {
					t.Errorf("%s is left", name)
				}
			}
			for _, name := range c.leave {
				if found.Takes(name) {
					t.Errorf("%s is taken", name)
				}
			}
		})
	}
	if _, err := Files([]Path{{Pattern: "../x"}}, false); err == nil {
		t.Error("a pattern may lead out of the repository")
	}
}

func FuzzPathspec(f *testing.F) {
	for _, seed := range []string{"*", "[", "[]", "[!]", "[]a]", "\\", "a/**/b", "[a-", "[^&&]", "[z-a]"} {
		f.Add(seed, "a/b/c")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		found, err := Files([]Path{{Pattern: pattern}}, false)
		if err == nil && found.Takes(name) && !strings.ContainsAny(pattern, `*?[\`) && !strings.HasPrefix(name+"/", filepath.Clean(pattern)+"/") && filepath.Clean(pattern) != "." {
			t.Errorf("the plain %q takes %q", pattern, name)
		}
	})
}
