package cluster

import (
	"context"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// untyped is how the API server begins its refusal of an apply whose manifest doesn't fit the kind's schema (apimachinery,
// managedfields). It refuses so whatever the request says of validation.
const untyped = "failed to create typed patch object"

// fit is for a manifest that an apply was refused for because of its schema. It asks how the API server reads it where
// nothing is merged: that says in its usual words what is wrong, or, where unknown fields are accepted, leaves them out. Then
// fitting is the manifest without them; else the error is the better one.
func (c *Cluster) fit(ctx context.Context, resource dynamic.ResourceInterface, manifest *unstructured.Unstructured, o ApplyOptions, refused error) (fitting *unstructured.Unstructured, err error) {
	o.DryRun = true
	known, err := c.replaceObject(ctx, resource, manifest, o)
	switch {
	case apierrors.IsBadRequest(err):
		return nil, err
	case err != nil || !o.SkipValidation:
		return nil, refused
	}
	content, _ := withoutUnknown(manifest.Object, known.Object).(map[string]any)
	return &unstructured.Unstructured{Object: content}, nil
}

// isUntyped tells whether an apply was refused because the manifest doesn't fit its kind's schema.
func isUntyped(err error) bool { return err != nil && strings.Contains(err.Error(), untyped) }

// withoutUnknown is what was sent without the fields that the answer doesn't have.
func withoutUnknown(sent, answer any) any {
	switch sent := sent.(type) {
	case map[string]any:
		known, ok := answer.(map[string]any)
		if !ok {
			return sent
		}
		kept := maps.Clone(sent)
		for name, value := range sent {
			if answered, ok := known[name]; ok {
				kept[name] = withoutUnknown(value, answered)
			} else if !empty(value) { // the API server leaves out what is empty, known or not
				delete(kept, name)
			}
		}
		return kept
	case []any:
		known, ok := answer.([]any)
		if !ok || len(known) != len(sent) {
			return sent
		}
		kept := slices.Clone(sent)
		for i := range sent {
			kept[i] = withoutUnknown(sent[i], known[i])
		}
		return kept
	}
	return sent
}

func empty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case bool:
		return !value
	case int64:
		return value == 0
	case float64:
		return value == 0
	case map[string]any:
		return len(value) == 0
	case []any:
		return len(value) == 0
	}
	return false
}
