package node

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// kernelSettings are those that a kubelet sets if it finds others. They belong to the whole machine, so the node is
// shown files with the expected values in their place. (pkg/kubelet/cm, setupKernelTunables)
var kernelSettings = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// mountNode gives the process's mount namespace the node's /run and /var.
func mountNode(s Spec) error {
	// Opened before the machine's /run and /var are covered: any of these may lie in them.
	sources := map[string]string{homeNode: s.Dir, homeLogs: s.LogDir, homeCNI: s.CNIPlugins, homeSandbox: s.KubeSandbox}
	open := map[string]*os.File{}
	for target, source := range sources {
		f, err := os.Open(source)
		if err != nil {
			return fmt.Errorf("opening what the node is made of: %w", err)
		}
		defer f.Close()
		open[target] = f
	}
	if err := mount("tmpfs", "/run", "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=755"); err != nil {
		return err
	}
	for target, f := range open {
		if err := bind(f, target); err != nil {
			return err
		}
	}
	if err := mount(filepath.Join(homeNode, "var"), "/var", "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	if err := hideKernelSettings(); err != nil {
		return err
	}
	// Volumes that ask for propagation need a shared tree; it is shared with the node's containers only.
	return mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, "")
}

func hideKernelSettings() error {
	for setting, value := range kernelSettings {
		target := filepath.Join("/proc/sys", setting)
		if _, err := os.Stat(target); err != nil {
			continue // a kernel without it: kubelet finds that out by itself
		}
		file := filepath.Join(home, "sys", setting)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("hiding kernel setting %s: %w", setting, err)
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return fmt.Errorf("hiding kernel setting %s: %w", setting, err)
		}
		if err := mount(file, target, "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}

// bind mounts an open file or folder at target.
func bind(source *os.File, target string) error {
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = os.MkdirAll(target, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(target), 0o755); err == nil {
		err = os.WriteFile(target, nil, 0o755)
	}
	if err != nil {
		return fmt.Errorf("making mount point: %w", err)
	}
	return mount(fmt.Sprintf("/proc/self/fd/%d", source.Fd()), target, "", syscall.MS_BIND|syscall.MS_REC, "")
}

func mount(source, target, kind string, flags uintptr, options string) error {
	if err := syscall.Mount(source, target, kind, flags, options); err != nil {
		return fmt.Errorf("mounting %s: %w", target, err)
	}
	return nil
}
