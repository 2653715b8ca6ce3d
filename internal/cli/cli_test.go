package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
)

// run runs the command line with a file of logins of its own.
func run(t *testing.T, stdin string, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	cmd := NewCommand(IOStreams{In: strings.NewReader(stdin), Out: &out, Err: io.Discard}, "v0", nil)
	cmd.SetArgs(append([]string{"--config", t.TempDir() + "/config"}, args...))
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestExitCodesTellWhatWentWrong(t *testing.T) {
	refused := func(code connect.Code, message string) error {
		return fmt.Errorf("doing something: %w", connect.NewError(code, errors.New(message)))
	}
	for want, errs := range map[int][]error{
		ExitOK: {nil},
		ExitError: {
			errors.New("anything"), refused(connect.CodePermissionDenied, "x"), refused(connect.CodeNotFound, "x"), refused(connect.CodeUnavailable, "x"),
		},
		ExitUsage: {&UsageError{errors.New("x")}, fmt.Errorf("more: %w", &FailedError{errors.New("x")})},
		42:        {&ExitCodeError{42}},
	} {
		for _, err := range errs {
			if got := ExitCode(err); got != want {
				t.Errorf("%v: exit code %d, want %d", err, got, want)
			}
		}
	}
}

func TestCommandLinesThatMakeNoSense(t *testing.T) {
	for line, says := range map[string]string{
		"app get":                        "fairlead app get needs APPNAME",
		"app get a b":                    "fairlead app get needs APPNAME",
		"app list -o xml":                "unknown output format: xml",
		"app list --no-such-flag":        "unknown flag: --no-such-flag",
		"login http://x":                 "no password",
		"rollout promote":                "needs APP",
		"account can-i sync":             "needs ACTION and RESOURCE and OBJECT",
		"repo add":                       "needs REPOURL",
		"login ftp://x --password y":     "ftp://x",
		"app sync a --timeout yesterday": "yesterday",
	} {
		_, err := run(t, "", strings.Fields(line)...)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("fairlead %s: error %v, want %q in it", line, err, says)
		} else if code := ExitCode(err); code != ExitUsage {
			t.Errorf("fairlead %s: exit code %d, want %d", line, code, ExitUsage)
		}
	}
}

func TestWithoutLoginTheWayToOneIsSaid(t *testing.T) {
	for line, says := range map[string]string{
		"app list":                        "run 'fairlead login SERVER'",
		"app list --server http://h:8080": "run 'fairlead login http://h:8080'",
	} {
		if _, err := run(t, "", strings.Fields(line)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("fairlead %s: error %v, want %q in it", line, err, says)
		}
	}
}

func TestHubThatIsAwayHasItsExitCode(t *testing.T) {
	_, err := run(t, "", "app", "list", "--server", "http://127.0.0.1:1", "--auth-token", "t")
	if ExitCode(err) != ExitError || !strings.Contains(err.Error(), "reaching the hub at http://127.0.0.1:1") {
		t.Errorf("error %v with exit code %d", err, ExitCode(err))
	}
}

func TestUnknownApplicationIsNamed(t *testing.T) {
	hidden := &client.Error{Code: connect.CodePermissionDenied, Message: "permission denied"}
	if err := unknownApp(hidden, "shop"); ExitCode(err) != ExitError || !strings.Contains(err.Error(), "'shop'") {
		t.Errorf("error %v with exit code %d", err, ExitCode(err))
	}
	denied := &client.Error{Code: connect.CodePermissionDenied, Message: "permission denied: applications, sync, demo/shop"}
	if err := unknownApp(denied, "shop"); err != error(denied) {
		t.Errorf("a refusal that names its object became %v", err)
	}
}

func TestParseResources(t *testing.T) {
	got, err := parseResources([]string{"apps:Deployment:shop/web", "!*:Service:*"})
	if err != nil || fmt.Sprint(got) != "[{apps Deployment web shop false} {* Service *  true}]" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "Deployment", "apps:Deployment", "apps:Deployment:a/b/c"} {
		if _, err := parseResources([]string{text}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// Every command says what it does, and shows how.
func TestEveryCommandHelps(t *testing.T) {
	root := NewCommand(IOStreams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}, "v0", nil)
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Short == "" {
			t.Errorf("%s says nothing about itself", cmd.CommandPath())
		}
		if cmd.Runnable() && !cmd.HasSubCommands() && cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(root)
	root.SetArgs([]string{"version", "--client"})
	if err := root.ExecuteContext(context.Background()); err != nil {
		t.Error(err)
	}
}
