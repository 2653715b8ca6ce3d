package node

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"sigs.k8s.io/yaml"
)

func testSpec(t *testing.T) Spec {
	t.Helper()
	dir := t.TempDir()
	pause := filepath.Join(dir, "pause")
	if err := os.WriteFile(pause, []byte("a static program"), 0o755); err != nil {
		t.Fatal(err)
	}
	return Spec{
		Name: "dev-node", Dir: filepath.Join(dir, "node"), PauseProgram: pause,
		Address: netip.MustParsePrefix("10.1.0.11/24"), Gateway: netip.MustParseAddr("10.1.0.1"),
		PodCIDR: netip.MustParsePrefix("10.1.32.0/20"), ServiceCIDR: netip.MustParsePrefix("10.1.48.0/20"),
		Registry: "http://10.1.0.1:5000", RegistryNames: []string{"127.0.0.1:5000"}, MirroredNames: []string{"docker.io"},
	}
}

func TestPrepareWritesWhatTheProgramsRead(t *testing.T) {
	s := testSpec(t)
	if err := s.Prepare(); err != nil {
		t.Fatal(err)
	}
	if loaded, err := Load(s.File()); err != nil || loaded.PodCIDR != s.PodCIDR {
		t.Errorf("the spec came back as %+v, %v", loaded, err)
	}
	for _, file := range []string{"kubelet.yaml", "kube-proxy.yaml"} {
		var config struct{ Kind, HostnameOverride, Address string }
		if err := yaml.Unmarshal(read(t, s.EtcFile(file)), &config); err != nil || !strings.HasSuffix(config.Kind, "Configuration") {
			t.Errorf("%s: %+v, %v", file, config, err)
		}
	}
	var cni struct{ Plugins []struct{ Type string } }
	if err := json.Unmarshal(read(t, s.EtcFile("cni", "10-pods.conflist")), &cni); err != nil || len(cni.Plugins) != 2 {
		t.Errorf("CNI: %+v, %v", cni, err)
	}
	// The fleet's own registry has no other to fall back to; a mirrored one has.
	if own := string(read(t, s.EtcFile("certs.d", "127.0.0.1:5000", "hosts.toml"))); !strings.HasPrefix(own, `server = "http://10.1.0.1:5000"`) {
		t.Errorf("own registry:\n%s", own)
	}
	if mirror := string(read(t, s.EtcFile("certs.d", "docker.io", "hosts.toml"))); strings.Contains(mirror, "server") || !strings.Contains(mirror, `[host."http://10.1.0.1:5000"]`) {
		t.Errorf("mirrored registry:\n%s", mirror)
	}
}

func TestPrepareLeavesAloneWhatIsRight(t *testing.T) {
	s := testSpec(t)
	if err := s.Prepare(); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(s.EtcFile("kubelet.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Prepare(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(s.EtcFile("kubelet.yaml")); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("written again: %v, %v", after, err)
	}
}

func TestThePauseImageHoldsTheProgram(t *testing.T) {
	s := testSpec(t)
	if err := s.Prepare(); err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(s.EtcFile("pause.tar"), nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil || config.OS != "linux" || config.Config.Entrypoint[0] != "/pause" {
		t.Errorf("got %+v, %v", config, err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
