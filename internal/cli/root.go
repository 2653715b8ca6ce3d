package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/cli/session"
	"fairlead.dev/fairlead/internal/client"
)

// root is what all commands share: the streams and the flags that every command has.
type root struct {
	streams  IOStreams
	version  string
	config   string
	server   string
	token    string
	insecure bool
}

// NewCommand returns the command line. Commands that run a process of the fleet (hub, agent, local) are added by main:
// they are not faces.
func NewCommand(streams IOStreams, version string) *cobra.Command {
	r := &root{streams: streams, version: version}
	cmd := &cobra.Command{
		Use:   "fairlead",
		Short: "From git push to a canary in production, across a fleet of Kubernetes clusters",
		Long: `Fairlead builds images, writes their tags to the deployment repository, deploys to Dev at once, carries the
release through Staging and Production as a canary, and rolls it back. Git is the single source of truth.

Exit codes: 0 done, 1 error, 2 usage, 3 not logged in or not allowed, 4 not found, 5 out of time,
6 hub not reachable, 7 the work was done and failed, 8 differences found.`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetIn(streams.In)
	cmd.SetOut(streams.Out)
	cmd.SetErr(streams.Err)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &UsageError{err} })

	flags := cmd.PersistentFlags()
	flags.StringVar(&r.config, "config", fromEnvironment("FAIRLEAD_CONFIG", defaultConfig()), "file with the logins")
	flags.StringVar(&r.server, "server", os.Getenv("FAIRLEAD_SERVER"), "URL of the hub; default: that of the last login")
	flags.StringVar(&r.token, "auth-token", "", "token to use instead of a login (default $FAIRLEAD_AUTH_TOKEN)")
	flags.BoolVar(&r.insecure, "insecure", false, "accept any TLS certificate of the hub")

	cmd.AddCommand(
		newLoginCommand(r), newLogoutCommand(r), newAccountCommand(r),
		newAppCommand(r), newRolloutCommand(r), newBuildCommand(r),
		newClusterCommand(r), newRepoCommand(r), newProjCommand(r),
		newVersionCommand(r), newDocsCommand(cmd),
	)
	return cmd
}

// connect returns a client with the user's login.
func (r *root) connect() (*client.Client, error) {
	logins, err := session.Load(r.config)
	if err != nil {
		return nil, err
	}
	login, ok := logins.Login(r.server)
	if login.Server == "" {
		return nil, errors.New("not logged in to a hub: run 'fairlead login SERVER', or give --server")
	}
	if token := firstOf(r.token, os.Getenv("FAIRLEAD_AUTH_TOKEN")); token != "" {
		login.Token, ok = token, true
	}
	if !ok {
		return nil, fmt.Errorf("not logged in to %s: run 'fairlead login %s'", login.Server, login.Server)
	}
	return r.dial(login)
}

func (r *root) dial(login session.Login) (*client.Client, error) {
	return client.Dial(client.Options{
		Server: login.Server, Token: login.Token, Insecure: login.Insecure || r.insecure,
		UserAgent: "fairlead/" + r.version,
	})
}

// outputFlag adds -o to a command and returns where its value will be.
func outputFlag(cmd *cobra.Command) *outputValue {
	value := &outputValue{}
	cmd.Flags().VarP(value, "output", "o", "output format: "+strings.Join(output.Formats, ", "))
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return output.Formats, cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // the flag was added two lines above
	}
	return value
}

// outputValue is the value of -o; it refuses formats that don't exist.
type outputValue struct{ output.Format }

// Set checks and keeps the value.
func (v *outputValue) Set(text string) (err error) {
	v.Format, err = output.Parse(text)
	return err
}

// String is the value.
func (v *outputValue) String() string { return string(v.Format) }

// Type is what usage shows for the value.
func (v *outputValue) Type() string { return "format" }

// run turns a function with a connected client into what cobra runs.
func (r *root) run(do func(context.Context, *client.Client, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := r.connect()
		if err != nil {
			return err
		}
		defer c.Close()
		return do(cmd.Context(), c, args)
	}
}

// exactArgs is cobra's check with an error that says what is missing.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return &UsageError{fmt.Errorf("%s needs %s; see '%s --help'", cmd.CommandPath(), strings.Join(names, " and "), cmd.CommandPath())}
	}
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func fromEnvironment(name, otherwise string) string { return firstOf(os.Getenv(name), otherwise) }

func defaultConfig() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		dir = "."
	}
	return filepath.Join(dir, "fairlead", "logins.yaml")
}

func (r *root) printf(format string, args ...any) { fmt.Fprintf(r.streams.Out, format, args...) }

// note tells the user something that is not output: it goes to the error stream.
func (r *root) note(format string, args ...any) { fmt.Fprintf(r.streams.Err, format+"\n", args...) }
