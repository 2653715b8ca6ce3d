package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/directory"
	"fairlead.dev/fairlead/internal/render/helm"
	"fairlead.dev/fairlead/internal/render/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// job is one rendering: the request, and what it reads.
type job struct {
	request     *Request
	tree        Recording
	refs        map[string]Recording
	environment *environment
	// root, source and sourceType are what prepare finds: the folder, the source with the overrides in it, and what it is.
	root       string
	source     v1alpha1.ApplicationSource
	sourceType v1alpha1.ApplicationSourceType
}

func newJob(request *Request) *job {
	j := &job{request: request, tree: request.Tree.Record(), refs: map[string]Recording{}, environment: newEnvironment(request)}
	for name, tree := range request.Refs {
		j.refs[name] = tree.Record()
	}
	return j
}

func (j *job) reads() reads {
	r := reads{tree: j.tree.ReadSet(), refs: map[string]ReadSet{}}
	for name, recorder := range j.refs {
		r.refs[name] = recorder.ReadSet()
	}
	if j.environment.usedRevision {
		r.revision = j.request.Tree.Revision()
	}
	return r
}

// prepare finds out what there is to render, and gets what it needs from elsewhere. It may wait for the network.
func (j *job) prepare(context.Context) (err error) {
	if j.root, err = j.folder(); err != nil {
		return err
	}
	if j.source, err = override(j.tree, j.root, j.request.Source, j.request.AppName); err != nil {
		return err
	}
	j.sourceType, err = detect(j.tree, j.root, &j.source)
	return err
}

// run renders what prepare has found. It only computes.
func (j *job) run(ctx context.Context) ([]*unstructured.Unstructured, error) {
	switch j.sourceType {
	case v1alpha1.ApplicationSourceTypeHelm:
		refs := map[string]fs.FS{}
		for name, recording := range j.refs {
			refs[name] = recording
		}
		return helm.Render(ctx, helm.Input{
			Files: j.tree, Root: j.root, Refs: refs, Options: j.source.Helm,
			Release: j.request.release(), Namespace: j.request.DestinationNamespace,
			KubeVersion: j.request.KubeVersion, APIVersions: j.request.APIVersions,
			Expand: j.environment.expand,
		})
	case v1alpha1.ApplicationSourceTypeKustomize:
		return kustomize.Build(ctx, j.tree, j.root, j.source.Kustomize, j.environment.expand)
	case v1alpha1.ApplicationSourceTypeDirectory:
		var options v1alpha1.ApplicationSourceDirectory
		if j.source.Directory != nil {
			options = *j.source.Directory
		}
		return directory.Render(ctx, j.tree, j.root, options, j.environment.expand)
	default:
		return nil, fmt.Errorf("%s: config management plugins are not supported: use Helm, Kustomize or plain manifests", j.root)
	}
}

// folder checks the source's path.
func (j *job) folder() (string, error) {
	source := &j.request.Source
	if source.Chart != "" {
		return ".", nil
	}
	root, err := sourcePath(source)
	if err != nil {
		return "", err
	}
	info, err := fs.Stat(j.tree, root)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: app path does not exist at revision %.8s", root, j.request.Tree.Revision())
	}
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s: app path is not a directory", root)
	}
	return root, nil
}
