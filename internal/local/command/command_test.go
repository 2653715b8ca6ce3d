package command

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"fairlead.dev/fairlead/internal/cli"
	"fairlead.dev/fairlead/internal/local"
)

// run runs `fairlead local ARGS…` and returns what it printed.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := New(cli.IOStreams{In: strings.NewReader(""), Out: &out, Err: &out})
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestWithoutAFleetEveryCommandSaysHowToGetOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{{"status"}, {"status", "-o", "json"}, {"down"}, {"reset"}, {"kubeconfig", "dev"}} {
		_, err := run(t, append(args, "--dir", dir)...)
		if err == nil || !strings.Contains(err.Error(), "start one with `fairlead local up`") || !strings.Contains(err.Error(), dir) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestBadOptionsAreUsageErrors(t *testing.T) {
	for name, args := range map[string][]string{
		"subnet":  {"up", "--subnet", "nonsense"},
		"members": {"up", "--members", "Dev"},
		"output":  {"status", "-o", "nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, append(args, "--dir", t.TempDir())...)
			if code := cli.ExitCode(err); code != cli.ExitUsage {
				t.Errorf("exit code %d: %v", code, err)
			}
		})
	}
}

func TestUpSaysWhatIsMissing(t *testing.T) {
	_, err := run(t, "up", "--dir", t.TempDir(), "--tools", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "make tools") {
		t.Errorf("got %v", err)
	}
}

func TestAFleetThatIsDownIsReportedAsSuch(t *testing.T) {
	dir := t.TempDir()
	o := local.Default(dir)
	o.Timeout = 1 // nanosecond: the state is recorded, and nothing is started in time
	o.Tools.Fairlead = "/nonexistent"
	if _, err := local.Up(t.Context(), o, &bytes.Buffer{}); err == nil {
		t.Fatal("a fleet of nothing came up")
	}
	out, err := run(t, "status", "--dir", dir)
	if err != nil || !strings.Contains(out, "The fleet is down") {
		t.Errorf("table: %q, %v", out, err)
	}
	out, err = run(t, "status", "--dir", dir, "-o", "json")
	var report local.Report
	if err != nil || json.Unmarshal([]byte(out), &report) != nil || report.Running || report.Endpoints.Hub == "" {
		t.Errorf("JSON: %s, %v", out, err)
	}
	if out, err = run(t, "down", "--dir", dir); err != nil || !strings.Contains(out, "The fleet is down") {
		t.Errorf("down: %q, %v", out, err)
	}
}
