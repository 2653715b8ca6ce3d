package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/shlex"
	"github.com/pmezard/go-difflib/difflib"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// desiredState is what the cluster is compared with: what Git gives, at other revisions, or a folder of this machine.
type desiredState struct {
	revision string
	sources  revisionsFlags
	local    localFolder
	fresh    bool
	// manifests are given ones; nil for those that the other fields say.
	manifests []string
}

func newAppDiffCommand(r *root) *cobra.Command {
	desired, t := &desiredState{}, &target{}
	var refresh, exitCode bool
	var code int
	cmd := &cobra.Command{
		Use: "diff APPNAME", Short: "Show how the cluster differs from Git", Args: exactArgs("APPNAME"),
		Long: `Show how the cluster differs from Git: what a sync would change, as the API server itself says.
The differences are printed by diff, or by the program that KUBECTL_EXTERNAL_DIFF names. The exit code is 1 if there are any.`,
		Example: "  fairlead app diff echo-production\n  fairlead app diff echo-production --revision v2\n  fairlead app diff echo-dev --local ./echo --exit-code=false",
	}
	flags := cmd.Flags()
	flags.BoolVar(&refresh, "refresh", false, "compare with Git first")
	flags.BoolVar(&desired.fresh, "hard-refresh", false, "render anew and compare first")
	flags.BoolVar(&exitCode, "exit-code", true, "end with an exit code of its own if there are differences")
	flags.IntVar(&code, "diff-exit-code", ExitDifferent, "that exit code")
	flags.StringVar(&desired.revision, "revision", "", "compare with this branch, tag or commit")
	flags.StringVar(&desired.local.path, "local", "", "compare with the manifests of this folder")
	flags.StringVar(&desired.local.root, "local-repo-root", "/", "folder of the repository that --local is in")
	for _, name := range []string{"server-side-diff", "server-side-generate"} {
		flags.Bool(name, true, "accepted for argocd's sake: differences are always the API server's own answer")
	}
	flags.StringArray("local-include", nil, "accepted for argocd's sake: all files of the folder count")
	desired.sources.flags(cmd)
	ignoredDiffFlags(cmd)
	t.flag(cmd)
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		if err := desired.sources.check(); err != nil {
			return err
		}
		app, err := t.get(ctx, c, args[0], refreshMode(refresh, desired.fresh))
		if err != nil {
			return err
		}
		different, err := r.printDifferences(ctx, c, app, desired)
		if err != nil || !different || !exitCode {
			return err
		}
		return &ExitCodeError{code}
	})
	return cmd
}

// ignoredDiffFlags are argocd's for differences that it computes itself.
func ignoredDiffFlags(cmd *cobra.Command) {
	cmd.Flags().Int("server-side-diff-concurrency", -1, "accepted for argocd's sake, without effect")
	cmd.Flags().Int("server-side-diff-max-batch-kb", 250, "accepted for argocd's sake, without effect")
	cmd.Flags().Duration("ignore-normalizer-jq-execution-timeout", time.Second, "accepted for argocd's sake, without effect")
	for _, name := range []string{"server-side-diff-concurrency", "server-side-diff-max-batch-kb", "ignore-normalizer-jq-execution-timeout"} {
		_ = cmd.Flags().MarkHidden(name) // they were added above
	}
}

// printDifferences shows how the cluster differs from what is desired; false when it doesn't.
func (r *root) printDifferences(ctx context.Context, c *client.Client, app *v1alpha1.Application, desired *desiredState) (bool, error) {
	items, err := r.compare(ctx, c, app, desired)
	if err != nil {
		return false, err
	}
	slices.SortFunc(items, func(a, b *protocol.ResourceDiff) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	different := false
	for _, item := range items {
		live, err := asYAML(firstOf(item.NormalizedLiveState, item.LiveState))
		if err != nil {
			return false, err
		}
		wanted, err := asYAML(firstOf(item.PredictedLiveState, item.TargetState))
		if err != nil {
			return false, err
		}
		if item.Hook || live == wanted {
			continue
		}
		different = true
		r.printf("\n===== %s/%s %s/%s ======\n", item.Group, item.Kind, item.Namespace, item.Name)
		if err := r.printDifference(ctx, item.Name, live, wanted); err != nil {
			return false, err
		}
	}
	return different, nil
}

// compare has the hub compare the live objects with what is desired.
func (r *root) compare(ctx context.Context, c *client.Client, app *v1alpha1.Application, desired *desiredState) ([]*protocol.ResourceDiff, error) {
	managed, err := client.Call(ctx, c, protocol.ApplicationManaged, &protocol.ResourcesQuery{ApplicationName: app.Name, AppNamespace: app.Namespace})
	if err != nil {
		return nil, err
	}
	manifests := desired.manifests
	positions, err := desired.sources.resolve(&app.Spec)
	if err != nil {
		return nil, err
	}
	switch {
	case manifests != nil:
	case desired.local.path != "":
		if manifests, err = r.localManifests(ctx, c, app, desired.local); err != nil {
			return nil, err
		}
	case desired.revision != "" || len(positions) > 0:
		answer, err := client.Call(ctx, c, protocol.ApplicationManifests, &protocol.ApplicationManifestQuery{
			Name: app.Name, AppNamespace: app.Namespace, Revision: desired.revision,
			Revisions: desired.sources.revisions, SourcePositions: positions, NoCache: desired.fresh,
		})
		if err != nil {
			return nil, err
		}
		manifests = answer.Manifests
	default:
		return managed.Items, nil
	}
	query, err := pair(app, managed.Items, manifests, desired.local.path != "")
	if err != nil {
		return nil, err
	}
	answer, err := client.Call(ctx, c, protocol.ApplicationServerSideDiff, query)
	if err != nil {
		return nil, err
	}
	for _, item := range answer.Items { // this answer has the comparable states where the other has the raw ones
		item.NormalizedLiveState, item.PredictedLiveState = item.LiveState, item.TargetState
	}
	return answer.Items, nil
}

// printDifference shows the difference of two texts by the user's program, or by our own if there is none.
func (r *root) printDifference(ctx context.Context, name, live, wanted string) error {
	argv, err := shlex.Split(firstOf(os.Getenv("KUBECTL_EXTERNAL_DIFF"), "diff"))
	if err != nil || len(argv) == 0 {
		return fmt.Errorf("reading KUBECTL_EXTERNAL_DIFF: %w", err)
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
			A: slices.Collect(strings.Lines(live)), B: slices.Collect(strings.Lines(wanted)), FromFile: "live", ToFile: "git", Context: 3,
		})
		r.printf("%s", text)
		return err
	}
	dir, err := os.MkdirTemp("", "fairlead-diff") // 0700
	if err != nil {
		return fmt.Errorf("comparing %s: %w", name, err)
	}
	defer os.RemoveAll(dir) // nothing needs it any more
	files := []string{filepath.Join(dir, filepath.Base(name)+"-live.yaml"), filepath.Join(dir, filepath.Base(name))}
	for i, text := range []string{live, wanted} {
		if err := os.WriteFile(files[i], []byte(text), 0o600); err != nil {
			return fmt.Errorf("comparing %s: %w", name, err)
		}
	}
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], files...)...)
	cmd.Stdout, cmd.Stderr = r.streams.Out, r.streams.Err
	var ended *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &ended) { // its exit code says that there are differences
		return fmt.Errorf("comparing %s: %w", name, err)
	}
	return nil
}

// previewed shows what a sync would change, and asks; false when there is nothing to do.
func (r *root) previewed(ctx context.Context, c *client.Client, app *v1alpha1.Application, ref string, s *syncFlags, request *protocol.ApplicationSyncRequest) (bool, error) {
	r.printf("====== Previewing differences between live and desired state of application %s ======\n", ref)
	different, err := r.printDifferences(ctx, c, app, &desiredState{revision: request.Revision, sources: s.sources, manifests: request.Manifests})
	if err != nil {
		return false, err
	}
	if !different {
		r.printf("====== No Differences found ======\n")
		return false, nil
	}
	return s.assumeYes || r.proceed(fmt.Sprintf("Please review changes to application %s shown above. Do you want to continue the sync process? (y/n): ", ref)), nil
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
