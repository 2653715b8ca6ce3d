package cgroup

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestHierarchiesOfBothVersions(t *testing.T) {
	for name, test := range map[string]struct {
		mounts string
		want   []string
	}{
		"version 2": {"proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n", []string{"/sys/fs/cgroup"}},
		"version 1": {
			"tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup /sys/fs/cgroup/memory cgroup rw 0 0\n",
			[]string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory"},
		},
		"elsewhere": {"cgroup2 /mnt/cgroup cgroup2 rw 0 0\n", nil},
		"none":      {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parseMounts(test.mounts); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestANewGroupGetsWhatTheOneAboveHas(t *testing.T) {
	hierarchy := filepath.Join(t.TempDir(), "cpuset")
	group := filepath.Join(hierarchy, "fleet")
	if err := os.MkdirAll(group, 0o755); err != nil {
		t.Fatal(err)
	}
	// The kernel makes these files; here the test does.
	for path, content := range map[string]string{
		filepath.Join(hierarchy, "cpuset.cpus"): "0-3\n", filepath.Join(group, "cpuset.cpus"): "\n",
		filepath.Join(hierarchy, "cpuset.mems"): "0\n", filepath.Join(group, "cpuset.mems"): "0\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := ensure(hierarchy, "/fleet"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(group, "cpuset.cpus")); err != nil || string(got) != "0-3\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestGroupsAreRemovedFromTheBottomUp(t *testing.T) {
	top := filepath.Join(t.TempDir(), "fleet")
	if err := os.MkdirAll(filepath.Join(top, "dev", "k8s.io", "container"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := removeTree(top); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(top); !os.IsNotExist(err) {
		t.Errorf("the groups are still there: %v", err)
	}
	if err := removeTree(top); err != nil {
		t.Errorf("removing what isn't there: %v", err)
	}
}

func TestAncestors(t *testing.T) {
	if got := ancestors("/a/b"); !slices.Equal(got, []string{"/a", "/a/b"}) {
		t.Errorf("got %v", got)
	}
}
