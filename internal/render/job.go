package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/render/directory"
	"fairlead.dev/fairlead/internal/render/helm"
	"fairlead.dev/fairlead/internal/render/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// job is one rendering: the request, and what it reads.
type job struct {
	request     *Request
	tree        *git.Recorder
	refs        map[string]*git.Recorder
	environment *environment
	// sourceType is set once it is known.
	sourceType v1alpha1.ApplicationSourceType
}

func newJob(request *Request) *job {
	j := &job{request: request, tree: request.Tree.Record(), refs: map[string]*git.Recorder{}, environment: newEnvironment(request)}
	for name, tree := range request.Refs {
		j.refs[name] = tree.Record()
	}
	return j
}

func (j *job) reads() reads {
	r := reads{tree: j.tree.ReadSet(), refs: map[string]*git.ReadSet{}}
	for name, recorder := range j.refs {
		r.refs[name] = recorder.ReadSet()
	}
	if j.environment.usedRevision {
		r.commit = j.request.Tree.Commit()
	}
	return r
}

func (j *job) run(ctx context.Context) ([]*unstructured.Unstructured, error) {
	root, err := j.folder()
	if err != nil {
		return nil, err
	}
	source, err := override(j.tree, root, j.request.Source, j.request.AppName)
	if err != nil {
		return nil, err
	}
	if j.sourceType, err = detect(j.tree, root, &source); err != nil {
		return nil, err
	}
	switch j.sourceType {
	case v1alpha1.ApplicationSourceTypeHelm:
		refs := map[string]fs.FS{}
		for name, recorder := range j.refs {
			refs[name] = recorder
		}
		return helm.Render(ctx, helm.Input{
			Files: j.tree, Root: root, Refs: refs, Options: source.Helm,
			Release: j.request.release(), Namespace: j.request.DestinationNamespace,
			KubeVersion: j.request.KubeVersion, APIVersions: j.request.APIVersions,
			Expand: j.environment.expand,
		})
	case v1alpha1.ApplicationSourceTypeKustomize:
		return kustomize.Build(ctx, j.tree, root, source.Kustomize, j.environment.expand)
	case v1alpha1.ApplicationSourceTypeDirectory:
		var options v1alpha1.ApplicationSourceDirectory
		if source.Directory != nil {
			options = *source.Directory
		}
		return directory.Render(ctx, j.tree, root, options)
	default:
		return nil, fmt.Errorf("%s: config management plugins are not supported: use Helm, Kustomize or plain manifests", root)
	}
}

// folder checks the source's path.
func (j *job) folder() (string, error) {
	source := &j.request.Source
	if source.Chart != "" {
		return "", fmt.Errorf("chart %q: charts from Helm repositories are not supported yet: put the chart into a Git repository", source.Chart)
	}
	root, err := sourcePath(source)
	if err != nil {
		return "", err
	}
	info, err := fs.Stat(j.tree, root)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: app path does not exist at commit %.8s", root, j.request.Tree.Commit())
	}
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s: app path is not a directory", root)
	}
	return root, nil
}
