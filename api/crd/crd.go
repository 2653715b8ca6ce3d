// Package crd holds the CustomResourceDefinitions of all kinds under api/, generated from their Go types by `make
// generate`. The hub installs those that it serves, an agent those that it drives.
package crd

import (
	"embed"
	"fmt"
	"io/fs"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

//go:embed *.yaml
var files embed.FS

// Named returns the definitions with those names, such as "rollouts.argoproj.io". A name that there is no
// definition for is an error.
func Named(names ...string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	paths, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing definitions: %w", err)
	}
	all := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, path := range paths {
		text, err := files.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading definition %s: %w", path, err)
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(text, definition); err != nil {
			return nil, fmt.Errorf("reading definition %s: %w", path, err)
		}
		all[definition.Name] = definition
	}
	var picked []*apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		definition, ok := all[name]
		if !ok {
			return nil, fmt.Errorf("there is no definition named %q", name)
		}
		picked = append(picked, definition)
	}
	return picked, nil
}
