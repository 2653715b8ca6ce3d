package cli

import (
	"context"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newBuildRulesCommand(r *root) *cobra.Command {
	var project string
	cmd := &cobra.Command{
		Use: "rules", Short: "List the rules by which pushes become images", Args: exactArgs(),
		Example: "  fairlead build rules",
	}
	cmd.Flags().StringVarP(&project, "project", "p", "", "only those of this project")
	format := outputFlag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, _ []string) error {
		list, err := client.Call(ctx, c, protocol.BuildRules, &protocol.BuildRuleQuery{Project: project})
		if err != nil {
			return err
		}
		return output.Print(r.streams.Out, format.Format, list, list.Items, []output.Column[v1alpha1.BuildRule]{
			{Title: "NAME", Cell: func(rule v1alpha1.BuildRule) string { return rule.Name }},
			{Title: "REPO", Cell: func(rule v1alpha1.BuildRule) string { return rule.Spec.Source.RepoURL }},
			{Title: "PUSH", Cell: func(rule v1alpha1.BuildRule) string {
				return string(rule.Spec.Push.Type) + " " + rule.Spec.Push.Pattern
			}},
			{Title: "IMAGE", Cell: func(rule v1alpha1.BuildRule) string { return rule.Spec.Image.Repository + ":" + rule.Spec.Image.Tag }},
			{Title: "READY", Cell: ruleReady},
		})
	})
	return cmd
}

// ruleReady is the state of a rule, and why it isn't ready.
func ruleReady(rule v1alpha1.BuildRule) string {
	for _, condition := range rule.Status.Conditions {
		if condition.Type != "Ready" {
			continue
		}
		if condition.Status == metav1.ConditionTrue {
			return "True"
		}
		return joinNonEmpty(string(condition.Status), condition.Message)
	}
	return "Unknown"
}
