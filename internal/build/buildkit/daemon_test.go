package buildkit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDaemonConfig(t *testing.T) {
	o := DefaultDaemonOptions()
	o.Root, o.Socket = "/var/lib/fleet/builder", "/run/fleet/b.sock"
	o.PlainHTTP = []string{"127.0.0.1:5000", "10.1.0.1:5000"}
	o.Mirrors = map[string][]string{"docker.io": {"127.0.0.1:5000"}}
	o.CgroupParent = "/fleet/builder"
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	want := `# Written by Fairlead; changes are lost at the next start.
root = "/var/lib/fleet/builder"
insecure-entitlements = []

[log]
  format = "text"

[grpc]
  address = ["unix:///run/fleet/b.sock"]

[cdi]
  disabled = true

[history]
  maxAge = 3600
  maxEntries = 20

[worker.containerd]
  enabled = false

[worker.oci]
  enabled = true
  binary = "runc"
  snapshotter = "overlayfs"
  networkMode = "host"
  defaultCgroupParent = "/fleet/builder"
  max-parallelism = 4
  gc = true
  maxUsedSpace = 10737418240
  reservedSpace = 1073741824

[registry."10.1.0.1:5000"]
  http = true

[registry."127.0.0.1:5000"]
  http = true

[registry."docker.io"]
  mirrors = ["127.0.0.1:5000"]
`
	if diff := cmp.Diff(want, string(DaemonConfig(o))); diff != "" {
		t.Errorf("buildkitd.toml (-want +got):\n%s", diff)
	}
}

func TestDaemonOptionsValidate(t *testing.T) {
	valid := DefaultDaemonOptions()
	valid.Root, valid.Socket = "/r", "/s"
	tests := map[string]func(*DaemonOptions){
		"folder":   func(o *DaemonOptions) { o.Root = "relative" },
		"socket":   func(o *DaemonOptions) { o.Socket = "/" + strings.Repeat("x", 100) },
		"cache":    func(o *DaemonOptions) { o.MaxUsedBytes = 0 },
		"registry": func(o *DaemonOptions) { o.PlainHTTP = []string{`a"b`} },
	}
	for want, spoil := range tests {
		o := valid
		spoil(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("wrong %s: got %v", want, err)
		}
	}
}

func TestPlainHTTP(t *testing.T) {
	for registry, want := range map[string]bool{
		"127.0.0.1:5000": true, "localhost:5000": true, "localhost": true, "[::1]:5000": true, "reg.lan:5000": true,
		"docker.io": false, "ghcr.io": false, "10.0.0.1:5000": false,
	} {
		if got := PlainHTTP([]string{"reg.lan:5000"}, registry); got != want {
			t.Errorf("%s: plain HTTP %v, want %v", registry, got, want)
		}
	}
}
