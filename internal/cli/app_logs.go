package cli

import (
	"context"

	"connectrpc.com/connect"
	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppLogsCommand(r *root) *cobra.Command {
	query := &protocol.ApplicationPodLogsQuery{}
	cmd := &cobra.Command{
		Use: "logs APPNAME", Short: "Print the logs of an application's pods",
		Example: "  fairlead app logs echo-dev --tail 100 -f\n  fairlead app logs echo-dev --kind Deployment --name web -c app --filter error",
	}
	flags := cmd.Flags()
	flags.StringVar(&query.Group, "group", "", "group of the object whose pods are meant")
	flags.StringVar(&query.Kind, "kind", "", "kind of the object whose pods are meant")
	flags.StringVar(&query.Namespace, "namespace", "", "namespace of the object whose pods are meant")
	flags.StringVar(&query.ResourceName, "name", "", "name of the object whose pods are meant")
	flags.BoolVarP(&query.Follow, "follow", "f", false, "go on with what comes")
	flags.Int64Var(&query.TailLines, "tail", 0, "only this many of the last lines; 0 for all")
	flags.Int64Var(&query.SinceSeconds, "since-seconds", 0, "only lines of the last this many seconds; 0 for all")
	flags.StringVar(&query.UntilTime, "until-time", "", "only lines until this time (RFC 3339)")
	flags.StringVar(&query.Filter, "filter", "", "only lines with this text; without it with a leading !")
	flags.StringVarP(&query.Container, "container", "c", "", "container")
	flags.BoolVarP(&query.Previous, "previous", "p", false, "logs of the containers before the last restart")
	flags.BoolVarP(&query.MatchCase, "match-case", "m", false, "let the filter tell capital letters from small ones")
	return r.appVerb(cmd, func(ctx context.Context, c *client.Client, namespace, name string) error {
		query.Name, query.AppNamespace = name, namespace
		for {
			err := r.printLogs(ctx, c, query)
			if !query.Follow || connect.CodeOf(err) != connect.CodeUnavailable || ctx.Err() != nil {
				return err
			}
			query.SinceSeconds = 1 // the hub went away: on with what came since
		}
	})
}

func (r *root) printLogs(ctx context.Context, c *client.Client, query *protocol.ApplicationPodLogsQuery) error {
	for entry, err := range client.Stream(ctx, c, protocol.ApplicationPodLogs, query) {
		if err != nil {
			return err
		}
		if entry.Last {
			return nil
		}
		r.printf("%s\n", entry.Content)
	}
	return nil
}
