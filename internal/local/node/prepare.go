package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// Prepare writes the spec and everything that the node's programs are configured by. A file whose content is right is
// left alone.
func (s Spec) Prepare() error {
	files, err := s.files()
	if err != nil {
		return fmt.Errorf("preparing node %s: %w", s.Name, err)
	}
	for _, dir := range []string{"etc/cni", "etc/certs.d", "var/lib/kubelet", "var/log", "var/tmp"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, dir), 0o755); err != nil {
			return fmt.Errorf("preparing node %s: %w", s.Name, err)
		}
	}
	// Old programs say /var/run.
	if err := os.Symlink("/run", filepath.Join(s.Dir, "var", "run")); err != nil && !os.IsExist(err) {
		return fmt.Errorf("preparing node %s: %w", s.Name, err)
	}
	for path, content := range files {
		if err := writeFile(path, content); err != nil {
			return fmt.Errorf("preparing node %s: %w", s.Name, err)
		}
	}
	if err := writePauseImage(s.PauseProgram, s.EtcFile("pause.tar")); err != nil {
		return fmt.Errorf("preparing node %s: %w", s.Name, err)
	}
	return nil
}

func (s Spec) files() (map[string][]byte, error) {
	spec, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		s.File():                 spec,
		s.EtcFile("resolv.conf"): resolvConf(),
	}
	for name, tmpl := range map[string]*template.Template{
		"containerd.toml":      containerdConfig,
		"kubelet.yaml":         kubeletConfig,
		"kube-proxy.yaml":      proxyConfig,
		"cni/10-pods.conflist": cniConfig,
	} {
		var out bytes.Buffer
		if err := tmpl.Execute(&out, s.values()); err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
		files[s.EtcFile(name)] = out.Bytes()
	}
	for _, name := range s.RegistryNames {
		files[s.hostsFile(name)] = fmt.Appendf(nil, "server = %q\n\n[host.%q]\n", s.Registry, s.Registry)
	}
	for _, name := range s.MirroredNames {
		files[s.hostsFile(name)] = fmt.Appendf(nil, "[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", s.Registry)
	}
	return files, nil
}

// hostsFile is where containerd looks for how to reach a registry.
func (s Spec) hostsFile(registry string) string { return s.EtcFile("certs.d", registry, "hosts.toml") }

// resolvConf is the machine's, without servers on its loopback: those don't answer in the node's network.
func resolvConf() []byte {
	for _, path := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		content, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(content), "nameserver 127.") || strings.Contains(string(content), "nameserver ::1") {
			continue
		}
		return content
	}
	return nil
}

func writeFile(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
