package application

import (
	"context"
	"fmt"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/signature"
)

// verify sees whether the newest revision carries the signatures that the project demands. One that doesn't is compared, so
// that people see what it would change, but never counts as synced, and nothing of it is applied.
func (r *Reconciler) verify(ctx context.Context, v *visit) error {
	if v.head == nil || !r.demands(v, v.head.Sources) {
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

func (r *Reconciler) demands(v *visit, sources v1alpha1.ApplicationSources) bool {
	for _, source := range sources {
		if demand, err := signature.DemandOf(v.project, source); demand != nil || err != nil {
			return true
		}
	}
	return false
}

// unsigned says why these revisions must not be deployed; empty means that they may.
func (r *Reconciler) unsigned(ctx context.Context, v *visit, sources v1alpha1.ApplicationSources, asked, commits []string) (string, error) {
	if len(commits) != len(sources) {
		return "", fmt.Errorf("verifying the signatures of %d sources at %d revisions", len(sources), len(commits))
	}
	var complaints []string
	for i, source := range sources {
		demand, err := signature.DemandOf(v.project, source)
		if err != nil {
			complaints = append(complaints, err.Error())
		}
		if demand == nil {
			continue
		}
		revision := ""
		if i < len(asked) {
			revision = asked[i]
		}
		checked := []signature.Checked{{Revision: commits[i], Verification: signature.Verification{Finding: "unsigned"}}}
		if r.signatures != nil {
			if checked, err = r.signatures.Verify(ctx, v.app.Spec.ProjectName(), source, revision, commits[i], demand.History); err != nil {
				return "", err
			}
		}
		for _, problem := range demand.Problems(checked) {
			complaints = append(complaints, signature.Method+": "+ofSource(sources, i)+problem)
		}
	}
	if len(complaints) > 0 {
		r.log.Warn("signature demanded", "app", v.app.Name, "problems", complaints)
	}
	return strings.Join(complaints, "\n"), nil
}

// ofSource names a source where there are several.
func ofSource(sources v1alpha1.ApplicationSources, i int) string {
	switch {
	case len(sources) == 1:
		return ""
	case sources[i].Name != "":
		return "source " + sources[i].Name + ": "
	default:
		return fmt.Sprintf("source %d of %d: ", i+1, len(sources))
	}
}

// refuseUnsigned keeps an operation from revisions that aren't signed as the project demands.
func (r *Reconciler) refuseUnsigned(ctx context.Context, v *visit) error {
	state := v.app.Status.OperationState
	if !r.demands(v, resultSources(state.SyncResult)) {
		return nil
	}
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
