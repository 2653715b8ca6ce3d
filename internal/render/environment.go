package render

import "os"

// environment are the build variables that may stand in parameters, such as $ARGOCD_APP_NAME or ${ARGOCD_APP_REVISION}. The
// process's own environment is not among them.
type environment struct {
	values map[string]string
	// revisions are the variables that change with each revision; usedRevision tells that one was used.
	revisions    map[string]string
	usedRevision bool
}

// newEnvironment has the names of Argo CD's build environment.
func newEnvironment(r *Request) *environment {
	revision := r.Tree.Revision()
	return &environment{
		values: map[string]string{
			"ARGOCD_APP_NAME":                   r.AppName,
			"ARGOCD_APP_NAMESPACE":              r.DestinationNamespace,
			"ARGOCD_APP_PROJECT_NAME":           r.Project,
			"ARGOCD_APP_SOURCE_REPO_URL":        r.Source.RepoURL,
			"ARGOCD_APP_SOURCE_PATH":            r.Source.Path,
			"ARGOCD_APP_SOURCE_TARGET_REVISION": r.Source.TargetRevision,
		},
		revisions: map[string]string{
			"ARGOCD_APP_REVISION":         revision,
			"ARGOCD_APP_REVISION_SHORT":   shorten(revision, 7),
			"ARGOCD_APP_REVISION_SHORT_8": shorten(revision, 8),
		},
	}
}

func shorten(text string, length int) string { return text[:min(length, len(text))] }

// expand replaces $NAME and ${NAME}; an unknown name becomes nothing, and $$ a dollar sign, as in Argo CD.
func (e *environment) expand(text string) string {
	return os.Expand(text, func(name string) string {
		if name == "$" {
			return "$"
		}
		if value, ok := e.revisions[name]; ok {
			e.usedRevision = true
			return value
		}
		return e.values[name]
	})
}

// expandWith is expand with other variables.
func expandWith(text string, variables map[string]string) string {
	return (&environment{values: variables}).expand(text)
}
