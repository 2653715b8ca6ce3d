package appset

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/slug"
)

// DirectoryParams are the parameters of a directory of a repository. The prefix, empty for none, keeps two generators of a
// matrix apart.
func DirectoryParams(name, prefix string, goTemplate bool) map[string]any {
	params := map[string]any{}
	addPath(params, name, "", prefix, goTemplate)
	return params
}

// FileParams are what a file of YAML or JSON says, one set or a list of them, with the parameters of its path.
func FileParams(name string, content []byte, prefix string, goTemplate bool) ([]map[string]any, error) {
	objects := []map[string]any{{}}
	if err := yaml.Unmarshal(content, &objects[0]); err != nil {
		objects = nil
		if err := yaml.Unmarshal(content, &objects); err != nil {
			return nil, fmt.Errorf("unable to parse file: %w", err)
		}
	}
	for i, object := range objects {
		params := object
		if params == nil {
			params = map[string]any{}
		}
		if !goTemplate {
			params = map[string]any{}
			for key, value := range Flatten(object) {
				params[key] = value
			}
		}
		addPath(params, path.Dir(name), path.Base(name), prefix, goTemplate)
		objects[i] = params
	}
	return objects, nil
}

// addPath adds the parameters of a directory, and of a file in it unless that is empty.
func addPath(params map[string]any, directory, file, prefix string, goTemplate bool) {
	said := map[string]string{"basename": path.Base(directory), "basenameNormalized": slug.DNSName(path.Base(directory))}
	if file != "" {
		said["filename"], said["filenameNormalized"] = file, slug.DNSName(file)
	}
	segments := strings.Split(directory, "/")
	if goTemplate {
		nested := map[string]any{"path": directory, "segments": segments}
		for key, value := range said {
			nested[key] = value
		}
		if prefix == "" {
			params["path"] = nested
		} else {
			params[prefix] = map[string]any{"path": nested}
		}
		return
	}
	at := "path"
	if prefix != "" {
		at = prefix + ".path"
	}
	params[at] = directory
	for key, value := range said {
		params[at+"."+key] = value
	}
	for i, segment := range segments {
		if segment != "" {
			params[at+"["+strconv.Itoa(i)+"]"] = segment
		}
	}
}
