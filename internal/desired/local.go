package desired

import (
	"fmt"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

// Local are the manifests that a person sent along with an application's last sync: until the next, they are what it is compared
// with, as in Argo CD. Nil is none. The error says which of them can't be read.
func Local(app *v1alpha1.Application) (*Manifests, error) {
	texts := app.LocalManifests()
	if len(texts) == 0 {
		return nil, nil
	}
	sources := app.Spec.AllSources()
	manifests := &Manifests{Project: app.Spec.ProjectName(), Sources: sources, Revisions: make([]string, len(sources))}
	for i, text := range texts {
		objects, err := object.Parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("reading local manifest %d: %w", i+1, err)
		}
		manifests.Objects = append(manifests.Objects, objects...)
	}
	return manifests, nil
}
