package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/appspec"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newClusterCommand(r *root) *cobra.Command {
	return group("cluster", "Clusters that applications run in", []string{"clusters"},
		newClusterListCommand(r), newClusterGetCommand(r), newClusterAddCommand(r), newClusterSetCommand(r), newClusterRemoveCommand(r),
		newClusterRotateCommand(r))
}

// server is the format that prints addresses alone.
const serverFormat output.Format = "server"

func newClusterListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the clusters", Args: exactArgs(), Example: "  fairlead cluster list"}
	format := outputFlag(cmd, output.Wide, serverFormat, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.ClusterGetList, &protocol.ClusterQuery{})
		if err != nil {
			return err
		}
		if format.Format == serverFormat {
			r.printServers(list.Items)
			return nil
		}
		return output.Print(r.streams.Out, format.Format, list.Items, list.Items, []output.Column[protocol.Cluster]{
			{Title: "SERVER", Cell: func(cl protocol.Cluster) string {
				if n := len(cl.Namespaces); n > 0 {
					return fmt.Sprintf("%s (%d namespaces)", cl.Server, n)
				}
				return cl.Server
			}},
			{Title: "NAME", Cell: func(cl protocol.Cluster) string { return cl.Name }},
			{Title: "VERSION", Cell: func(cl protocol.Cluster) string { return firstOf(cl.Info.ServerVersion, cl.ServerVersion) }},
			{Title: "STATUS", Cell: func(cl protocol.Cluster) string {
				return firstOf(cl.Info.ConnectionState.Status, cl.ConnectionState.Status)
			}},
			{Title: "MESSAGE", Cell: func(cl protocol.Cluster) string {
				return firstOf(cl.Info.ConnectionState.Message, cl.ConnectionState.Message)
			}},
			{Title: "PROJECT", Cell: func(cl protocol.Cluster) string { return cl.Project }},
		})
	})
	return cmd
}

func (r *root) printServers(clusters []protocol.Cluster) {
	for _, cluster := range clusters {
		r.printf("%s\n", cluster.Server)
	}
}

// clusterQuery finds a cluster by its URL or by its name.
func clusterQuery(text string) *protocol.ClusterQuery {
	if strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://") {
		return &protocol.ClusterQuery{Server: text}
	}
	return &protocol.ClusterQuery{Name: text}
}

func newClusterGetCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "get SERVER/NAME...", Short: "Show clusters", Args: someArgs("SERVER/NAME", never), ValidArgsFunction: r.completeCluster,
		Example: "  fairlead cluster get production -o wide",
	}
	format := outputFlag(cmd, output.YAML, output.JSON, output.Wide, serverFormat)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		var clusters []protocol.Cluster
		for _, text := range args {
			cluster, err := client.Call(ctx, c, protocol.ClusterGet, clusterQuery(text))
			if err != nil {
				return err
			}
			clusters = append(clusters, *cluster)
		}
		var value any = clusters
		if len(clusters) == 1 {
			value = clusters[0]
		}
		if done, err := output.Value(r.streams.Out, format.Format, value); done {
			return err
		}
		if format.Format == serverFormat {
			r.printServers(clusters)
			return nil
		}
		for i := range clusters {
			r.printCluster(&clusters[i])
		}
		return nil
	})
	return cmd
}

func (r *root) printCluster(c *protocol.Cluster) {
	r.printf("Cluster information\n\n")
	r.printf("  Server URL:            %s\n", c.Server)
	r.printf("  Server Name:           %s\n", firstOf(c.Name, "-"))
	r.printf("  Server Version:        %s\n", firstOf(c.Info.ServerVersion, c.ServerVersion))
	r.printf("  Namespaces:        \t %s\n", firstOf(strings.Join(c.Namespaces, ", "), "all namespaces"))
	r.printf("\nTLS configuration\n\n")
	r.printf("  Client cert:           %t\n", len(c.Config.TLSClientConfig.CertData) > 0)
	r.printf("  Cert validation:       %t\n", !c.Config.TLSClientConfig.Insecure)
	r.printf("\nAuthentication\n\n")
	r.printf("  Basic authentication:  %t\n", c.Config.Username != "")
	r.printf("  oAuth authentication:  %t\n", c.Config.BearerToken != "")
	r.printf("  AWS authentication:    %t\n", c.Config.AWSAuthConfig != nil)
	r.printf("\nDisable compression: %t\n\nUse proxy: %t\n\n", c.Config.DisableCompression, c.Config.ProxyURL != "")
}

func newClusterSetCommand(r *root) *cobra.Command {
	cluster := &protocol.Cluster{}
	var labels, annotations []string
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Change a cluster", Args: exactArgs("NAME"), ValidArgsFunction: r.completeCluster,
		Example: "  fairlead cluster set production --name prod --namespace '*' --label stage=production",
	}
	cmd.Flags().StringVar(&cluster.Name, "name", "", "new name")
	cmd.Flags().StringArrayVar(&cluster.Namespaces, "namespace", nil, "namespace that is managed, * for all; may be repeated")
	cmd.Flags().StringArrayVar(&labels, "label", nil, "KEY=VALUE label; may be repeated")
	cmd.Flags().StringArrayVar(&annotations, "annotation", nil, "KEY=VALUE annotation; may be repeated")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) (err error) {
		var fields []string
		for _, field := range [][2]string{{"name", "name"}, {"namespace", "namespaces"}, {"label", "labels"}, {"annotation", "annotations"}} {
			if cmd.Flags().Changed(field[0]) {
				fields = append(fields, field[1])
			}
		}
		if fields == nil {
			r.printf("Specify the cluster field to be updated.\n")
			return nil
		}
		if len(cluster.Namespaces) == 1 && cluster.Namespaces[0] == "*" {
			cluster.Namespaces[0] = ""
		}
		if cluster.Labels, err = appspec.Pairs(labels); err != nil {
			return err
		}
		if cluster.Annotations, err = appspec.Pairs(annotations); err != nil {
			return err
		}
		if _, err := client.Call(ctx, c, protocol.ClusterUpdate, &protocol.ClusterUpdateRequest{
			Cluster: cluster, UpdatedFields: fields, ID: &protocol.ClusterID{Type: "name", Value: args[0]},
		}); err != nil {
			return err
		}
		r.printf("Cluster '%s' updated.\n", args[0])
		return nil
	})
	return cmd
}

func newClusterRemoveCommand(r *root) *cobra.Command {
	var yes bool
	kube := &kubeFlags{}
	cmd := &cobra.Command{
		Use: "rm SERVER/NAME...", Short: "Forget clusters, and remove our account there", Args: someArgs("SERVER/NAME", never), ValidArgsFunction: r.completeCluster,
		Example: "  fairlead cluster rm old-production --yes",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	kube.flag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		const warning = "? Any Apps deploying to this cluster will go to health status Unknown."
		asking := &confirmations{r: r, enabled: !yes, many: len(args) > 1}
		for _, text := range args {
			if !asking.next("Are you sure you want to remove '"+text+"'"+warning+"[y/n] ",
				"Are you sure you want to remove '"+text+"'"+warning+"[y/n/A] where 'A' is to remove all specified clusters without prompting. ") {
				r.printf("The command to remove '%s' was cancelled.\n", text)
				continue
			}
			cluster, err := client.Call(ctx, c, protocol.ClusterGet, clusterQuery(text))
			if err != nil {
				return err
			}
			if _, err := client.Call(ctx, c, protocol.ClusterDelete, clusterQuery(text)); err != nil {
				return err
			}
			r.printf("Cluster '%s' removed\n", text)
			if err := r.removeManager(ctx, kube, cluster.Name); err != nil {
				return errors.Join(fmt.Errorf("removing our account from cluster '%s', which the hub has forgotten", cluster.Name), err)
			}
		}
		return nil
	})
	return cmd
}

func newClusterRotateCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "rotate-auth SERVER/NAME", Short: "Give a cluster's account a new token", Args: exactArgs("SERVER/NAME"), ValidArgsFunction: r.completeCluster,
		Example: "  fairlead cluster rotate-auth production",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			if _, err := client.Call(ctx, c, protocol.ClusterRotate, clusterQuery(args[0])); err != nil {
				return err
			}
			r.printf("Cluster '%s' rotated auth\n", args[0])
			return nil
		}),
	}
}
