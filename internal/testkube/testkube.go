// Package testkube gives tests a real Kubernetes API server: etcd and kube-apiserver of kube-sandbox, one pair for each
// test binary, started by the first test that asks and ended with the binary.
//
// There are no nodes, and no controllers unless Controllers is called: objects stay as they were written, a deleted
// namespace stays Terminating, and owned objects outlive their owner. Tests share the server, so each makes a Namespace
// of its own. Tests that use it carry the build tag "integration".
//
// Start reading at Config.
package testkube

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"fairlead.dev/fairlead/internal/local/controlplane"
	"fairlead.dev/fairlead/internal/local/supervise"
)

// patience is how long a loaded machine may take to start an API server.
const patience = 2 * time.Minute

// Config returns a configuration for the binary's API server, as a user who may do everything. It has no limit of calls
// per second. The caller may change what it gets.
func Config(t testing.TB) *rest.Config {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatalf("starting an API server for tests: %v", err)
	}
	return rest.CopyConfig(s.config)
}

// Kubeconfig returns the path of a kubeconfig file with the content of Config.
func Kubeconfig(t testing.TB) string {
	t.Helper()
	Config(t)
	s, _ := shared()
	return s.cluster.AdminKubeconfig()
}

// Kubectl is a kubectl of the API server's version, set to it as a user who may do everything.
func Kubectl(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	Config(t)
	s, _ := shared()
	return exec.CommandContext(t.Context(), s.cluster.KubeSandbox, append([]string{"kubectl", "--kubeconfig", s.cluster.AdminKubeconfig()}, args...)...)
}

// Controllers starts a kube-controller-manager for the rest of the binary's life: for namespaces, owned objects and
// service accounts only.
func Controllers(t testing.TB) {
	t.Helper()
	Config(t)
	s, _ := shared()
	s.controllers.Do(func() {
		u := s.cluster.ControllerManager()
		u.After = nil // the API server is in another table, and ready
		s.supervise("controllers", u)
	})
}

// Restart kills the binary's API server, and returns when another answers in its place; etcd goes on. Tests that call it must
// not run in parallel with others.
func Restart(t testing.TB) {
	t.Helper()
	Config(t)
	s, _ := shared()
	server := s.cluster.APIServer()
	status, err := supervise.ReadStatus(filepath.Join(s.dir, "server.json"))
	if err != nil {
		t.Fatalf("restarting the API server: %v", err)
	}
	for _, unit := range status.Units {
		if unit.Name != server.Name {
			continue
		}
		if err := syscall.Kill(unit.PID, syscall.SIGKILL); err != nil {
			t.Fatalf("restarting the API server: %v", err)
		}
		if err := s.waitFor(server); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("restarting the API server: it is not among %+v", status.Units)
}

// Namespace makes a namespace that no other test has and returns its name.
func Namespace(t testing.TB) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(Config(t))
	if err != nil {
		t.Fatalf("making a namespace: %v", err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	ns, err = client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("making a namespace: %v", err)
	}
	return ns.Name
}

type server struct {
	dir         string
	cluster     controlplane.Cluster
	config      *rest.Config
	controllers sync.Once
	// janitor is kept open for the life of the process.
	janitor io.Closer
}

var shared = sync.OnceValues(start)

func start() (*server, error) {
	binary, err := kubeSandbox()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "fl-kube-")
	if err != nil {
		return nil, err
	}
	janitor, err := removeAtExit(dir)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, janitor: janitor, cluster: controlplane.Cluster{
		Name:        "test",
		Dir:         dir,
		SocketDir:   dir,
		KubeSandbox: binary,
		Address:     netip.AddrFrom4([4]byte{127, 0, 0, 1}),
		Port:        port,
		ServiceCIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, 0}), 24),
		Ephemeral:   true,
	}}
	if err := s.cluster.Prepare(); err != nil {
		return nil, err
	}
	if s.config, err = clientcmd.BuildConfigFromFlags("", s.cluster.AdminKubeconfig()); err != nil {
		return nil, err
	}
	s.config.QPS = -1
	apiServer := s.cluster.APIServer()
	s.supervise("server", s.cluster.Etcd(), apiServer)
	return s, s.waitFor(apiServer)
}

// supervise runs units until the binary ends, which ends them too.
func (s *server) supervise(name string, units ...supervise.Unit) {
	options := supervise.Options{
		LogDir:     s.dir,
		StatusFile: filepath.Join(s.dir, name+".json"),
		Log:        slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	go supervise.Run(context.Background(), units, options)
}

func (s *server) waitFor(u supervise.Unit) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(supervise.ProbeInterval)
	defer tick.Stop()
	for {
		err := u.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.dir, u.Name+".log"))
			return fmt.Errorf("waiting for %s: %w; it says:\n%s", u.Name, err, log)
		}
	}
}

// kubeSandbox asks hack/tools.sh, which builds the binary if it isn't in the cache.
func kubeSandbox() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "hack", "tools.sh")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			return "", fmt.Errorf("finding kube-sandbox: this isn't Fairlead's source folder")
		}
	}
	cmd := exec.Command(filepath.Join(root, "hack", "tools.sh"), "kube-sandbox")
	cmd.Stderr = os.Stderr
	path, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("building kube-sandbox: %w", err)
	}
	return strings.TrimSpace(string(path)), nil
}

// removeAtExit starts a shell that waits for the end of this process, however it comes (its end of the pipe is closed
// then), and deletes the folder. What is being killed may write to the folder for a moment more, so it tries again. To close what is
// returned is to delete the folder now.
func removeAtExit(dir string) (io.Closer, error) {
	cmd := exec.Command("/bin/sh", "-c", `trap "" INT TERM HUP; cat >/dev/null; until rm -rf "$0"; do sleep 1; done`, dir)
	cmd.Dir = "/"
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the folder's janitor: %w", err)
	}
	return input, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
