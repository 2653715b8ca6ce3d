// Package kustomize builds a kustomization in process, from a tree of a Git repository.
//
// Files are read from anywhere in the repository and nowhere else. Remote bases, remote manifests and charts of repositories are
// told before the build (Needs), fetched by the caller, and mounted; the build itself has no network. Plugins that run
// programs are refused, with the entry named. Helm charts in a kustomization are rendered by package helm, if the operator
// allows them. The options of an Application edit the kustomization in memory before it is built, as Argo
// CD does with `kustomize edit`.
//
// Start with Build; edit.go are the options, filesystem.go is what Kustomize sees, helm.go the charts, needs.go and mount.go
// what comes from elsewhere, remote.go what is refused, settings.go the operator's flags.
package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/manifest"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// FileNames are the names that make a folder a kustomization; one of them at most may exist.
var FileNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// schema guards Kustomize's OpenAPI schema, which is a variable of the process. Builds share the built-in one; a build that
// brings its own has the process for itself, and restores the built-in one.
var schema sync.RWMutex

// loadSchema reads the built-in schema before the first build (4 MB, 45 ms), because Kustomize would do so in the middle of
// builds that already read it.
var loadSchema = sync.OnceFunc(func() { openapi.Schema() })

// Input is what a kustomization is built with.
type Input struct {
	// Files is the repository, Root the kustomization's folder in it.
	Files fs.FS
	Root  string
	// Options are the application's; nil means none.
	Options *v1alpha1.ApplicationSourceKustomize
	// Settings are the operator's.
	Settings Settings
	// KubeVersion and APIVersions are the destination's, for Helm charts in kustomizations.
	KubeVersion string
	APIVersions []string
	// Expand replaces variables in the options where Argo CD does so.
	Expand func(string) string
	// Fetched is what Needs named.
	Fetched Fetched
}

// Helm tells whether the build may render Helm charts, so that it depends on the destination's version and kinds.
func (in Input) Helm() bool {
	flags, err := in.flags()
	return err == nil && flags.helm
}

func (in Input) flags() (buildOptions, error) {
	var version string
	if in.Options != nil {
		version = in.Options.Version
	}
	return in.Settings.options(version)
}

// Build builds a kustomization.
func Build(ctx context.Context, in Input) ([]*unstructured.Unstructured, error) {
	repository, _, err := open(ctx, in)
	if err != nil {
		return nil, err
	}
	resources, err := run(repository, in.Root)
	if err != nil {
		return nil, err
	}
	return convert(in.Root, resources)
}

// open finds the kustomization, and edits it by the application's options.
func open(ctx context.Context, in Input) (repository *repository, name string, err error) {
	if name, err = find(in.Files, in.Root); err != nil {
		return nil, "", err
	}
	repository = newRepository(ctx, in.Files, in.Fetched)
	if repository.options, err = in.flags(); err != nil {
		return nil, "", fmt.Errorf("%s: %w", name, err)
	}
	repository.kubeVersion, repository.apiVersions = in.KubeVersion, in.APIVersions
	if options := in.Options; options != nil {
		repository.kubeVersion = first(options.KubeVersion, in.KubeVersion)
		if len(options.APIVersions) > 0 {
			repository.apiVersions = options.APIVersions
		}
		content, err := fs.ReadFile(in.Files, name)
		if err != nil {
			return nil, "", err
		}
		edited, err := edit(in.Files, in.Root, content, options, in.Expand)
		if err != nil {
			return nil, "", fmt.Errorf("%s: applying the application's kustomize options: %w", name, err)
		}
		repository.overlay[name] = edited
	}
	return repository, name, nil
}

// find returns the path of the kustomization in a folder.
func find(files fs.FS, root string) (string, error) {
	found := ""
	for _, candidate := range FileNames {
		name := path.Join(root, candidate)
		if _, err := fs.Stat(files, name); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return "", err
		}
		if found != "" {
			return "", fmt.Errorf("%s and %s: a folder can have one kustomization only: remove one of them", found, name)
		}
		found = name
	}
	if found == "" {
		return "", fmt.Errorf("%s has no kustomization.yaml", root)
	}
	return found, nil
}

func run(repository *repository, root string) (resmap.ResMap, error) {
	loadSchema()
	resources, err := shared(repository, root)
	if errors.Is(err, errOwnSchema) || repository.wantsOwnSchema {
		repository.ownSchema = true
		repository.refusal = nil
		resources, err = alone(repository, root)
	}
	// Kustomize tries a path as a file and then as a folder, and reports the last failure; ours is the reason.
	if repository.refusal != nil {
		return nil, repository.refusal
	}
	if err != nil {
		return nil, errors.New(repository.readable(err.Error()))
	}
	return resources, nil
}

func shared(repository *repository, root string) (resmap.ResMap, error) {
	schema.RLock()
	defer schema.RUnlock()
	return kustomize(repository, root)
}

func alone(repository *repository, root string) (resmap.ResMap, error) {
	schema.Lock()
	defer schema.Unlock()
	openapi.ResetOpenAPI()
	defer func() {
		openapi.ResetOpenAPI()
		openapi.Schema()
	}()
	return kustomize(repository, root)
}

func kustomize(repository *repository, root string) (resmap.ResMap, error) {
	options := krusty.MakeDefaultOptions()
	// The order of kustomize build; it only matters to people who compare.
	options.Reorder = krusty.ReorderOptionUnspecified
	switch repository.options.reorder {
	case "legacy":
		options.Reorder = krusty.ReorderOptionLegacy
	case "none":
		options.Reorder = krusty.ReorderOptionNone
	}
	// The repository is the border, and the file system keeps it.
	options.LoadRestrictions = types.LoadRestrictionsNone
	return krusty.MakeKustomizer(options).Run(repository, path.Join(mount, root))
}

// readable takes our mount points out of Kustomize's messages, so that paths are those of the repository.
func (r *repository) readable(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, mount+"/", ""), mount, ".")
	return r.shown(text)
}

// shown names fetched trees by where they come from.
func (r *repository) shown(text string) string {
	for folder, name := range r.names {
		text = strings.ReplaceAll(text, folder, name)
	}
	return text
}

func convert(root string, resources resmap.ResMap) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, resource := range resources.Resources() {
		data, err := resource.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("%s: reading what Kustomize made of %s: %w", root, resource.CurId(), err)
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(data); err != nil {
			return nil, fmt.Errorf("%s: reading what Kustomize made of %s: %w", root, resource.CurId(), err)
		}
		if err := manifest.Check(u); err != nil {
			return nil, fmt.Errorf("%s: %w", root, err)
		}
		objects = append(objects, u)
	}
	return objects, nil
}
