package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/conformance/stage"
	"fairlead.dev/fairlead/internal/local/supervise"
	"fairlead.dev/fairlead/internal/login/oidctest"
)

// scenario is a hub, and a person who works with it.
type scenario struct {
	*world
	ctx context.Context
	// env is what Setup was given; script is nil until then.
	env    *testscript.Env
	script *testscript.TestScript
	// dir is the script's folder, clone its clone of the repository.
	dir, clone string
	mode       mode
	// vars are names for what differs from run to run; the longest values are named first.
	vars []variable
	// address is where the hub listens, namespace and target are its own and that of applications.
	address, namespace, target string
	commits                    int
	// exitCode is that of the last program, -1 if it was killed.
	exitCode int
	idp      *oidctest.Provider
	stopHub  func()
}

type variable struct{ name, value string }

type scenarioKey struct{}

// scenario prepares what a script finds.
func (w *world) scenario(ctx context.Context, env *testscript.Env, m mode) error {
	id := fmt.Sprintf("%s-%d", m.name, w.scenarios.Add(1))
	port, err := stage.FreePort()
	if err != nil {
		return err
	}
	s := &scenario{
		world: w, ctx: ctx, env: env, mode: m, dir: env.WorkDir, clone: filepath.Join(env.WorkDir, "clone"),
		address: fmt.Sprintf("127.0.0.1:%d", port), namespace: "hub-" + id, target: "target-" + id,
	}
	env.Values[scenarioKey{}] = s
	for name, value := range w.git.urls("conformance/" + id) {
		s.define(name, value)
	}
	s.define("WORK", s.dir)
	s.define("SIGNER", s.signer.ID)
	s.define("CHARTS", w.charts.helm.URL)
	s.define("CHARTS_PRIVATE", w.charts.privateHelm.URL)
	s.define("REGISTRY", host(w.charts.registry))
	s.define("REGISTRY_PRIVATE", host(w.charts.privateRegistry))
	s.define("SERVER", s.address)
	s.define("CLUSTER", w.cluster.Server())
	s.define("NS", s.namespace)
	s.define("TARGET", s.target)
	env.Setenv("GITUSER", user)
	env.Setenv("GITPASSWORD", password)
	env.Setenv("HOME", s.dir)
	env.Setenv("PATH", filepath.Dir(w.tools.argocd)+string(os.PathListSeparator)+os.Getenv("PATH"))
	env.Setenv("KUBECONFIG", filepath.Join(s.dir, "kubeconfig"))
	if err := s.files(); err != nil {
		return err
	}
	if err := s.clonedRepository(); err != nil {
		return err
	}
	for _, name := range []string{s.namespace, s.target} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := w.kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("making namespace %s: %w", name, err)
		}
	}
	env.Defer(s.end)
	if err := s.startHub("--insecure"); err != nil {
		return err
	}
	return s.login()
}

// define gives a value that differs from run to run a name, in the script and in what is printed.
func (s *scenario) define(name, value string) {
	if s.script == nil {
		s.env.Setenv(name, value)
	} else {
		s.script.Setenv(name, value)
	}
	s.vars = append(s.vars, variable{name, value})
	slices.SortStableFunc(s.vars, func(a, b variable) int { return len(b.value) - len(a.value) })
}

// value of a variable; empty if there is none.
func (s *scenario) value(name string) string {
	if s.script == nil {
		return s.env.Getenv(name)
	}
	return s.script.Getenv(name)
}

// settable are variables that the CLI knows, and that a script may set.
var settable = []string{"EDITOR", "ARGOCD_SERVER", "ARGOCD_AUTH_TOKEN", "ARGOCD_OPTS", "ARGOCD_APP_NAME", "KUBECTL_EXTERNAL_DIFF"}

// environment is what programs get.
func (s *scenario) environment() []string {
	environment := slices.Clone(s.env.Vars)
	for _, name := range settable {
		if value := s.value(name); value != "" {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}

// named is a text with names for what differs from run to run.
func (s *scenario) named(text string) string {
	pairs := make([]string, 0, 2*len(s.vars))
	for _, v := range s.vars {
		pairs = append(pairs, v.value, "$"+v.name)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// files are keys and certificates that the script may name, and a kubeconfig of its own, as commands change it.
func (s *scenario) files() error {
	for name, from := range map[string]string{
		"ca.crt": s.pkiFile("ca.crt"), "client.crt": s.pkiFile("client.crt"), "client.key": s.pkiFile("client.key"),
		"ssh_key":     filepath.Join(s.world.dir, "ssh_key"),
		"known_hosts": filepath.Join(s.world.dir, "known_hosts"), "signer.asc": filepath.Join(s.world.dir, "signer.asc"), "kubeconfig": s.cluster.AdminKubeconfig(),
	} {
		content, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(s.dir, name), content, 0o600)
		}
		if err != nil {
			return fmt.Errorf("handing out %s: %w", name, err)
		}
	}
	return nil
}

func (s *scenario) clonedRepository() error {
	config := "[user]\n\tname = Ann\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n"
	if err := os.WriteFile(filepath.Join(s.dir, ".gitconfig"), []byte(config), 0o600); err != nil {
		return fmt.Errorf("writing git's configuration: %w", err)
	}
	if _, err := s.git("init", "--quiet", s.clone); err != nil {
		return err
	}
	_, err := s.git("-C", s.clone, "remote", "add", "origin", s.value("REPO"))
	return err
}

func (s *scenario) git(args ...string) (string, error) {
	out, complaints, err := s.program("git", args, nil)
	if err != nil {
		return "", fmt.Errorf("running git %s: %w: %s", args, err, complaints)
	}
	return strings.TrimSpace(out), nil
}

// program runs one with the script's environment.
func (s *scenario) program(path string, args []string, input []byte) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, stage.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = s.dir, s.environment(), bytes.NewReader(input)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err = cmd.Run()
	s.exitCode = cmd.ProcessState.ExitCode()
	return out.String(), complaints.String(), err
}

// startHub runs `fairlead hub` with flags until the scenario ends or stopHub is called.
func (s *scenario) startHub(flags ...string) error {
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	s.stopHub = func() { cancel(); <-done }
	argv := append([]string{
		s.tools.fairlead, "hub", "--kubeconfig", s.cluster.AdminKubeconfig(), "--namespace", s.namespace, "--address", s.address,
		"--data", filepath.Join(s.dir, "hub-data"), "--log-format", "text", "--plugins", filepath.Join(s.dir, "plugins"),
	}, flags...)
	plain := supervise.Answers(scenarioClient, "http://"+s.address+"/healthz")
	secure := supervise.Answers(scenarioClient, "https://"+s.address+"/healthz")
	unit := supervise.Unit{Name: "hub", Argv: argv, Ready: func(ctx context.Context) error {
		if plain(ctx) == nil {
			return nil
		}
		return secure(ctx)
	}}
	o := supervise.Options{LogDir: s.dir, StatusFile: filepath.Join(s.dir, "hub.json"), Log: quiet}
	_ = os.Remove(o.StatusFile)
	go func() {
		defer close(done)
		_ = supervise.Run(ctx, []supervise.Unit{unit}, o)
	}()
	if err := stage.Ready(ctx, o); err != nil {
		log, _ := os.ReadFile(filepath.Join(s.dir, "hub.log"))
		return fmt.Errorf("starting the hub: %w; it says:\n%s", err, log)
	}
	return nil
}

// login is the first thing that a person does. The password is that of the initial Secret.
func (s *scenario) login() error {
	secret, err := s.kube.CoreV1().Secrets(s.namespace).Get(s.ctx, "argocd-initial-admin-secret", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading the admin's password: %w", err)
	}
	s.define("PASSWORD", string(secret.Data["password"]))
	args := []string{"login", s.address, "--plaintext", "--username", "admin", "--password", string(secret.Data["password"])}
	out, complaints, err := s.program(s.tools.argocd, append(args, s.mode.flags...), nil)
	if err != nil {
		return fmt.Errorf("logging in: %w: %s%s", err, out, complaints)
	}
	return nil
}

func (s *scenario) end() {
	s.stopHub()
	if s.idp != nil {
		s.idp.Close()
	}
	// Those that come after have less to look at.
	for _, name := range []string{s.namespace, s.target} {
		_ = s.kube.CoreV1().Namespaces().Delete(context.WithoutCancel(s.ctx), name, metav1.DeleteOptions{})
	}
}

// scenarioClient trusts everybody: what it speaks to listens on this machine only, and its certificate isn't what is tested.
var scenarioClient = &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: trusting, DisableKeepAlives: true}}
