package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "app", Aliases: []string{"application", "apps"}, Short: "Applications: what runs where, and how it gets there"}
	cmd.AddCommand(
		newAppListCommand(r), newAppGetCommand(r), newAppCreateCommand(r), newAppDeleteCommand(r),
		newAppSyncCommand(r), newAppWaitCommand(r), newAppDiffCommand(r), newAppManifestsCommand(r),
		newAppHistoryCommand(r), newAppRollbackCommand(r), newAppReleaseCommand(r), newAppTerminateCommand(r), newAppActionsCommand(r),
	)
	r.aboutApps(cmd)
	return cmd
}

// aboutApps lets the subcommands that take an application complete its name, and say clearly that there is none.
func (r *root) aboutApps(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		if !strings.Contains(sub.Use, "APP") {
			continue
		}
		run := sub.RunE
		sub.ValidArgsFunction = r.completeApp
		sub.RunE = func(cmd *cobra.Command, args []string) error { return unknownApp(run(cmd, args), args[0]) }
	}
}

// unknownApp gives a name to the hub's bare "permission denied", which is its answer for applications that don't exist or
// that the caller may not even see.
func unknownApp(err error, name string) error {
	var failed *client.Error
	if errors.As(err, &failed) && failed.Code == connect.CodePermissionDenied && failed.Message == "permission denied" {
		return &NotFoundError{fmt.Errorf("application '%s' does not exist, or you may not see it; 'fairlead app list' shows those that you may", name)}
	}
	return err
}

// completeApp offers the names of applications.
func (r *root) completeApp(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	_ = r.run(func(ctx context.Context, c *client.Client, _ []string) error { // no login, no names: that is no error while typing
		list, err := client.Call(ctx, c, protocol.ApplicationList, &protocol.ApplicationQuery{})
		if err != nil {
			return err
		}
		for _, app := range list.Items {
			names = append(names, app.Name)
		}
		return nil
	})(cmd, nil)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// appRef splits NAMESPACE/NAME; the namespace may be left out.
func appRef(text string) (namespace, name string) {
	if namespace, name, ok := strings.Cut(text, "/"); ok {
		return namespace, name
	}
	return "", text
}

func getApp(ctx context.Context, c *client.Client, ref, refresh string) (*v1alpha1.Application, error) {
	namespace, name := appRef(ref)
	return client.Call(ctx, c, protocol.ApplicationGet,
		&protocol.ApplicationQuery{Name: name, AppNamespace: namespace, Refresh: refresh})
}

// destination is how a destination is shown: its name or URL, and the namespace.
func destination(d v1alpha1.ApplicationDestination) string {
	return firstOf(d.Name, d.Server) + "/" + firstOf(d.Namespace, "-")
}

func short(revision string) string {
	if len(revision) == 40 {
		return revision[:7]
	}
	return revision
}
