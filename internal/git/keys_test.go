package git

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestKeysOfRotatedCredentialsAreRemoved(t *testing.T) {
	now := clocktesting.NewFakeClock(time.Now())
	options := Default()
	options.Dir, options.Clock = t.TempDir(), now
	store, err := NewStore(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	with := func(key string) *Repository {
		t.Helper()
		r := store.Repository(Remote{URL: "git@git.example:team/app.git", SSHPrivateKey: key, KnownHosts: "hosts"})
		if _, _, err := r.access(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r
	}
	old := with("old")
	file := filepath.Join(old.keys, "id")
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	now.Step(options.Timeout)
	fresh := with("new")
	fresh.forgetUnused()
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("a git command may still need the old key: %v", err)
	}
	now.Step(options.Timeout)
	fresh.forgetUnused()
	if _, err := os.Stat(old.keys); !os.IsNotExist(err) {
		t.Errorf("the old key is still there (%v)", err)
	}
	if _, err := os.Stat(filepath.Join(fresh.keys, "id")); err != nil {
		t.Errorf("the new key is gone: %v", err)
	}
	if with("new") != fresh {
		t.Error("who is used was forgotten")
	}
	with("old") // rotated back
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the old key isn't written again: %v", err)
	}
}
