package cli

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newVersionCommand(r *root) *cobra.Command {
	var short, clientOnly bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version of this program and of the hub", Args: exactArgs(),
		Example: "  fairlead version\n  fairlead version --client\n  fairlead version --short -o json",
	}
	format := outputFlag(cmd, output.Wide, output.JSON, output.YAML, output.Short)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		own := ownVersion(r.version)
		var hub *protocol.VersionMessage
		if !clientOnly {
			ask := r.run(func(ctx context.Context, c *client.Client, _ []string) (err error) {
				hub, err = client.Call(ctx, c, protocol.Version, &protocol.VersionRequest{})
				return err
			})
			if err := ask(cmd, nil); err != nil {
				return err
			}
		}
		short := short || format.Format == output.Short
		value := map[string]any{"client": own}
		if short {
			value["client"] = map[string]string{"fairlead": own.Version}
		}
		if hub != nil {
			value["server"] = hub
			if short {
				value["server"] = map[string]string{"argocd-server": hub.Version}
			}
		}
		if done, err := output.Value(r.streams.Out, format.Format, value); done {
			return err
		}
		r.printVersion("fairlead", own, short)
		if hub != nil {
			r.printVersion("argocd-server", hub, short)
		}
		return nil
	}
	r.connection.kubeFlags(cmd)
	cmd.Flags().BoolVar(&short, "short", false, "only the version's number")
	cmd.Flags().BoolVar(&clientOnly, "client", false, "only that of this program")
	return cmd
}

// ownVersion is what the linker and the compiler say of this program.
func ownVersion(version string) *protocol.VersionMessage {
	own := &protocol.VersionMessage{
		Version: version, GoVersion: runtime.Version(), Compiler: runtime.Compiler, Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return own
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			own.GitCommit = setting.Value
		case "vcs.time":
			own.BuildDate = setting.Value
		case "vcs.modified":
			own.GitTreeState = map[string]string{"true": "dirty", "false": "clean"}[setting.Value]
		}
	}
	return own
}

func (r *root) printVersion(name string, v *protocol.VersionMessage, short bool) {
	r.printf("%s: %s\n", name, v.Version)
	if short {
		return
	}
	for _, line := range [][2]string{
		{"BuildDate", v.BuildDate}, {"GitCommit", v.GitCommit}, {"GitTreeState", v.GitTreeState}, {"GitTag", v.GitTag},
		{"GoVersion", v.GoVersion}, {"Compiler", v.Compiler}, {"Platform", v.Platform}, {"ExtraBuildInfo", v.ExtraBuildInfo},
		{"Kustomize Version", v.KustomizeVersion}, {"Helm Version", v.HelmVersion}, {"Kubectl Version", v.KubectlVersion},
		{"Jsonnet Version", v.JsonnetVersion},
	} {
		if line[1] != "" {
			r.printf("  %s: %s\n", line[0], line[1])
		}
	}
}
