package buildtest

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// unmount releases the root file systems of steps that a killed daemon left below a folder.
func unmount(t testing.TB, dir string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			if err := syscall.Unmount(fields[1], syscall.MNT_DETACH); err != nil {
				t.Errorf("unmounting %s: %v", fields[1], err)
			}
		}
	}
}
