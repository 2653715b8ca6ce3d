// Package manifest reads rendered manifests and says clearly what is wrong with them: in which file, which document, and
// which field. It checks only what holds for every object (apiVersion, kind, a name); the API server judges the rest.
package manifest

import (
	"fmt"
	"slices"

	"fairlead.dev/fairlead/internal/object"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// kustomization is the group of what configures Kustomize. No API server has it: such a file lies among manifests where
// Kustomize isn't used.
const kustomization = "kustomize.config.k8s.io"

// Parse reads the manifests of one file: YAML or JSON, several documents, lists taken apart. The file's name is only for
// errors. What configures Kustomize is no manifest.
func Parse(file string, data []byte) ([]*unstructured.Unstructured, error) {
	objects, err := object.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	objects = slices.DeleteFunc(objects, func(u *unstructured.Unstructured) bool { return u.GroupVersionKind().Group == kustomization })
	for _, u := range objects {
		if err := Check(u); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return objects, nil
}

// Check tells what every object must have and this one doesn't. A name may be missing where Kubernetes generates one, and
// of hooks, which are named by the sync that runs them.
func Check(u *unstructured.Unstructured) error {
	if u.GetAPIVersion() == "" || u.GetKind() == "" {
		return fmt.Errorf("an object named %q has no apiVersion or no kind", u.GetName())
	}
	metadata, found := u.Object["metadata"]
	if _, isMap := metadata.(map[string]any); found && !isMap {
		return fmt.Errorf("%s: metadata is no mapping", u.GetKind())
	}
	if name, _, err := unstructured.NestedString(u.Object, "metadata", "name"); err != nil {
		return fmt.Errorf("%s: metadata.name is no string: put it in quotes", u.GetKind())
	} else if name == "" && u.GetGenerateName() == "" && !isHook(u) {
		return fmt.Errorf("%s has no metadata.name", u.GetKind())
	}
	for _, field := range []string{"labels", "annotations"} {
		if _, _, err := unstructured.NestedStringMap(u.Object, "metadata", field); err != nil {
			return fmt.Errorf("%s %q: metadata.%s must map strings to strings: put numbers and booleans in quotes", u.GetKind(), u.GetName(), field)
		}
	}
	return nil
}

func isHook(u *unstructured.Unstructured) bool {
	_, is := object.Hooks(u)
	return is
}
