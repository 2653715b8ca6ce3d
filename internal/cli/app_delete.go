package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppDeleteCommand(r *root) *cobra.Command {
	var yes, cascade, wait bool
	var propagation, selector string
	t := &target{}
	cmd := &cobra.Command{
		Use: "delete APPNAME...", Short: "Delete applications and, with cascade, what they manage",
		Example: "  fairlead app delete echo-dev --yes\n  fairlead app delete echo-dev --cascade=false --yes\n  fairlead app delete -l stage=dev --wait",
		Args:    someArgs("APPNAME", func() bool { return selector != "" }),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	cmd.Flags().BoolVar(&cascade, "cascade", true, "delete their objects in the cluster too")
	cmd.Flags().StringVarP(&propagation, "propagation-policy", "p", "foreground", "how objects are deleted: foreground or background")
	cmd.Flags().StringVarP(&selector, "selector", "l", "", "the applications with these labels")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until they are gone")
	t.flag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		names := args
		if selector != "" {
			var err error
			if names, err = named(ctx, c, &protocol.ApplicationQuery{Selector: selector}); err != nil {
				return err
			}
			if len(names) == 0 {
				return fmt.Errorf("no apps match selector %v", selector)
			}
		}
		asking := &confirmations{r: r, enabled: cascade && !yes && r.streams.Terminal(), many: len(names) > 1}
		for _, ref := range names {
			if !asking.next("Are you sure you want to delete '"+ref+"' and all its resources? [y/n] ",
				"Are you sure you want to delete '"+ref+"' and all its resources? [y/n/a] where 'a' is to delete all specified apps and their resources without prompting ") {
				r.printf("The command to delete '%s' was cancelled.\n", ref)
				continue
			}
			namespace, name := t.of(ref)
			request := &protocol.ApplicationDeleteRequest{Name: name, AppNamespace: namespace}
			if cmd.Flags().Changed("cascade") {
				request.Cascade = &cascade
			}
			if cmd.Flags().Changed("propagation-policy") {
				request.PropagationPolicy = propagation
			}
			if err := r.deleteApp(ctx, c, request, wait); err != nil {
				return err
			}
			r.printf("application '%s' deleted\n", ref)
		}
		return nil
	})
	return cmd
}

// deleteApp deletes an application, and waits until it is gone.
func (r *root) deleteApp(ctx context.Context, c *client.Client, request *protocol.ApplicationDeleteRequest, wait bool) error {
	if _, err := client.Call(ctx, c, protocol.ApplicationDelete, request); err != nil || !wait {
		return err
	}
	query := &protocol.ApplicationQuery{Name: request.Name, AppNamespace: request.AppNamespace}
	if vanished(ctx, c, query) {
		return nil
	}
	for event, err := range follow(ctx, c, query) {
		if err != nil {
			return err
		}
		if event.Type == "DELETED" {
			return nil
		}
	}
	return ctx.Err()
}
