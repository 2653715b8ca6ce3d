package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppSetCommandGroup(r *root) *cobra.Command {
	return group("appset", "ApplicationSets: applications made from a template", []string{"applicationset", "appsets"},
		newAppSetListCommand(r), newAppSetGetCommand(r), newAppSetCreateCommand(r), newAppSetGenerateCommand(r), newAppSetDeleteCommand(r))
}

// setTarget is the ApplicationSet that a command is about: NAME or NAMESPACE/NAME, and -N.
func setTarget(cmd *cobra.Command) *target {
	t := &target{}
	cmd.Flags().StringVarP(&t.namespace, "appset-namespace", "N", "", "namespace of the ApplicationSet; default: the hub's")
	return t
}

// completeAppSet offers the names of ApplicationSets.
func (r *root) completeAppSet(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return r.complete(true, func(ctx context.Context, c *client.Client) ([]string, error) {
		list, err := client.Call(ctx, c, protocol.ApplicationSetGetList, &protocol.ApplicationSetListQuery{})
		if err != nil {
			return nil, err
		}
		var names []string
		for i := range list.Items {
			names = append(names, list.Items[i].Name)
		}
		return names, nil
	})(cmd, args, typed)
}

// templated is what an ApplicationSet makes, as an application of its name: lists and summaries show both alike.
func templated(set *v1alpha1.ApplicationSet) *v1alpha1.Application {
	return &v1alpha1.Application{ObjectMeta: set.ObjectMeta, Spec: set.Spec.Template.Spec}
}

func newAppSetListCommand(r *root) *cobra.Command {
	query := &protocol.ApplicationSetListQuery{}
	cmd := &cobra.Command{Use: "list", Short: "List the ApplicationSets", Args: exactArgs(), Example: "  fairlead appset list -p demo"}
	cmd.Flags().StringVarP(&query.Selector, "selector", "l", "", "only those with these labels")
	cmd.Flags().StringArrayVarP(&query.Projects, "project", "p", nil, "only those of this project; may be repeated")
	cmd.Flags().StringVarP(&query.AppsetNamespace, "appset-namespace", "N", "", "only those in this namespace")
	format := outputFlag(cmd, output.Wide, output.Table, output.Name, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.ApplicationSetGetList, query)
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list.Items, list.Items, appSetColumns)
	})
	return cmd
}

// The cells of policy and conditions are as argocd prints them: Go's own format of the values.
var appSetColumns = []output.Column[v1alpha1.ApplicationSet]{
	{Title: "NAME", Cell: func(s v1alpha1.ApplicationSet) string { return qualified(templated(&s)) }},
	{Title: "PROJECT", Cell: func(s v1alpha1.ApplicationSet) string { return s.Spec.Template.Spec.Project }},
	{Title: "SYNCPOLICY", Cell: func(s v1alpha1.ApplicationSet) string {
		if s.Spec.SyncPolicy == nil {
			return "nil"
		}
		return fmt.Sprintf("%v", s.Spec.SyncPolicy)
	}},
	{Title: "HEALTH", Cell: func(s v1alpha1.ApplicationSet) string { return string(s.Status.Health.Status) }},
	{Title: "CONDITIONS", Cell: func(s v1alpha1.ApplicationSet) string {
		held := []v1alpha1.ApplicationSetCondition{}
		for _, condition := range s.Status.Conditions {
			if condition.Status == "True" {
				held = append(held, condition)
			}
		}
		return fmt.Sprintf("%v", held)
	}},
	{Title: "REPO", Wide: true, Cell: func(s v1alpha1.ApplicationSet) string { return firstSource(templated(&s)).RepoURL }},
	{Title: "PATH", Wide: true, Cell: func(s v1alpha1.ApplicationSet) string { return firstSource(templated(&s)).Path }},
	{Title: "TARGET", Wide: true, Cell: func(s v1alpha1.ApplicationSet) string { return firstSource(templated(&s)).TargetRevision }},
}

func newAppSetGetCommand(r *root) *cobra.Command {
	var parameters bool
	cmd := &cobra.Command{
		Use: "get APPSETNAME", Short: "Show an ApplicationSet", Args: exactArgs("APPSETNAME"), ValidArgsFunction: r.completeAppSet,
		Example: "  fairlead appset get guestbook -o yaml",
	}
	cmd.Flags().BoolVar(&parameters, "show-params", false, "show the template's Helm parameters too")
	t := setTarget(cmd)
	format := outputFlag(cmd, output.Wide, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		namespace, name := t.of(args[0])
		set, err := client.Call(ctx, c, protocol.ApplicationSetGet, &protocol.ApplicationSetGetQuery{Name: name, AppsetNamespace: namespace})
		if err != nil {
			return err
		}
		if err := r.printAppSet(set, format.Format); err != nil || !parameters || format.Format != output.Wide {
			return err
		}
		return r.printParameters(firstSource(templated(set)))
	})
	return cmd
}

// printAppSet shows an ApplicationSet.
func (r *root) printAppSet(set *v1alpha1.ApplicationSet, format output.Format) error {
	if done, err := output.Value(r.streams.Out, format, set); done {
		return err
	}
	app := templated(set)
	r.field("Name", qualified(app))
	r.field("Project", app.Spec.ProjectName())
	r.field("Server", firstOf(app.Spec.Destination.Server, app.Spec.Destination.Name))
	r.field("Namespace", app.Spec.Destination.Namespace)
	r.field("Health Status", set.Status.Health.Status)
	sources := app.Spec.AllSources()
	if app.Spec.HasSeveralSources() {
		r.printf("Sources:\n")
	} else {
		r.printf("Source:\n")
	}
	if len(sources) == 0 {
		sources = v1alpha1.ApplicationSources{{}}
	}
	for _, source := range sources {
		r.printSource(source)
	}
	policy := "<none>"
	if automation := app.Spec.Automation(); automation != nil {
		policy = "Automated"
		if automation.Prunes() {
			policy += " (Prune)"
		}
	}
	r.field("SyncPolicy", policy)
	if len(set.Status.Conditions) == 0 {
		return nil
	}
	rows := [][]string{{"CONDITION", "STATUS", "MESSAGE", "LAST TRANSITION"}}
	for _, c := range set.Status.Conditions {
		rows = append(rows, []string{string(c.Type), string(c.Status), oneLine(c.Message), fmt.Sprint(c.LastTransitionTime)})
	}
	r.printf("\n")
	if err := output.Lines(r.streams.Out, rows); err != nil {
		return err
	}
	r.printf("\n")
	return nil
}

func newAppSetDeleteCommand(r *root) *cobra.Command {
	var yes, wait bool
	cmd := &cobra.Command{
		Use: "delete APPSETNAME...", Short: "Delete ApplicationSets with their applications", Args: someArgs("APPSETNAME", never), ValidArgsFunction: r.completeAppSet,
		Example: "  fairlead appset delete guestbook --yes",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until they are gone")
	t := setTarget(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		asking := &confirmations{r: r, enabled: !yes && r.streams.Terminal(), many: len(args) > 1}
		for _, ref := range args {
			if !asking.next("Are you sure you want to delete '"+ref+"' and all its Applications? [y/n] ",
				"Are you sure you want to delete '"+ref+"' and all its Applications? [y/n/a] where 'a' is to delete all specified ApplicationSets and their Applications without prompting") {
				r.printf("The command to delete '%s' was cancelled.\n", ref)
				continue
			}
			namespace, name := t.of(ref)
			if _, err := client.Call(ctx, c, protocol.ApplicationSetDelete, &protocol.ApplicationSetDeleteRequest{Name: name, AppsetNamespace: namespace}); err != nil {
				return err
			}
			if err := gone(ctx, c, wait, &protocol.ApplicationSetGetQuery{Name: name, AppsetNamespace: namespace}); err != nil {
				return err
			}
			r.printf("applicationset '%s' deleted\n", ref)
		}
		return nil
	})
	return cmd
}
