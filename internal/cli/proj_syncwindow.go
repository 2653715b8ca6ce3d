package cli

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newProjWindowsCommand(r *root) *cobra.Command {
	toggle := func(use, short string, set func(*v1alpha1.SyncWindow)) *cobra.Command {
		return r.windowChange(use+" PROJECT ID", short, "  fairlead proj windows "+use+" demo 0", func(_ *v1alpha1.AppProject, w *v1alpha1.SyncWindow, _ int) (bool, error) {
			set(w)
			return true, nil
		})
	}
	return group("windows", "Times in which a project's applications may or may not be synced", nil,
		newProjWindowsListCommand(r), newProjWindowsAddCommand(r), newProjWindowsUpdateCommand(r), newProjWindowsDeleteCommand(r),
		toggle("enable-manual-sync", "Let people sync against a window", func(w *v1alpha1.SyncWindow) { w.ManualSync = true }),
		toggle("disable-manual-sync", "Don't let people sync against a window", func(w *v1alpha1.SyncWindow) { w.ManualSync = false }),
		toggle("enable-sync-overrun", "Let syncs go on that began before a window forbids them", func(w *v1alpha1.SyncWindow) { w.SyncOverrun = true }),
		toggle("disable-sync-overrun", "Don't let syncs go on that began before a window forbids them", func(w *v1alpha1.SyncWindow) { w.SyncOverrun = false }),
	)
}

// windowChange is a verb that changes one window of a project, found by its number in the list.
func (r *root) windowChange(use, short, example string, change func(*v1alpha1.AppProject, *v1alpha1.SyncWindow, int) (bool, error)) *cobra.Command {
	return r.projChange(&cobra.Command{Use: use, Short: short, Args: exactArgs("PROJECT", "ID"), Example: example},
		func(p *v1alpha1.AppProject, args []string) (bool, error) {
			id, err := strconv.Atoi(args[1])
			if err != nil {
				return false, fmt.Errorf("the ID %q is not a number; 'fairlead proj windows list %s' shows them", args[1], p.Name)
			}
			if id < 0 || id >= len(p.Spec.SyncWindows) {
				return false, fmt.Errorf("window with id '%d' not found", id)
			}
			return change(p, p.Spec.SyncWindows[id], id)
		})
}

func newProjWindowsListCommand(r *root) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list PROJECT", Short: "List the sync windows of a project", Args: exactArgs("PROJECT"), Example: "  fairlead proj windows list demo",
	}
	format := outputFlag(cmd, output.Wide, output.JSON, output.YAML)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		p, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
		if err != nil {
			return err
		}
		open, err := client.Call(ctx, c, protocol.ProjectSyncWindows, &protocol.SyncWindowsQuery{Name: args[0]})
		if err != nil {
			return err
		}
		if done, err := output.Value(r.streams.Out, format.Format, p.Spec.SyncWindows); done {
			return err
		}
		return output.Lines(r.streams.Out, windowRows(p.Spec.SyncWindows, open.Windows))
	})
	return cmd
}

func windowRows(windows, open []*v1alpha1.SyncWindow) [][]string {
	rows := [][]string{{
		"ID", "STATUS", "KIND", "SCHEDULE", "DURATION", "APPLICATIONS", "NAMESPACES", "CLUSTERS", "MANUALSYNC", "SYNCOVERRUN", "TIMEZONE", "USEANDOPERATOR",
	}}
	list := func(items []string) string { return firstOf(strings.Join(items, ","), "-") }
	enabled := map[bool]string{true: "Enabled", false: "Disabled"}
	for i, w := range windows {
		status := "Inactive"
		if slices.ContainsFunc(open, func(o *v1alpha1.SyncWindow) bool { return reflect.DeepEqual(o, w) }) {
			status = "Active"
		}
		rows = append(rows, []string{
			strconv.Itoa(i), status, w.Kind, w.Schedule, w.Duration, list(w.Applications), list(w.Namespaces), list(w.Clusters),
			enabled[w.ManualSync], enabled[w.SyncOverrun], w.TimeZone, enabled[w.UseAndOperator],
		})
	}
	return rows
}

// windowFlags are the flags that describe a window.
func windowFlags(cmd *cobra.Command, w *v1alpha1.SyncWindow) {
	flags := cmd.Flags()
	flags.StringVar(&w.Schedule, "schedule", "", "when it begins, as five cron fields such as '0 22 * * *'")
	flags.StringVar(&w.Duration, "duration", "", "how long it lasts, such as 1h")
	flags.StringSliceVar(&w.Applications, "applications", nil, "applications that it is for, * allowed")
	flags.StringSliceVar(&w.Namespaces, "namespaces", nil, "namespaces that it is for, * allowed")
	flags.StringSliceVar(&w.Clusters, "clusters", nil, "clusters that it is for, * allowed")
	flags.StringVar(&w.TimeZone, "time-zone", "UTC", "time zone of the schedule, such as Europe/Berlin")
	flags.StringVar(&w.Description, "description", "", "description")
}

func newProjWindowsAddCommand(r *root) *cobra.Command {
	window := &v1alpha1.SyncWindow{}
	cmd := r.projChange(&cobra.Command{
		Use: "add PROJECT", Short: "Add a sync window to a project", Args: exactArgs("PROJECT"),
		Example: `  fairlead proj windows add demo --kind allow --schedule "0 22 * * *" --duration 1h --applications "*"`,
	}, func(p *v1alpha1.AppProject, _ []string) (bool, error) {
		if window.Kind == "" || window.Schedule == "" || window.Duration == "" {
			return false, errors.New("cannot create window: require kind, schedule, duration and one or more of applications, namespaces and clusters")
		}
		p.Spec.SyncWindows = append(p.Spec.SyncWindows, window)
		return true, nil
	})
	windowFlags(cmd, window)
	cmd.Flags().StringVarP(&window.Kind, "kind", "k", "", "allow or deny")
	cmd.Flags().BoolVar(&window.ManualSync, "manual-sync", false, "let people sync against it")
	cmd.Flags().BoolVar(&window.SyncOverrun, "sync-overrun", false, "let syncs go on that began before it forbids them")
	cmd.Flags().BoolVar(&window.UseAndOperator, "use-and-operator", false, "for applications that match all of applications, namespaces and clusters, not one of them")
	return cmd
}

func newProjWindowsUpdateCommand(r *root) *cobra.Command {
	given := &v1alpha1.SyncWindow{}
	cmd := r.windowChange("update PROJECT ID", "Change a sync window", `  fairlead proj windows update demo 0 --schedule "0 20 * * *"`,
		func(_ *v1alpha1.AppProject, w *v1alpha1.SyncWindow, _ int) (bool, error) {
			if given.Schedule+given.Duration+given.Description == "" && len(given.Applications)+len(given.Namespaces)+len(given.Clusters) == 0 {
				return false, errors.New("cannot update: require one or more of schedule, duration, application, namespace, cluster or description")
			}
			w.Schedule, w.Duration = firstOf(given.Schedule, w.Schedule), firstOf(given.Duration, w.Duration)
			w.Description, w.TimeZone = firstOf(given.Description, w.Description), firstOf(given.TimeZone, "UTC")
			for to, from := range map[*[]string][]string{&w.Applications: given.Applications, &w.Namespaces: given.Namespaces, &w.Clusters: given.Clusters} {
				if len(from) > 0 {
					*to = from
				}
			}
			return true, nil
		})
	windowFlags(cmd, given)
	return cmd
}

func newProjWindowsDeleteCommand(r *root) *cobra.Command {
	return r.windowChange("delete PROJECT ID", "Delete a sync window", "  fairlead proj windows delete demo 0",
		func(p *v1alpha1.AppProject, _ *v1alpha1.SyncWindow, id int) (bool, error) {
			if !r.confirm("Are you sure you want to delete sync window? [y/n]") {
				r.printf("The command to delete the sync window was cancelled\n")
				return false, nil
			}
			p.Spec.SyncWindows = slices.Delete(p.Spec.SyncWindows, id, id+1)
			return true, nil
		})
}
