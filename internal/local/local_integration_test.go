//go:build integration && linux

package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"fairlead.dev/fairlead/internal/local/supervise"
	"fairlead.dev/fairlead/internal/registry"
)

// TestMain lets the test binary be `fairlead`: what the fleet starts of it is dispatched here. Hub and agent are not this
// package's; in their place are processes that only answer.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || os.Args[1] != "local" && os.Args[1] != "hub" && os.Args[1] != "agent" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := play(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func play(ctx context.Context, args []string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	last := args[len(args)-1]
	switch part := strings.Join(args[:min(3, len(args))], " "); {
	case part == "local run supervisor":
		return RunSupervisor(ctx, last, log)
	case part == "local run git":
		return RunGit(ctx, last, log)
	case part == "local run registry":
		o, err := registryOptions(ctx, last, log)
		if err != nil {
			return err
		}
		o.BaseImages.Packages = nil // nothing is built here
		return registry.Run(ctx, o)
	case part == "local run node":
		return EnterNode(last)
	case part == "local run node-programs":
		return RunNode(ctx, last, log)
	case args[0] == "hub":
		return answerOn(ctx, flagValue(args, "--address"))
	default:
		<-ctx.Done()
		return nil
	}
}

func flagValue(args []string, name string) string {
	for i, arg := range args[:len(args)-1] {
		if arg == name {
			return args[i+1]
		}
	}
	return ""
}

func answerOn(ctx context.Context, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// rig is a fleet with one member, in a folder whose name is too long for sockets.
type rig struct {
	t *testing.T
	o Options
}

func newRig(t *testing.T) *rig {
	t.Helper()
	if !CanHaveNodes() {
		t.Fatal("this test makes real nodes: run it as root on Linux")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("../../hack/tools.sh").CombinedOutput(); err != nil {
		t.Fatalf("building tools: %v\n%s", err, out)
	}
	o := Default(filepath.Join(t.TempDir(), "a-fleet-in-a-folder-whose-name-is-longer-than-most-so-that-sockets-need-another"))
	o.Members = []string{"only"}
	if o.Tools, err = FindTools(filepath.Join(cache, "fairlead", "bin"), true); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, o: o}
	t.Cleanup(func() {
		if t.Failed() {
			r.showLogs()
		}
		if err := Reset(context.Background(), o.Dir, io.Discard); err != nil && !errors.Is(err, ErrNoFleet) {
			t.Errorf("cleaning up: %v", err)
		}
	})
	return r
}

func (r *rig) showLogs() {
	logs, _ := filepath.Glob(filepath.Join(r.o.Dir, "logs", "*.log"))
	for _, log := range logs {
		r.t.Logf("== %s\n%s", filepath.Base(log), lastLines(log, 5))
	}
}

func (r *rig) up() *Fleet {
	r.t.Helper()
	var progress bytes.Buffer
	f, err := Up(r.t.Context(), r.o, &progress)
	if err != nil {
		r.t.Fatalf("bringing the fleet up: %v\n%s", err, &progress)
	}
	return f
}

func (r *rig) report() Report {
	r.t.Helper()
	report, err := Inspect(r.o.Dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

// processes are the units that run, by name.
func (r *rig) processes() map[string]supervise.UnitStatus {
	all := map[string]supervise.UnitStatus{}
	for _, u := range r.report().Units {
		if u.PID != 0 {
			all[u.Name] = u
		}
	}
	return all
}

func (r *rig) eventually(what string, done func() error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	var last error
	if poll(ctx, func() bool { last = done(); return last == nil }) != nil {
		r.t.Fatalf("%s: %v", what, last)
	}
}

// deploy runs a web server in the member, behind a Service, and returns the Service's URL.
func (r *rig) deploy(f *Fleet) string {
	r.t.Helper()
	client, err := clientFor(f.Endpoints().Kubeconfigs["only"])
	if err != nil {
		r.t.Fatal(err)
	}
	labels := map[string]string{"app": "web"}
	seconds := int64(1)
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{TerminationGracePeriodSeconds: &seconds, Containers: []corev1.Container{{
				Name: "web", Image: "busybox", ImagePullPolicy: corev1.PullIfNotPresent,
				Command: []string{"sh", "-c", "echo hello > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"},
			}}},
		},
	}}
	if _, err := client.AppsV1().Deployments("default").Create(r.t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		r.t.Fatal(err)
	}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.ServiceSpec{
		Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
	}}
	service, err = client.CoreV1().Services("default").Create(r.t.Context(), service, metav1.CreateOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	return "http://" + service.Spec.ClusterIP
}

func (r *rig) answers(url string) {
	r.t.Helper()
	began := time.Now()
	defer func() { r.t.Logf("the pod answered after %.1f s", time.Since(began).Seconds()) }()
	r.eventually("asking the pod through its Service", func() error {
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello\n" {
			return fmt.Errorf("%s: %q, %w", resp.Status, body, err)
		}
		return nil
	})
}

func TestTheFleetComesBackFromAnything(t *testing.T) {
	r := newRig(t)
	// Two at the same time make one fleet.
	other := make(chan error, 1)
	go func() { _, err := Up(t.Context(), r.o, io.Discard); other <- err }()
	f := r.up()
	if err := <-other; err != nil {
		t.Fatalf("the other up: %v", err)
	}
	url := r.deploy(f)
	r.answers(url)

	before := r.processes()
	r.up()
	for name, u := range r.processes() {
		if before[name].PID != u.PID {
			t.Errorf("the second up restarted %s", name)
		}
	}
	for name := range before {
		r.kill(name)
		r.answers(url)
	}

	if err := syscall.Kill(r.report().Supervisor, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.eventually("waiting for the supervisor to be gone", func() error {
		if r.report().Running {
			return errors.New("it runs")
		}
		return nil
	})
	r.up()
	r.answers(url)

	if err := Down(t.Context(), r.o.Dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	r.nothingIsLeft(f)
	r.up()
	r.answers(url)

	if err := Reset(t.Context(), r.o.Dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	r.nothingIsLeft(f)
	if _, err := os.Stat(r.o.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// kill kills one process and waits until the fleet is whole again.
func (r *rig) kill(name string) {
	r.t.Helper()
	victim := r.processes()[name]
	began := time.Now()
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		r.t.Fatalf("killing %s: %v", name, err)
	}
	r.eventually("waiting for "+name+" to be back", func() error {
		if now := r.processes()[name]; now.PID == 0 || now.PID == victim.PID {
			return fmt.Errorf("it is %+v", now)
		}
		if report := r.report(); !report.Ready {
			return fmt.Errorf("the fleet isn't ready: %s", notReady(supervise.Status{Units: report.Units}))
		}
		return nil
	})
	r.t.Logf("%s was back %.1f s after kill -9", name, time.Since(began).Seconds())
}

// nothingIsLeft looks for what a fleet makes outside its folder.
func (r *rig) nothingIsLeft(f *Fleet) {
	r.t.Helper()
	if f.bridge().Exists() {
		r.t.Errorf("bridge %s is left", f.bridge().Name)
	}
	if rules, err := exec.Command("iptables-save").Output(); err != nil || bytes.Contains(rules, []byte(f.bridge().Name)) {
		r.t.Errorf("firewall rules are left: %v\n%s", err, rules)
	}
	if mounts, err := os.ReadFile("/proc/self/mounts"); err != nil || bytes.Contains(mounts, []byte(f.Dir)) {
		r.t.Errorf("mounts are left: %v\n%s", err, mounts)
	}
	if groups, _ := filepath.Glob("/sys/fs/cgroup/*" + f.cgroup()); len(groups) > 0 {
		r.t.Errorf("control groups are left: %v", groups)
	}
	// The supervisor has let go of everything by now, but its own end takes a moment: a second where the race detector
	// looks for what it may have missed.
	r.eventually("waiting for the last process to end", func() error {
		commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, file := range commands {
			if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(f.Dir)) {
				return fmt.Errorf("process %s is left: %s", file, bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
			}
		}
		return err
	})
}
