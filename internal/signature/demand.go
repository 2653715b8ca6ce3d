package signature

import (
	"fmt"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/project"
)

// Method is the name of the one way in which sources prove their integrity.
const Method = "GIT/GPG"

// maxProblems bounds how many problems of one source are told.
const maxProblems = 10

// Demand is what a project demands of a Git repository.
type Demand struct {
	// Keys are the IDs or fingerprints of those who may sign. No keys mean that nothing is good enough.
	Keys []string
	// History demands it of every commit that led to the revision, too.
	History bool
}

// Checked is a commit or a tag that was verified.
type Checked struct {
	// Revision is a commit's ID or a tag's name; Author is who made it, "Name <mail>".
	Revision, Author string
	IsTag            bool
	Verification
}

// Methods are the names of the ways that a project's sources must prove their integrity in; none is none.
func Methods(p *v1alpha1.AppProject) []string {
	integrity := effective(p)
	if integrity == nil || integrity.Git == nil {
		return nil
	}
	if slices.ContainsFunc(integrity.Git.Policies, func(policy *v1alpha1.SourceIntegrityGitPolicy) bool { return policy != nil && policy.GPG != nil }) {
		return []string{Method}
	}
	return nil
}

// effective is a project's source integrity; its older signatureKeys are a policy for all repositories where it has no other.
func effective(p *v1alpha1.AppProject) *v1alpha1.SourceIntegrity {
	integrity := p.Spec.SourceIntegrity
	if len(p.Spec.SignatureKeys) == 0 || integrity != nil && integrity.Git != nil {
		return integrity
	}
	policy := &v1alpha1.SourceIntegrityGitPolicy{
		Repos: []v1alpha1.SourceIntegrityGitPolicyRepo{{URL: "*"}},
		GPG:   &v1alpha1.SourceIntegrityGitPolicyGPG{Mode: v1alpha1.SourceIntegrityGitPolicyGPGModeHead},
	}
	for _, key := range p.Spec.SignatureKeys {
		policy.GPG.Keys = append(policy.GPG.Keys, key.KeyID)
	}
	return &v1alpha1.SourceIntegrity{Git: &v1alpha1.SourceIntegrityGit{Policies: []*v1alpha1.SourceIntegrityGitPolicy{policy}}}
}

// DemandOf gives what a project demands of a source; nil is nothing, as for a nil project and for what isn't in Git. An error
// means that it can't be told, so that nothing of the source may be deployed.
func DemandOf(p *v1alpha1.AppProject, source v1alpha1.ApplicationSource) (*Demand, error) {
	if p == nil || source.IsChart() || source.IsOCI() {
		return nil, nil
	}
	integrity := effective(p)
	if integrity == nil || integrity.Git == nil {
		return nil, nil
	}
	var matching []*v1alpha1.SourceIntegrityGitPolicy
	for _, policy := range integrity.Git.Policies {
		if policy != nil && isFor(policy, source.RepoURL) {
			matching = append(matching, policy)
		}
	}
	if len(matching) > 1 {
		return nil, fmt.Errorf("multiple (%d) git source integrity policies found for repo URL: %s", len(matching), source.RepoURL)
	}
	if len(matching) == 0 || matching[0].GPG == nil {
		return nil, nil
	}
	switch gpg := matching[0].GPG; gpg.Mode {
	case v1alpha1.SourceIntegrityGitPolicyGPGModeNone:
		return nil, nil
	case v1alpha1.SourceIntegrityGitPolicyGPGModeHead:
		return &Demand{Keys: gpg.Keys}, nil
	case v1alpha1.SourceIntegrityGitPolicyGPGModeStrict:
		return &Demand{Keys: gpg.Keys, History: true}, nil
	default:
		return nil, fmt.Errorf("unknown GPG mode %q configured for GIT source integrity", gpg.Mode)
	}
}

func isFor(policy *v1alpha1.SourceIntegrityGitPolicy, url string) bool {
	matches := false
	for _, repo := range policy.Repos {
		pattern, denied := strings.CutPrefix(repo.URL, "!")
		if !project.Glob(pattern, url, 0) {
			continue
		}
		if denied {
			return false
		}
		matches = true
	}
	return matches
}

// Seals tells whether a commit with this message vouches for all that came before it, if its signature is good.
func Seals(message string) bool {
	return strings.Contains(strings.ToLower(message), "argocd-gpg-seal:")
}

// Problems says why what was checked isn't good enough, ten times at most; none means that it is. What the same key signed is
// told of once, but for tags.
func (d *Demand) Problems(checked []Checked) []string {
	var problems []string
	told := map[string]bool{}
	for _, c := range checked {
		problem := d.problem(c)
		if problem == "" || c.KeyID != "" && !c.IsTag && told[c.KeyID] {
			continue
		}
		if !c.IsTag {
			told[c.KeyID] = true
		}
		if problems = append(problems, problem); len(problems) == maxProblems {
			break
		}
	}
	return problems
}

func (d *Demand) problem(c Checked) string {
	finding := c.Finding
	if c.Result == Good {
		if d.allows(c.Verification) {
			return ""
		}
		finding = "signed with unallowed key"
	}
	return fmt.Sprintf("Failed verifying revision %s by '%s': %s (key_id=%s)", c.Revision, c.Author, finding, c.KeyID)
}

func (d *Demand) allows(v Verification) bool {
	return slices.ContainsFunc(d.Keys, func(key string) bool {
		id := KeyID(key)
		return id != "" && (id == v.KeyID || id == v.Primary)
	})
}

// Info is what was found out about a revision, in the one line that Argo CD's clients show beside it.
func (d *Demand) Info(checked []Checked) string {
	if len(checked) == 0 {
		return ""
	}
	switch c := checked[0]; c.Result {
	case Unsigned:
		return fmt.Sprintf("Target revision %s in Git is not signed, but a signature is required", c.Revision)
	case Good:
		if !d.allows(c.Verification) {
			return fmt.Sprintf("Found good signature made with %s key %s, but this key is not allowed in AppProject", c.Cipher, c.KeyID)
		}
		return fmt.Sprintf("Good signature from %s key %s", c.Author, c.KeyID)
	case Invalid:
		return fmt.Sprintf("Found signature made with %s key %s, but verification result was invalid: '%s'", c.Cipher, c.KeyID, c.Message)
	default:
		return fmt.Sprintf("Could not verify commit signature on revision '%s', check logs for more information.", c.Revision)
	}
}
