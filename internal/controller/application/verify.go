package application

import (
	"context"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/signature"
)

// verify sees whether the newest revision carries the signatures that the project demands. One that doesn't is compared, so
// that people see what it would change, but never counts as synced, and nothing of it is applied.
func (r *Reconciler) verify(ctx context.Context, v *visit) error {
	if v.head == nil || !demandsSignatures(v.project) {
		v.session.setUnsigned("")
		return nil
	}
	complaint, err := r.unsigned(ctx, v, v.head.Sources, nil, v.head.Revisions)
	if err != nil {
		return err
	}
	v.unsigned = complaint
	v.session.setUnsigned(complaint)
	if complaint != "" {
		v.condition(v1alpha1.ApplicationConditionComparisonError, "%s", complaint)
		v.comeBack(r.options.RetryMax) // somebody may add a key
	}
	return nil
}

func demandsSignatures(p *v1alpha1.AppProject) bool { return p != nil && len(p.Spec.SignatureKeys) > 0 }

// unsigned says why these revisions must not be deployed; empty means that they may.
func (r *Reconciler) unsigned(ctx context.Context, v *visit, sources v1alpha1.ApplicationSources, asked, commits []string) (string, error) {
	var allowed []string
	for _, key := range v.project.Spec.SignatureKeys {
		allowed = append(allowed, key.KeyID)
	}
	verified := make([]signature.Verification, len(sources))
	if r.signatures != nil {
		var err error
		if verified, err = r.signatures.Verify(ctx, v.app.Spec.ProjectName(), sources, asked, commits); err != nil {
			return "", err
		}
	}
	var complaints []string
	for i, verification := range verified {
		revision := commits[i]
		if target := sources[i].TargetRevision; verification.Result == signature.Unsigned && target != "" {
			revision = target
		}
		complaint := signature.Judge(revision, verification, allowed)
		if complaint == "" {
			continue
		}
		if !slices.Contains(complaints, complaint) {
			complaints = append(complaints, complaint)
		}
		r.log.Warn("signature demanded", "app", v.app.Name, "revision", commits[i], "result", verification.Result, "key", verification.KeyID, "message", verification.Message)
	}
	return strings.Join(complaints, "; "), nil
}

// refuseUnsigned keeps an operation from revisions that aren't signed as the project demands.
func (r *Reconciler) refuseUnsigned(ctx context.Context, v *visit) error {
	if !demandsSignatures(v.project) {
		return nil
	}
	state := v.app.Status.OperationState
	var asked []string
	if sync := state.Operation.Sync; sync != nil {
		if asked = sync.Revisions; len(asked) == 0 && sync.Revision != "" {
			asked = []string{sync.Revision}
		}
	}
	complaint, err := r.unsigned(ctx, v, resultSources(state.SyncResult), asked, resultRevisions(state.SyncResult))
	if err != nil {
		return err
	}
	if complaint != "" {
		return stop{string(v1alpha1.ApplicationConditionComparisonError) + ": " + complaint}
	}
	return nil
}
