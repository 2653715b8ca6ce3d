package server

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// mask stands for a value of a Secret in answers, as in Argo CD.
const mask = "++++++++"

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// masked is an object as it may be shown: of Secrets without their values.
func masked(object *unstructured.Unstructured) *unstructured.Unstructured {
	if object.GetKind() != "Secret" || object.GroupVersionKind().Group != "" {
		return object
	}
	shown := object.DeepCopy()
	for _, field := range []string{"data", "stringData"} {
		values, ok := shown.Object[field].(map[string]any)
		if !ok {
			delete(shown.Object, field) // a Secret that isn't formed as one may hide its values anywhere in it
			continue
		}
		for key := range values {
			values[key] = mask
		}
	}
	if annotations := shown.GetAnnotations(); annotations[lastApplied] != "" {
		annotations[lastApplied] = mask
		shown.SetAnnotations(annotations)
	}
	return shown
}

// maskManifest is masked for JSON; "" and "null" stay.
func maskManifest(manifest string) (string, error) {
	if manifest == "" || manifest == "null" {
		return manifest, nil
	}
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal([]byte(manifest), &object.Object); err != nil {
		return "", fmt.Errorf("reading a manifest: %w", err)
	}
	shown := masked(object)
	if shown == object {
		return manifest, nil
	}
	encoded, err := json.Marshal(shown.Object)
	return string(encoded), err
}
