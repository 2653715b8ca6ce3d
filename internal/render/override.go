package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"sigs.k8s.io/yaml"
)

// maxOverrideBytes bounds an override file; image updaters write some hundred bytes.
const maxOverrideBytes = 1 << 20

// override merges .argocd-source.yaml, then .argocd-source-<app>.yaml, of the source's folder over the source, as JSON merge
// patches (RFC 7396: mappings merge, lists and values replace, null deletes). They say how to render, not what: repository,
// path, chart and revision stay.
func override(files fs.FS, root string, source v1alpha1.ApplicationSource, appName string) (v1alpha1.ApplicationSource, error) {
	names := []string{".argocd-source.yaml"}
	if appName != "" {
		names = append(names, ".argocd-source-"+appName+".yaml")
	}
	for _, name := range names {
		name = path.Join(root, name)
		if !fs.ValidPath(name) || path.Dir(name) != path.Clean(root) {
			return source, fmt.Errorf("application name %q can't be part of a file name", appName)
		}
		exists, err := isFile(files, name)
		if err != nil {
			return source, err
		}
		if !exists {
			continue
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return source, err
		}
		merged, err := mergeSource(source, data)
		if err != nil {
			return source, fmt.Errorf("%s: %w", name, err)
		}
		merged.RepoURL, merged.Path, merged.Chart, merged.TargetRevision = source.RepoURL, source.Path, source.Chart, source.TargetRevision
		source = merged
	}
	return source, nil
}

func mergeSource(source v1alpha1.ApplicationSource, data []byte) (v1alpha1.ApplicationSource, error) {
	if len(data) > maxOverrideBytes {
		return source, fmt.Errorf("more than %d bytes", maxOverrideBytes)
	}
	var patch any
	if err := yaml.Unmarshal(data, &patch); err != nil {
		return source, err
	}
	if patch == nil {
		return source, nil
	}
	if _, isMap := patch.(map[string]any); !isMap {
		return source, errors.New("it must be a mapping with helm, kustomize, directory or plugin in it")
	}
	text, err := json.Marshal(source)
	if err != nil {
		return source, err
	}
	var target any
	if err := json.Unmarshal(text, &target); err != nil {
		return source, err
	}
	if text, err = json.Marshal(mergePatch(target, patch)); err != nil {
		return source, err
	}
	var merged v1alpha1.ApplicationSource
	if err := json.Unmarshal(text, &merged); err != nil {
		return source, fmt.Errorf("it doesn't fit an application's source: %w", err)
	}
	return merged, nil
}

// mergePatch is RFC 7396.
func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	result, ok := target.(map[string]any)
	if !ok {
		result = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(result, name)
		} else {
			result[name] = mergePatch(result[name], value)
		}
	}
	return result
}
