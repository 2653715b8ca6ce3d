// Package kustomize builds a kustomization in process, from a tree of a Git repository.
//
// Files are read from anywhere in the repository and nowhere else: remote bases and files, Helm charts inside a
// kustomization, and plugins that run programs are refused, with the entry named. The options of an Application edit the
// kustomization in memory before it is built, as Argo CD does with `kustomize edit`.
//
// Start with Build; edit.go are the options, filesystem.go is what Kustomize sees, remote.go what is refused.
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

// Build builds the kustomization in folder root. The options may be nil. Expand replaces variables in those options where
// Argo CD does so.
func Build(ctx context.Context, files fs.FS, root string, options *v1alpha1.ApplicationSourceKustomize, expand func(string) string) ([]*unstructured.Unstructured, error) {
	name, err := find(files, root)
	if err != nil {
		return nil, err
	}
	repository := newRepository(ctx, files)
	if options != nil {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		edited, err := edit(files, root, content, options, expand)
		if err != nil {
			return nil, fmt.Errorf("%s: applying the application's kustomize options: %w", name, err)
		}
		repository.overlay[name] = edited
	}
	resources, err := run(repository, root)
	if err != nil {
		return nil, err
	}
	return convert(root, resources)
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
		return nil, errors.New(readable(err.Error()))
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
	// The repository is the border, and the file system keeps it.
	options.LoadRestrictions = types.LoadRestrictionsNone
	return krusty.MakeKustomizer(options).Run(repository, path.Join(mount, root))
}

// readable takes our mount point out of Kustomize's messages, so that paths are those of the repository.
func readable(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, mount+"/", ""), mount, ".")
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
