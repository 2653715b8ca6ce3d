package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

func newProjIntegrityCommand(r *root) *cobra.Command {
	return group("source-integrity", "What a project's sources must prove before they are deployed", nil,
		group("git", "Policies for Git repositories", nil,
			group("policies", "Policies for Git repositories", nil,
				newPolicyListCommand(r), newPolicyAddCommand(r), newPolicyUpdateCommand(r), newPolicyDeleteCommand(r))))
}

// gitPolicies are a project's; it is an error if there are none.
func gitPolicies(p *v1alpha1.AppProject) ([]*v1alpha1.SourceIntegrityGitPolicy, error) {
	if integrity := p.Spec.SourceIntegrity; integrity != nil && integrity.Git != nil && len(integrity.Git.Policies) > 0 {
		return integrity.Git.Policies, nil
	}
	return nil, fmt.Errorf("no source integrity git policies defined for project %q", p.Name)
}

// policyID is the position of a policy in the list.
func policyID(text string, count int) (int, error) {
	id, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("invalid POLICY_ID '%s'", text)
	}
	if id < 0 || id >= count {
		return 0, fmt.Errorf("the POLICY_ID %d is out of range (0-%d)", id, count-1)
	}
	return id, nil
}

func (r *root) printPolicies(p *v1alpha1.AppProject) error {
	rows := [][]string{{"ID", "GPG-MODE", "GPG-KEYS", "REPO-URLS"}}
	for i, policy := range p.Spec.SourceIntegrity.Git.Policies {
		mode, keys := "<none>", "<none>"
		if policy.GPG != nil {
			mode, keys = string(policy.GPG.Mode), firstOf(strings.Join(policy.GPG.Keys, ", "), "<none>")
		}
		rows = append(rows, []string{strconv.Itoa(i), mode, keys, firstOf(strings.Join(policyURLs(policy), ", "), "<none>")})
	}
	return output.Lines(r.streams.Out, rows)
}

func policyURLs(policy *v1alpha1.SourceIntegrityGitPolicy) []string {
	var urls []string
	for _, repo := range policy.Repos {
		urls = append(urls, repo.URL)
	}
	return urls
}

func newPolicyListCommand(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "list PROJECT", Short: "List the policies; other commands name them by their ID", Args: exactArgs("PROJECT"),
		Example: "  fairlead proj source-integrity git policies list demo",
		RunE: r.run(func(ctx context.Context, c *client.Client, args []string) error {
			p, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
			if err != nil {
				return fmt.Errorf("failed getting project %q: %w", args[0], err)
			}
			if _, err := gitPolicies(p); err != nil {
				return err
			}
			return r.printPolicies(p)
		}),
	}
}

// policyEdit is what the flags make of a policy.
type policyEdit struct {
	mode                     string
	urls, moreURLs, lessURLs []string
	keys, moreKeys, lessKeys []string
}

// apply changes a policy. Where flags say nothing, all stays.
func (e *policyEdit) apply(policy *v1alpha1.SourceIntegrityGitPolicy) error {
	if len(e.keys) > 0 && len(e.moreKeys)+len(e.lessKeys) > 0 {
		return errors.New("option --gpg-key, cannot be combined with --add-gpg-key or --delete-gpg-key")
	}
	if len(e.urls) > 0 && len(e.moreURLs)+len(e.lessURLs) > 0 {
		return errors.New("option --repo-url, cannot be combined with --add-repo-url or --delete-repo-url")
	}
	if policy.GPG == nil {
		policy.GPG = &v1alpha1.SourceIntegrityGitPolicyGPG{}
	}
	switch mode := v1alpha1.SourceIntegrityGitPolicyGPGMode(firstOf(e.mode, string(policy.GPG.Mode))); mode {
	case v1alpha1.SourceIntegrityGitPolicyGPGModeStrict, v1alpha1.SourceIntegrityGitPolicyGPGModeHead, v1alpha1.SourceIntegrityGitPolicyGPGModeNone:
		policy.GPG.Mode = mode
	case "":
		return errors.New("gpg-mode must be set")
	default:
		return errors.New("gpg-mode must be one of: strict, head, none")
	}
	policy.Repos = nil
	for _, url := range edited(policyURLs(policy), e.urls, e.moreURLs, e.lessURLs) {
		policy.Repos = append(policy.Repos, v1alpha1.SourceIntegrityGitPolicyRepo{URL: url})
	}
	var lists [3][]string
	for i, texts := range [][]string{e.keys, e.moreKeys, e.lessKeys} {
		for _, text := range texts {
			id, err := keyID(text)
			if err != nil {
				return fmt.Errorf("invalid GPG key ID '%s': %w", text, err)
			}
			lists[i] = append(lists[i], id)
		}
	}
	policy.GPG.Keys = edited(policy.GPG.Keys, lists[0], lists[1], lists[2])
	return nil
}

// edited is a list, or what stands in its place, without some items and with others that it lacks.
func edited(items, instead, more, less []string) []string {
	if len(instead) > 0 {
		items = instead
	}
	items = slices.DeleteFunc(slices.Clone(items), func(item string) bool { return slices.Contains(less, item) })
	for _, item := range more {
		if !slices.Contains(items, item) {
			items = append(items, item)
		}
	}
	return items
}

// warn tells of a policy that can't do what somebody may expect.
func (r *root) warnOfPolicy(ctx context.Context, c *client.Client, policy *v1alpha1.SourceIntegrityGitPolicy) error {
	if len(policy.Repos) == 0 {
		r.note("Warning: Policy has no repository URLs and will never be used")
	}
	if len(policy.GPG.Keys) == 0 {
		r.note("Warning: Policy has no GPG keys and will never validate any revision")
		return nil
	}
	ring, err := client.Call(ctx, c, protocol.GPGKeyGetList, &protocol.GPGKeyQuery{})
	if err != nil {
		return fmt.Errorf("failed listing GPG keys: %w", err)
	}
	missing := slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(policy.GPG.Keys), func(id string) bool {
		return slices.ContainsFunc(ring.Items, func(key protocol.GPGKey) bool { return key.KeyID == id })
	})))
	if len(missing) > 0 {
		r.note("Warning: Following GPG keys are not in repo-server keyring: %s", strings.Join(missing, ", "))
	}
	return nil
}

func newPolicyAddCommand(r *root) *cobra.Command {
	e := &policyEdit{}
	cmd := &cobra.Command{
		Use: "add PROJECT", Short: "Add a policy", Args: exactArgs("PROJECT"),
		Example: "  fairlead proj source-integrity git policies add demo --repo-url 'https://git.example.com/*' --gpg-mode strict --gpg-key D56C4FCA57A46444",
	}
	cmd.Flags().StringSliceVar(&e.urls, "repo-url", nil, "address of repositories, * allowed; may be repeated")
	cmd.Flags().StringVar(&e.mode, "gpg-mode", "", "which signatures: strict (all commits), head (the newest), none")
	cmd.Flags().StringSliceVar(&e.keys, "gpg-key", nil, "ID of a GPG key; may be repeated")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		p, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
		if err != nil {
			return fmt.Errorf("failed getting project %q: %w", args[0], err)
		}
		policy := &v1alpha1.SourceIntegrityGitPolicy{}
		if err := e.apply(policy); err != nil {
			return err
		}
		if err := r.warnOfPolicy(ctx, c, policy); err != nil {
			return err
		}
		if p.Spec.SourceIntegrity == nil {
			p.Spec.SourceIntegrity = &v1alpha1.SourceIntegrity{}
		}
		if p.Spec.SourceIntegrity.Git == nil {
			p.Spec.SourceIntegrity.Git = &v1alpha1.SourceIntegrityGit{}
		}
		p.Spec.SourceIntegrity.Git.Policies = append(p.Spec.SourceIntegrity.Git.Policies, policy)
		if _, err := client.Call(ctx, c, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: p}); err != nil {
			return fmt.Errorf("failed updating project %q: %w", args[0], err)
		}
		return r.printPolicies(p)
	})
	return cmd
}

func newPolicyUpdateCommand(r *root) *cobra.Command {
	e := &policyEdit{}
	var yes bool
	cmd := &cobra.Command{
		Use: "update PROJECT POLICY_ID", Short: "Change a policy", Args: exactArgs("PROJECT", "POLICY_ID"),
		Example: "  fairlead proj source-integrity git policies update demo 0 --add-gpg-key D56C4FCA57A46444",
	}
	flags := cmd.Flags()
	flags.StringVar(&e.mode, "gpg-mode", "", "which signatures: strict (all commits), head (the newest), none")
	flags.StringSliceVar(&e.urls, "repo-url", nil, "addresses of repositories, instead of those that there are")
	flags.StringSliceVar(&e.moreURLs, "add-repo-url", nil, "a further address")
	flags.StringSliceVar(&e.lessURLs, "delete-repo-url", nil, "an address to take away")
	flags.StringSliceVar(&e.keys, "gpg-key", nil, "IDs of GPG keys, instead of those that there are")
	flags.StringSliceVar(&e.moreKeys, "add-gpg-key", nil, "a further key")
	flags.StringSliceVar(&e.lessKeys, "delete-gpg-key", nil, "a key to take away")
	flags.BoolVarP(&yes, "yes", "y", false, "don't ask")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		p, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
		if err != nil {
			return fmt.Errorf("failed getting project %q: %w", args[0], err)
		}
		policies, err := gitPolicies(p)
		if err != nil {
			return err
		}
		id, err := policyID(args[1], len(policies))
		if err != nil {
			return err
		}
		if err := e.apply(policies[id]); err != nil {
			return err
		}
		if err := r.warnOfPolicy(ctx, c, policies[id]); err != nil {
			return err
		}
		if err := r.printPolicies(p); err != nil {
			return err
		}
		return r.updateIf(ctx, c, p, yes, fmt.Sprintf("Are you sure you want to update policy %d from project %q? [y/N] ", id, p.Name))
	})
	return cmd
}

// updateIf updates a project, unless the user says no.
func (r *root) updateIf(ctx context.Context, c *client.Client, p *v1alpha1.AppProject, yes bool, question string) error {
	if !yes && r.ask(question) != "y" {
		r.printf("Aborted by user.\n")
		return nil
	}
	if _, err := client.Call(ctx, c, protocol.ProjectUpdate, &protocol.ProjectUpdateRequest{Project: p}); err != nil {
		return fmt.Errorf("failed updating project %q: %w", p.Name, err)
	}
	return nil
}

func newPolicyDeleteCommand(r *root) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "delete PROJECT POLICY_ID...", Short: "Delete policies", Args: cobra.MinimumNArgs(2),
		Example: "  fairlead proj source-integrity git policies delete demo 1 3",
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	cmd.RunE = r.run(func(ctx context.Context, c *client.Client, args []string) error {
		p, err := client.Call(ctx, c, protocol.ProjectGet, &protocol.ProjectQuery{Name: args[0]})
		if err != nil {
			return fmt.Errorf("failed getting project %q: %w", args[0], err)
		}
		policies, err := gitPolicies(p)
		if err != nil {
			return err
		}
		doomed := map[int]bool{}
		var names []string
		for _, text := range args[1:] {
			id, err := policyID(text, len(policies))
			if err != nil {
				return err
			}
			if !doomed[id] {
				names = append(names, strconv.Itoa(id))
			}
			doomed[id] = true
		}
		slices.Sort(names)
		var left []*v1alpha1.SourceIntegrityGitPolicy
		for i, policy := range policies {
			if !doomed[i] {
				left = append(left, policy)
			}
		}
		if p.Spec.SourceIntegrity.Git.Policies = left; len(left) == 0 {
			p.Spec.SourceIntegrity = nil
		}
		return r.updateIf(ctx, c, p, yes, fmt.Sprintf("Are you sure you want to delete policies %s from project %q? [y/N] ", strings.Join(names, ", "), p.Name))
	})
	return cmd
}
