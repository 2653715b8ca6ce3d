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
	cmd := group("app", "Applications: what runs where, and how it gets there", []string{"application", "apps"},
		newAppListCommand(r), newAppGetCommand(r), newAppCreateCommand(r), newAppSetCommand(r), newAppUnsetCommand(r),
		newAppEditCommand(r), newAppPatchCommand(r), newAppAddSourceCommand(r), newAppRemoveSourceCommand(r), newAppDeleteCommand(r),
		newAppSyncCommand(r), newAppWaitCommand(r), newAppDiffCommand(r), newAppManifestsCommand(r), newAppResourcesCommand(r),
		newAppGetResourceCommand(r), newAppPatchResourceCommand(r), newAppDeleteResourceCommand(r), newAppLogsCommand(r),
		newAppHistoryCommand(r), newAppRollbackCommand(r), newAppReleaseCommand(r), newAppTerminateCommand(r),
		newAppConfirmDeletionCommand(r), newAppActionsCommand(r),
	)
	r.aboutApps(cmd)
	return cmd
}

// aboutApps lets the subcommands that take an application complete its name, and say clearly that there is none.
func (r *root) aboutApps(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		if !strings.Contains(sub.Use, "APP") || sub.HasSubCommands() {
			continue
		}
		run := sub.RunE
		sub.ValidArgsFunction = r.completeApp
		sub.RunE = func(cmd *cobra.Command, args []string) error {
			err := run(cmd, args)
			if len(args) == 0 {
				return err
			}
			return unknownApp(err, args[0])
		}
	}
}

// unknownApp gives a name to the hub's bare "permission denied", which is its answer for applications that don't exist or
// that the caller may not even see.
func unknownApp(err error, name string) error {
	var failed *client.Error
	if errors.As(err, &failed) && failed.Code == connect.CodePermissionDenied && failed.Message == "permission denied" {
		return fmt.Errorf("permission denied: application '%s' does not exist, or you may not see it; 'fairlead app list' shows those that you may", name)
	}
	return err
}

// target is the application that a command is about: NAME or NAMESPACE/NAME, and -N.
type target struct{ namespace string }

func (t *target) flag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&t.namespace, "app-namespace", "N", "", "namespace of the application; default: the hub's")
}

// of splits a reference; its own namespace wins over the flag's.
func (t *target) of(ref string) (namespace, name string) {
	if namespace, name, ok := strings.Cut(ref, "/"); ok {
		return namespace, name
	}
	return t.namespace, ref
}

// get gets the application of a reference.
func (t *target) get(ctx context.Context, c *client.Client, ref, refresh string) (*v1alpha1.Application, error) {
	namespace, name := t.of(ref)
	return client.Call(ctx, c, protocol.ApplicationGet, &protocol.ApplicationQuery{Name: name, AppNamespace: namespace, Refresh: refresh})
}

// appVerb is a command about one application, that shows nothing in formats.
func (r *root) appVerb(cmd *cobra.Command, do func(ctx context.Context, c *client.Client, namespace, name string) error) *cobra.Command {
	t := &target{}
	t.flag(cmd)
	if cmd.Args == nil {
		cmd.Args = exactArgs("APPNAME")
	}
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		namespace, name := t.of(args[0])
		return do(ctx, c, namespace, name)
	})
	return cmd
}

// qualified is how lists name an application.
func qualified(app *v1alpha1.Application) string {
	if app.Namespace == "" {
		return app.Name
	}
	return app.Namespace + "/" + app.Name
}

// named are the applications that a label selector matches; it is an error if there are none.
func named(ctx context.Context, c *client.Client, query *protocol.ApplicationQuery) ([]string, error) {
	list, err := client.Call(ctx, c, protocol.ApplicationList, query)
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range list.Items {
		names = append(names, qualified(&list.Items[i]))
	}
	return names, nil
}

// sourceFlags choose one of several sources, by position or by name.
type sourceFlags struct {
	position int
	name     string
}

func (s *sourceFlags) flags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&s.position, "source-position", -1, "position of the source in spec.sources, counted from 1")
	if cmd.Flags().Lookup("source-name") == nil {
		cmd.Flags().StringVar(&s.name, "source-name", "", "name of the source in spec.sources")
	}
}

// choose is the position of the source that is meant; needed says that with several sources one must be chosen.
func (s *sourceFlags) choose(spec *v1alpha1.ApplicationSpec, needed bool) (int, error) {
	if s.name != "" && s.position != -1 {
		//lint:ignore ST1005 argocd's text
		return 0, errors.New("Only one of source-position and source-name can be specified.")
	}
	position := s.position
	if s.name != "" {
		positions, err := sourcePositions(spec, []string{s.name})
		if err != nil {
			return 0, err
		}
		position = int(positions[0])
	}
	if spec.HasSeveralSources() && needed {
		if position <= 0 {
			//lint:ignore ST1005 argocd's text
			return 0, errors.New("Source position should be specified and must be greater than 0 for applications with multiple sources")
		}
		if len(spec.Sources) < position {
			//lint:ignore ST1005 argocd's text
			return 0, errors.New("Source position should be less than the number of sources in the application")
		}
	}
	return position, nil
}

// sourcePositions are the positions of named sources, counted from 1.
func sourcePositions(spec *v1alpha1.ApplicationSpec, names []string) ([]int64, error) {
	var positions []int64
next:
	for _, name := range names {
		for i, source := range spec.Sources {
			if source.Name == name {
				positions = append(positions, int64(i+1))
				continue next
			}
		}
		//lint:ignore ST1005 argocd's text
		return nil, &UsageError{fmt.Errorf("Unknown source name '%s'", name)}
	}
	return positions, nil
}

// revisionsFlags choose revisions of several sources.
type revisionsFlags struct {
	revisions []string
	positions []int64
	names     []string
}

func (s *revisionsFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&s.revisions, "revisions", nil, "revision of the source that --source-positions or --source-names gives at the same place; may be repeated")
	cmd.Flags().Int64SliceVar(&s.positions, "source-positions", nil, "position of a source in spec.sources, counted from 1; may be repeated")
	cmd.Flags().StringArrayVar(&s.names, "source-names", nil, "name of a source in spec.sources; may be repeated")
}

// check tells what is wrong with the flags.
func (s *revisionsFlags) check() error {
	text := ""
	switch {
	case len(s.names) > 0 && len(s.positions) > 0:
		text = "Only one of source-positions and source-names can be specified."
	case len(s.positions) > 0 && len(s.revisions) != len(s.positions):
		text = "While using --revisions and --source-positions, length of values for both flags should be same."
	case len(s.names) > 0 && len(s.revisions) != len(s.names):
		text = "While using --revisions and --source-names, length of values for both flags should be same."
	}
	if text != "" {
		return errors.New(text)
	}
	for _, position := range s.positions {
		if position <= 0 {
			return &UsageError{errors.New("source-position cannot be less than or equal to 0, Counting starts at 1")}
		}
	}
	return nil
}

// resolve turns names into positions.
func (s *revisionsFlags) resolve(spec *v1alpha1.ApplicationSpec) ([]int64, error) {
	if len(s.names) == 0 {
		return s.positions, nil
	}
	return sourcePositions(spec, s.names)
}

func refreshMode(refresh, hard bool) string {
	switch {
	case hard:
		return "hard"
	case refresh:
		return "normal"
	}
	return ""
}

func firstSource(a *v1alpha1.Application) v1alpha1.ApplicationSource {
	if sources := a.Spec.AllSources(); len(sources) > 0 {
		return sources[0]
	}
	return v1alpha1.ApplicationSource{}
}

func short(revision string) string {
	if len(revision) == 40 {
		return revision[:7]
	}
	return revision
}
