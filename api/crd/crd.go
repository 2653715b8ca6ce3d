// Package crd holds the CustomResourceDefinitions of all kinds under api/, generated from their Go types by `make
// generate`. The hub installs those that it serves, an agent those that it drives.
package crd

import (
	"embed"
	"fmt"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

//go:embed *.yaml
var files embed.FS

// Named returns the definitions with those names, such as "rollouts.argoproj.io". A name that there is no
// definition for is an error.
func Named(names ...string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	var picked []*apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		plural, group, _ := strings.Cut(name, ".")
		text, err := files.ReadFile(group + "_" + plural + ".yaml")
		if err != nil {
			return nil, fmt.Errorf("there is no definition named %q", name)
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(text, definition); err != nil {
			return nil, fmt.Errorf("reading definition %s: %w", name, err)
		}
		picked = append(picked, definition)
	}
	return picked, nil
}
