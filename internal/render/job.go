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
	"fairlead.dev/fairlead/internal/render/plugin"
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
	fetched    fetched
	plugins    *plugin.Client
	// generated are the manifests of a plugin.
	generated []*unstructured.Unstructured
	// transient says that a failure is not the source's fault.
	transient bool
}

func newJob(request *Request) *job {
	j := &job{request: request, tree: request.Tree.Record(), refs: map[string]Recording{}, environment: newEnvironment(request)}
	for name, tree := range request.Refs {
		j.refs[name] = tree.Record()
	}
	return j
}

func (j *job) reads() reads {
	r := reads{tree: j.tree.ReadSet(), refs: map[string]ReadSet{}, charts: j.fetched.versions, bases: j.fetched.commits}
	for name, recorder := range j.refs {
		r.refs[name] = recorder.ReadSet()
	}
	if j.environment.usedRevision {
		r.revision = j.request.Tree.Revision()
	}
	return r
}

// prepare finds out what there is to render, and gets what it needs from elsewhere. It may wait for the network.
func (j *job) prepare(ctx context.Context) (err error) {
	if j.root, err = j.folder(); err != nil {
		return err
	}
	if j.source, err = override(j.tree, j.root, j.request.Source, j.request.AppName); err != nil {
		return err
	}
	if err := j.detect(ctx); err != nil {
		return err
	}
	if j.sourceType == v1alpha1.ApplicationSourceTypePlugin {
		return j.generate(ctx)
	}
	return j.fetch(ctx)
}

// run renders what prepare has found. It only computes.
func (j *job) run(ctx context.Context) ([]*unstructured.Unstructured, error) {
	switch j.sourceType {
	case v1alpha1.ApplicationSourceTypeHelm:
		return helm.Render(ctx, j.helmInput())
	case v1alpha1.ApplicationSourceTypeKustomize:
		return kustomize.Build(ctx, j.kustomization())
	case v1alpha1.ApplicationSourceTypeDirectory:
		var options v1alpha1.ApplicationSourceDirectory
		if j.source.Directory != nil {
			options = *j.source.Directory
		}
		return directory.Render(ctx, j.tree, j.root, directory.Options{ApplicationSourceDirectory: options, NoJsonnet: j.request.Settings.Off.Jsonnet}, j.environment.expand)
	default:
		return j.generated, nil
	}
}

func (j *job) kustomization() kustomize.Input {
	return kustomize.Input{
		Files: j.tree, Root: j.root, Options: j.source.Kustomize, Settings: j.request.Settings.Kustomize,
		KubeVersion: j.request.KubeVersion, APIVersions: j.request.APIVersions, Expand: j.environment.expand,
		Fetched: kustomize.Fetched{Bases: j.fetched.bases, Charts: j.fetched.charts, Files: j.fetched.files},
	}
}

// usesCapabilities tells whether the rendering depends on the destination's version and kinds.
func (j *job) usesCapabilities() bool {
	switch j.sourceType {
	case v1alpha1.ApplicationSourceTypeHelm, v1alpha1.ApplicationSourceTypePlugin:
		return true
	case v1alpha1.ApplicationSourceTypeKustomize:
		return j.kustomization().Helm()
	default:
		return false
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
		return "", fmt.Errorf("%s: %w at revision %.8s", root, ErrNoFolder, j.request.Tree.Revision())
	}
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s: app path is not a directory", root)
	}
	return root, nil
}
