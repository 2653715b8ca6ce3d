package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/appspec"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// syncFlags are what a sync is asked for.
type syncFlags struct {
	request                                      protocol.ApplicationSyncRequest
	sources                                      revisionsFlags
	resources, labels, infos, projects           []string
	selector, strategy, local, localRoot         string
	force, replace, serverSide, outOfSync, async bool
	preview, assumeYes                           bool
	retry                                        v1alpha1.RetryStrategy
	backoff, maxBackoff                          time.Duration
	factor                                       int64
	wait                                         waiting
	target                                       target
}

func newAppSyncCommand(r *root) *cobra.Command {
	s := &syncFlags{}
	cmd := &cobra.Command{
		Use:   "sync APPNAME...",
		Short: "Make the cluster what Git says; a changed Rollout begins its canary",
		Long: `Make the cluster what Git says. Where the application's workload is a Rollout, its canary begins: the command returns
once the manifests are applied, and 'fairlead rollout get' shows how the canary goes on.
Syncing releases the hold of a rollback: a version is chosen.`,
		Example: `  fairlead app sync echo-staging
  fairlead app sync echo-production --revision 1f0c9a2 --dry-run
  fairlead app sync echo-production --resource apps:Deployment:echo --resource '!*:Service:*'
  fairlead app sync -l stage=dev`,
		Args: someArgs("APPNAME", func() bool { return s.selector != "" || len(s.projects) > 0 }),
	}
	s.flags(cmd)
	format := outputFlag(cmd, appFormats...)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		s.wait.format = format.Format
		if err := s.check(args); err != nil {
			return err
		}
		names := args
		if s.selector != "" || len(s.projects) > 0 {
			more, err := named(ctx, c, &protocol.ApplicationQuery{Selector: s.selector, AppNamespace: s.target.namespace, Projects: s.projects})
			if err != nil {
				return err
			}
			if len(more) == 0 {
				return s.nothing()
			}
			names = append(names, more...)
		}
		for _, ref := range names {
			if err := r.sync(ctx, c, ref, s); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}

func (s *syncFlags) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.request.Revision, "revision", "", "branch, tag or commit; default: the application's own")
	flags.BoolVar(&s.request.Prune, "prune", false, "delete what Git no longer has")
	flags.BoolVar(&s.request.DryRun, "dry-run", false, "show what would happen")
	flags.BoolVar(&s.force, "force", false, "delete and create what can't be updated")
	flags.BoolVar(&s.replace, "replace", false, "replace objects instead of applying changes")
	flags.BoolVar(&s.serverSide, "server-side", false, "apply by the API server's server-side apply")
	flags.BoolVar(&s.outOfSync, "apply-out-of-sync-only", false, "apply only what differs")
	flags.StringVar(&s.strategy, "strategy", "", "hook (also if empty) or apply, which runs no hooks")
	flags.BoolVar(&s.async, "async", false, "don't wait for the end")
	flags.StringArrayVar(&s.resources, "resource", nil, "only this object, [!]GROUP:KIND:[NAMESPACE/]NAME, with * for any; may be repeated")
	flags.StringArrayVar(&s.labels, "label", nil, "only objects with this KEY=VALUE label; may be repeated")
	flags.StringVarP(&s.selector, "selector", "l", "", "the applications with these labels")
	flags.StringArrayVar(&s.projects, "project", nil, "the applications of this project; may be repeated")
	flags.StringArrayVar(&s.infos, "info", nil, "KEY=VALUE to keep with the operation; may be repeated")
	flags.Int64Var(&s.retry.Limit, "retry-limit", 0, "how often the sync is repeated if it fails")
	flags.BoolVar(&s.retry.Refresh, "retry-refresh", false, "let a repetition take the newest revision")
	flags.DurationVar(&s.backoff, "retry-backoff-duration", 5*time.Second, "time before the first repetition")
	flags.DurationVar(&s.maxBackoff, "retry-backoff-max-duration", 3*time.Minute, "longest time between repetitions")
	flags.Int64Var(&s.factor, "retry-backoff-factor", 2, "by which the time grows at each repetition")
	flags.StringVar(&s.local, "local", "", "apply the manifests of this folder instead of Git's")
	flags.StringVar(&s.localRoot, "local-repo-root", "/", "folder of the repository that --local is in")
	flags.BoolVar(&s.preview, "preview-changes", false, "show the differences first, and ask")
	flags.BoolVar(&s.assumeYes, "assumeYes", false, "don't ask after --preview-changes")
	s.wait.timeout.flag(cmd, "how long to wait for the end")
	s.sources.flags(cmd)
	s.target.flag(cmd)
	ignoredDiffFlags(cmd)
}

// check tells what is wrong with the flags.
func (s *syncFlags) check(args []string) error {
	several := len(s.sources.revisions) > 0 || len(s.sources.positions) > 0 || len(s.sources.names) > 0
	switch {
	case len(args) > 1 && s.selector != "":
		//lint:ignore ST1005 argocd's text
		return &UsageError{errors.New("Cannot use selector option when application name(s) passed as argument(s)")}
	case len(args) != 1 && several:
		//lint:ignore ST1005 argocd's text
		return &UsageError{errors.New("Cannot use --revisions and --source-positions options when 0 or more than 1 application names are passed as argument(s)")}
	case s.strategy != "" && s.strategy != "hook" && s.strategy != "apply":
		//lint:ignore ST1005 argocd's text
		return &UsageError{fmt.Errorf("Unknown sync strategy: '%s'", s.strategy)}
	}
	if err := s.sources.check(); err != nil {
		return &UsageError{err}
	}
	_, err := parseResources(s.resources)
	return err
}

func (s *syncFlags) nothing() error {
	text := "No matching apps found for filter:"
	if s.selector != "" {
		text += " selector " + s.selector
	}
	if len(s.projects) > 0 {
		text += fmt.Sprintf(" projects %v", s.projects)
	}
	return &UsageError{errors.New(text)}
}

func (r *root) sync(ctx context.Context, c *client.Client, ref string, s *syncFlags) error {
	app, err := s.target.get(ctx, c, ref, "")
	if err != nil {
		return err
	}
	namespace, name := s.target.of(ref)
	wait := s.wait
	wait.namespace, wait.name, wait.on = namespace, name, conditions{operation: true}
	request, err := s.about(ctx, c, app, &wait)
	if err != nil {
		return err
	}
	request.Name, request.AppNamespace = name, namespace
	if s.local != "" {
		if request.Manifests, err = r.localManifests(ctx, c, app, localFolder{path: s.local, root: s.localRoot}); err != nil {
			return err
		}
	}
	if s.preview {
		proceed, err := r.previewed(ctx, c, app, ref, s, request)
		if err != nil || !proceed {
			return err
		}
	}
	asked, err := client.Call(ctx, c, protocol.ApplicationSync, request)
	if err != nil || s.async {
		return err
	}
	wait.since = asked.ResourceVersion
	app, state, err := r.wait(ctx, c, wait)
	if err != nil || request.DryRun {
		return err
	}
	return outcome(app, state, len(request.Resources) > 0)
}

// about is the request for one application, and what of it is waited for.
func (s *syncFlags) about(ctx context.Context, c *client.Client, app *v1alpha1.Application, wait *waiting) (*protocol.ApplicationSyncRequest, error) {
	request := s.request
	several := app.Spec.HasSeveralSources()
	switch {
	case several && request.Revision != "":
		//lint:ignore ST1005 Argo CD's text
		return nil, &UsageError{errors.New("argocd cli does not work on multi-source app with --revision flag. Use --revisions and --source-positions instead.")}
	case several && s.local != "":
		return nil, &UsageError{errors.New("argocd cli does not work on multi-source app with --local flag")}
	case s.local != "" && app.Spec.Automation() != nil && !request.DryRun:
		//lint:ignore ST1005 argocd's text
		return nil, &UsageError{errors.New("Cannot use local sync when Automatic Sync Policy is enabled except with --dry-run")}
	}
	positions, err := s.sources.resolve(&app.Spec)
	if err != nil {
		return nil, err
	}
	request.Revisions, request.SourcePositions = s.sources.revisions, positions
	resources := s.resources
	if len(s.labels) > 0 {
		labelled, err := s.labelled(ctx, c, app, &request)
		if err != nil {
			return nil, err
		}
		resources = append(resources, labelled...)
	}
	if wait.selected, err = parseResources(resources); err != nil {
		return nil, err
	}
	for _, o := range app.Status.Resources {
		if len(resources) > 0 && selects(wait.selected, o) {
			request.Resources = append(request.Resources, v1alpha1.SyncOperationResource{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name})
		}
	}
	if len(resources) > 0 && len(request.Resources) == 0 {
		//lint:ignore ST1005 argocd's text
		return nil, &UsageError{fmt.Errorf("No matching app resources found for resource filter: %s", strings.Join(resources, ", "))}
	}
	return &request, s.how(&request)
}

// how fills in the options that are the same for all applications.
func (s *syncFlags) how(request *protocol.ApplicationSyncRequest) error {
	infos, err := appspec.Pairs(s.infos)
	if err != nil {
		return &UsageError{err}
	}
	for key, value := range infos {
		request.Infos = append(request.Infos, &v1alpha1.Info{Name: key, Value: value})
	}
	var options []string
	for option, given := range map[string]bool{"Replace=true": s.replace, "ServerSideApply=true": s.serverSide, "ApplyOutOfSyncOnly=true": s.outOfSync} {
		if given {
			options = append(options, option)
		}
	}
	if options != nil {
		request.SyncOptions = &protocol.SyncOptions{Items: options}
	}
	apply := v1alpha1.SyncStrategyApply{Force: s.force}
	request.Strategy = &v1alpha1.SyncStrategy{Hook: &v1alpha1.SyncStrategyHook{SyncStrategyApply: apply}}
	if s.strategy == "apply" {
		request.Strategy = &v1alpha1.SyncStrategy{Apply: &apply}
	}
	if s.retry.Limit != 0 {
		retry := s.retry
		retry.Backoff = &v1alpha1.Backoff{Duration: s.backoff.String(), MaxDuration: s.maxBackoff.String(), Factor: &s.factor}
		request.RetryStrategy = &retry
	}
	return nil
}

// labelled are the objects of the desired state that have one of the labels.
func (s *syncFlags) labelled(ctx context.Context, c *client.Client, app *v1alpha1.Application, request *protocol.ApplicationSyncRequest) ([]string, error) {
	labels, err := appspec.Pairs(s.labels)
	if err != nil {
		return nil, &UsageError{err}
	}
	answer, err := client.Call(ctx, c, protocol.ApplicationManifests, &protocol.ApplicationManifestQuery{
		Name: app.Name, AppNamespace: app.Namespace, Revision: request.Revision, Revisions: request.Revisions, SourcePositions: request.SourcePositions,
	})
	if err != nil {
		return nil, err
	}
	var found []string
	for _, manifest := range answer.Manifests {
		object := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(manifest), &object.Object); err != nil {
			return nil, fmt.Errorf("reading a manifest from the hub: %w", err)
		}
		for key, value := range labels {
			if own, ok := object.GetLabels()[key]; ok && own == value {
				kind := object.GroupVersionKind()
				found = append(found, kind.Group+":"+kind.Kind+":"+object.GetName())
			}
		}
	}
	if len(found) == 0 && len(s.resources) == 0 {
		//lint:ignore ST1005 argocd's text
		return nil, &UsageError{fmt.Errorf("No matching resources found for labels: %v", s.labels)}
	}
	return found, nil
}

// parseResources reads [!]GROUP:KIND:[NAMESPACE/]NAME.
func parseResources(texts []string) ([]v1alpha1.SyncOperationResource, error) {
	var found []v1alpha1.SyncOperationResource
	for _, text := range texts {
		rest, exclude := strings.CutPrefix(text, "!")
		parts := strings.Split(rest, ":")
		if len(parts) != 3 {
			return nil, fmt.Errorf("resource should have GROUP:KIND:NAME, but instead got: %s", rest)
		}
		resource := v1alpha1.SyncOperationResource{Group: parts[0], Kind: parts[1], Name: parts[2], Exclude: exclude}
		if namespace, name, ok := strings.Cut(parts[2], "/"); ok {
			if strings.Contains(name, "/") {
				return nil, fmt.Errorf("resource with namespace should have GROUP:KIND:NAMESPACE/NAME, but instead got: %s", rest)
			}
			resource.Namespace, resource.Name = namespace, name
		}
		found = append(found, resource)
	}
	return found, nil
}

// outcome is the error of an operation that failed, or that left something to be pruned.
func outcome(app *v1alpha1.Application, state *v1alpha1.OperationState, selective bool) error {
	if state == nil {
		return nil
	}
	if state.Phase != v1alpha1.OperationSucceeded {
		//lint:ignore ST1005 argocd's text, and its code
		return &FailedError{fmt.Errorf("Operation has completed with phase: %s", state.Phase)}
	}
	if selective || app.Status.Sync.Status == v1alpha1.SyncStatusCodeSynced || state.SyncResult == nil {
		return nil
	}
	left := 0
	for _, o := range state.SyncResult.Resources {
		if o.Status == v1alpha1.ResultCodePruneSkipped && !strings.Contains(o.Message, "no prune") {
			left++
		}
	}
	if left > 0 {
		return &FailedError{fmt.Errorf("%d resources require pruning", left)}
	}
	return nil
}
