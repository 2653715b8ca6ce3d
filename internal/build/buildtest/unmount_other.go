//go:build !linux

package buildtest

import "testing"

// unmount has nothing to do: buildkitd with runc runs on Linux only.
func unmount(testing.TB, string) {}
