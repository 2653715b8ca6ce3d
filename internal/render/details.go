package render

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/render/helm"
)

// ErrNoFolder is wrapped by errors of a source whose path isn't in its repository.
var ErrNoFolder = errors.New("app path does not exist")

// Details tells what a source is, and what can be set of it: the values of a chart, the images of a kustomization, the
// parameters of a plugin.
func (r *Renderer) Details(ctx context.Context, request Request) (details *protocol.RepoAppDetailsResponse, err error) {
	if request.Tree == nil {
		return nil, errors.New("describing needs a tree of the source")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.options.Timeout, fmt.Errorf("no end after %s", r.options.Timeout))
	defer cancel()
	job := newJob(&request)
	job.plugins = r.options.Plugins
	defer job.recover(ctx, &err)
	if job.root, err = job.folder(); err != nil {
		return nil, err
	}
	if job.source, err = override(job.tree, job.root, request.Source, request.AppName); err != nil {
		return nil, err
	}
	if err := job.detect(ctx); err != nil {
		return nil, err
	}
	details = &protocol.RepoAppDetailsResponse{Type: string(job.sourceType)}
	switch job.sourceType {
	case v1alpha1.ApplicationSourceTypeHelm:
		details.Helm, err = job.describeChart(ctx)
	case v1alpha1.ApplicationSourceTypeKustomize:
		var built *Result
		if built, err = r.Render(ctx, request); err == nil {
			details.Kustomize = &protocol.KustomizeAppSpec{Images: built.Images}
		}
	case v1alpha1.ApplicationSourceTypePlugin:
		details.Plugin, err = job.describePlugin(ctx)
	}
	return details, err
}

func (j *job) describeChart(ctx context.Context) (*protocol.HelmAppSpec, error) {
	j.fetched = nothingFetched()
	for _, address := range j.helmInput().ValueURLs() {
		if j.request.Network == nil {
			break
		}
		content, err := j.request.Network.File(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("%s: getting a value file: %w", j.root, err)
		}
		j.fetched.files[address] = content
	}
	described, err := helm.Describe(j.helmInput())
	if err != nil {
		return nil, err
	}
	spec := &protocol.HelmAppSpec{ValueFiles: described.ValueFiles, Values: described.Values}
	for _, name := range slices.Sorted(maps.Keys(described.Parameters)) {
		spec.Parameters = append(spec.Parameters, &v1alpha1.HelmParameter{Name: name, Value: described.Parameters[name]})
	}
	if j.source.Helm != nil {
		for _, parameter := range j.source.Helm.FileParameters {
			spec.FileParameters = append(spec.FileParameters, &parameter)
		}
	}
	return spec, nil
}

func (j *job) describePlugin(ctx context.Context) (*protocol.PluginAppSpec, error) {
	if j.plugins == nil {
		return nil, fmt.Errorf("%s: this hub has no config management plugins: use Helm, Kustomize or plain manifests", j.root)
	}
	input, err := j.pluginInput()
	if err != nil {
		return nil, err
	}
	var name string
	if j.source.Plugin != nil {
		name = j.source.Plugin.Name
	}
	return j.plugins.Announce(ctx, name, input)
}
