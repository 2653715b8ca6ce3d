package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/cli/session"
	"fairlead.dev/fairlead/internal/client"
)

// root is what all commands share: the streams, and the flags that every command has.
type root struct {
	streams    IOStreams
	version    string
	connection connection
	// prompts makes commands ask before they delete; by the flag, else by the file of logins.
	prompts bool
	input   *bufio.Reader
	// core serves the API in this process; nil where it can't. Stop ends what it has begun.
	core Core
	stop func()
}

// NewCommand returns the command line. Commands that run a process of the fleet (hub, agent, local) are added by main:
// they are not faces. Core is for who has no hub, only a kubeconfig; nil for no such thing.
func NewCommand(streams IOStreams, version string, core Core) *cobra.Command {
	r := &root{streams: streams, version: version, core: core}
	cmd := &cobra.Command{
		Use:   "fairlead",
		Short: "From git push to a canary in production, across a fleet of Kubernetes clusters",
		Long: `Fairlead builds images, writes their tags to the deployment repository, deploys to Dev at once, carries the
release through Staging and Production as a canary, and rolls it back. Git is the single source of truth.

The verbs of argocd are verbs of fairlead, with the same flags and the same output; its file of logins is shared, and
ARGOCD_SERVER, ARGOCD_AUTH_TOKEN and ARGOCD_OPTS are read.

Exit codes: 0 done, 1 usage or differences found, 20 anything else that went wrong.`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetIn(streams.In)
	cmd.SetOut(streams.Out)
	cmd.SetErr(streams.Err)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &UsageError{err} })

	flags := cmd.PersistentFlags()
	r.connection.flags(flags)
	flags.BoolVar(&r.prompts, "prompts-enabled", false, "ask before something is deleted; default: what 'fairlead configure' has set")
	fromOptions := defaultsFromEnvironment(flags)
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if logins, err := session.Load(r.connection.config); err == nil && !cmd.Flags().Changed("prompts-enabled") {
			r.prompts = r.prompts || logins.PromptsEnabled
		}
		return fromOptions
	}

	cmd.AddCommand(
		newLoginCommand(r), newReloginCommand(r), newLogoutCommand(r), newContextCommand(r), newConfigureCommand(r), newAccountCommand(r),
		newAppCommand(r), newRolloutCommand(r), newBuildCommand(r),
		newClusterCommand(r), newRepoCommand(r), newRepoCredsCommand(r), newProjCommand(r),
		newAppSetCommandGroup(r), newCertCommand(r), newGPGCommand(r), newAdminCommand(r),
		newVersionCommand(r), newDocsCommand(cmd),
	)
	return cmd
}

// group is a command that only has others below it.
func group(use, short string, aliases []string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Aliases: aliases}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &UsageError{fmt.Errorf("unknown command %q for %q; see '%s --help'", args[0], cmd.CommandPath(), cmd.CommandPath())}
		}
		_ = cmd.Help() // there is nowhere to say that saying it failed
		return &ExitCodeError{ExitUsage}
	}
	cmd.AddCommand(commands...)
	return cmd
}

// connect returns a client with the user's login.
func (r *root) connect(ctx context.Context) (*client.Client, error) {
	inProcess, err := r.withoutHub()
	if err != nil {
		return nil, err
	}
	if inProcess {
		return r.inProcess(ctx)
	}
	options, err := r.options()
	if err != nil {
		return nil, err
	}
	return r.dial(ctx, options)
}

func (r *root) dial(_ context.Context, options client.Options) (*client.Client, error) {
	options.UserAgent = "fairlead/" + r.version
	return client.Dial(options)
}

// outputFlag adds -o to a command and returns where its value will be. The first of the formats is the default.
func outputFlag(cmd *cobra.Command, formats ...output.Format) *outputValue {
	if len(formats) == 0 {
		formats = []output.Format{output.Table, output.Wide, output.JSON, output.YAML, output.Name}
	}
	value := &outputValue{Format: formats[0], formats: formats}
	cmd.Flags().VarP(value, "output", "o", "output format, one of: "+value.choices())
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return strings.Split(value.choices(), "|"), cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // the flag was added two lines above
	}
	return value
}

// outputValue is the value of -o; it refuses formats that a command doesn't have.
type outputValue struct {
	output.Format
	formats []output.Format
}

func (v *outputValue) choices() string {
	var names []string
	for _, format := range v.formats {
		if format != "" {
			names = append(names, string(format))
		}
	}
	return strings.Join(names, "|")
}

// Set checks and keeps the value.
func (v *outputValue) Set(text string) error {
	if text != "" && !slices.Contains(v.formats, output.Format(text)) {
		return fmt.Errorf("unknown output format: %s; it is one of: %s", text, v.choices())
	}
	v.Format = output.Format(text)
	return nil
}

// String is the value.
func (v *outputValue) String() string { return string(v.Format) }

// Type is what usage shows for the value.
func (v *outputValue) Type() string { return "format" }

// run turns a function with a connected client into what cobra runs.
func (r *root) run(do func(context.Context, *client.Client, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := r.connect(cmd.Context())
		if err != nil {
			return err
		}
		defer c.Close()
		if r.stop != nil {
			defer r.stop()
		}
		return do(cmd.Context(), c, args)
	}
}

// someArgs checks that there is an argument, unless something else says what is meant.
func someArgs(name string, otherwise func() bool) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 || otherwise() {
			return nil
		}
		return exactArgs(name)(cmd, args)
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

func (r *root) printf(format string, args ...any) { fmt.Fprintf(r.streams.Out, format, args...) }

// note tells the user something that is not output: it goes to the error stream.
func (r *root) note(format string, args ...any) { fmt.Fprintf(r.streams.Err, format+"\n", args...) }
