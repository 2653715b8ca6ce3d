//go:build e2e

package script

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// fleet is where the scenarios run.
type fleet struct {
	dir, binary string
	Endpoints   struct {
		Hub         string `json:"hub"`
		Git         string `json:"git"`
		GitUser     string `json:"gitUser"`
		GitPassword string `json:"gitPassword"`
		Registry    string `json:"registry"`
	} `json:"endpoints"`
}

func TestScenarios(t *testing.T) {
	f := openFleet(t)
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: f.setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"fairlead":   f.cmdFairlead,
			"kubectl":    f.cmdKubectl,
			"eventually": f.cmdEventually,
			"protect":    f.cmdProtect,
			"unprotect":  f.cmdUnprotect,
			"subst":      cmdSubst,
		},
	})
}

func openFleet(t *testing.T) *fleet {
	t.Helper()
	binary, err := filepath.Abs("../../bin/fairlead")
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{dir: os.Getenv("FAIRLEAD_FLEET"), binary: binary}
	out, err := exec.Command(binary, f.local("status", "-o", "json")...).Output()
	if err != nil {
		t.Fatalf("asking the fleet for its addresses: %v: is it up?", err)
	}
	if err := json.Unmarshal(out, f); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fleet) local(command string, args ...string) []string {
	all := []string{"local", command}
	if f.dir != "" {
		all = append(all, "--dir", f.dir)
	}
	return append(all, args...)
}

// setup gives a scenario its addresses, its git configuration and a login as admin.
func (f *fleet) setup(env *testscript.Env) error {
	host, err := url.Parse(f.Endpoints.Git)
	if err != nil {
		return err
	}
	host.User = url.UserPassword(f.Endpoints.GitUser, f.Endpoints.GitPassword)
	config := fmt.Sprintf("[user]\n\tname = Dana\n\temail = dana@example.com\n[init]\n\tdefaultBranch = main\n[credential]\n\thelper = store --file %s\n",
		filepath.Join(env.WorkDir, "git-credentials"))
	for name, text := range map[string]string{"git-credentials": host.String() + "\n", "gitconfig": config} {
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	env.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(env.WorkDir, "gitconfig"))
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("FAIRLEAD_CONFIG", filepath.Join(env.WorkDir, "logins.yaml"))
	env.Setenv("GIT", f.Endpoints.Git)
	env.Setenv("REGISTRY", f.Endpoints.Registry)
	env.Setenv("HUB", f.Endpoints.Hub)
	env.Setenv("FAIRLEAD", f.binary)
	if f.dir != "" {
		env.Setenv("FLEET_FLAG", "--dir="+f.dir)
	}
	// A name that no earlier run on this fleet has used.
	scenario := strings.ReplaceAll(strings.TrimPrefix(filepath.Base(env.WorkDir), "script-"), "_", "-")
	env.Setenv("NAME", fmt.Sprintf("%s-%x", scenario, time.Now().UnixNano()&0xffffff))
	return f.login(env)
}

func (f *fleet) login(env *testscript.Env) error {
	out, err := exec.CommandContext(context.Background(), f.binary, f.local("kubectl", "hub", "--", "-n", "argocd", "get", "secret",
		"argocd-initial-admin-secret", "-o", "jsonpath={.data.password}")...).Output()
	if err != nil {
		return fmt.Errorf("reading the admin's password: %w", err)
	}
	password, err := base64.StdEncoding.DecodeString(string(out))
	if err != nil {
		return err
	}
	cmd := exec.Command(f.binary, "login", f.Endpoints.Hub, "--username", "admin", "--password-stdin")
	cmd.Stdin = strings.NewReader(string(password) + "\n")
	cmd.Env = append(os.Environ(), env.Vars...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("logging in: %w: %s", err, out)
	}
	return nil
}
