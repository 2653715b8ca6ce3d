package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pmezard/go-difflib/difflib"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newAppDiffCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use:     "diff APP",
		Short:   "Show how the cluster differs from Git; exits with 8 if it does",
		Example: "  fairlead app diff echo-production",
		Args:    exactArgs("APP"),
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			namespace, name := appRef(args[0])
			answer, err := client.Call(ctx, c, protocol.ApplicationManaged,
				&protocol.ResourcesQuery{ApplicationName: name, AppNamespace: namespace})
			if err != nil {
				return err
			}
			different := false
			for _, item := range answer.Items {
				text, err := difference(item)
				if err != nil {
					return err
				}
				if text != "" {
					different = true
					r.printf("===== %s/%s %s/%s ======\n%s", item.Group, item.Kind, item.Namespace, item.Name, text)
				}
			}
			if different {
				return &DifferentError{fmt.Errorf("application '%s' differs from Git", name)}
			}
			return nil
		}),
	}
}

// difference is a unified diff from the live object to what a sync would make of it; empty when they are equal.
func difference(item *protocol.ResourceDiff) (string, error) {
	live, err := asYAML(firstOf(item.NormalizedLiveState, item.LiveState))
	if err != nil {
		return "", err
	}
	target, err := asYAML(firstOf(item.PredictedLiveState, item.TargetState))
	if err != nil {
		return "", err
	}
	return difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(live), B: difflib.SplitLines(target), FromFile: "live", ToFile: "git", Context: 3,
	})
}

// asYAML turns the JSON of an object into YAML; "null" and nothing become nothing.
func asYAML(text string) (string, error) {
	if text == "" || text == "null" {
		return "", nil
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return "", fmt.Errorf("reading an object from the hub: %w", err)
	}
	out, err := yaml.Marshal(object)
	return string(out), err
}
