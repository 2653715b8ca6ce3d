package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/kustomize"
)

// explicitType is what a source says itself that it is; empty if it doesn't.
func explicitType(source *v1alpha1.ApplicationSource) (v1alpha1.ApplicationSourceType, error) {
	var explicit []string
	for _, option := range []struct {
		is   v1alpha1.ApplicationSourceType
		used bool
	}{
		{v1alpha1.ApplicationSourceTypeKustomize, source.Kustomize != nil},
		{v1alpha1.ApplicationSourceTypeHelm, source.Helm != nil},
		{v1alpha1.ApplicationSourceTypeDirectory, source.Directory != nil},
		{v1alpha1.ApplicationSourceTypePlugin, source.Plugin != nil},
	} {
		if option.used {
			explicit = append(explicit, string(option.is))
		}
	}
	if len(explicit) > 1 {
		return "", fmt.Errorf("multiple application sources defined: %s: keep one of them", strings.Join(explicit, ","))
	}
	if len(explicit) == 1 {
		return v1alpha1.ApplicationSourceType(explicit[0]), nil
	}
	return "", nil
}

// detect finds out what a folder is by its files, in Argo CD's order: a Chart.yaml; a kustomization; else plain manifests.
func detect(files fs.FS, root string, off Tools) (v1alpha1.ApplicationSourceType, error) {
	if exists, err := isFile(files, path.Join(root, "Chart.yaml")); err != nil {
		return "", err
	} else if exists && !off.Helm {
		return v1alpha1.ApplicationSourceTypeHelm, nil
	}
	if off.Kustomize {
		return v1alpha1.ApplicationSourceTypeDirectory, nil
	}
	for _, name := range kustomize.FileNames {
		if exists, err := isFile(files, path.Join(root, name)); err != nil {
			return "", err
		} else if exists {
			return v1alpha1.ApplicationSourceTypeKustomize, nil
		}
	}
	return v1alpha1.ApplicationSourceTypeDirectory, nil
}

func isFile(files fs.FS, name string) (bool, error) {
	info, err := fs.Stat(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return !info.IsDir(), nil
}

// TypeByFile is what a file of that name makes of its folder; empty for most.
func TypeByFile(name string) v1alpha1.ApplicationSourceType {
	switch {
	case name == "Chart.yaml":
		return v1alpha1.ApplicationSourceTypeHelm
	case slices.Contains(kustomize.FileNames, name):
		return v1alpha1.ApplicationSourceTypeKustomize
	}
	return ""
}
