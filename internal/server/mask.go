package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// mask stands for a value of a Secret in answers, as in Argo CD. Where states of one Secret are shown beside each other, each
// further value of a key has a longer one, so that one sees whether it changes.
const mask, maskStep = "++++++++", "++++"

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// masker hides the values of Secrets, and of those annotations of Secrets that argocd-cm names.
type masker struct{ annotations []string }

// masker is what argocd-cm says now.
func (s *Server) masker(ctx context.Context) (masker, error) {
	custom, err := s.options.Settings.Customization(ctx)
	if err != nil {
		return masker{}, err
	}
	return masker{custom.MaskedAnnotations}, nil
}

// masks are the values of one Secret's keys that were met, with what stands for them.
type masks map[string]map[string]string

func (m masks) of(key, value string) string {
	if m[key] == nil {
		m[key] = map[string]string{}
	}
	if _, met := m[key][value]; !met {
		m[key][value] = mask + strings.Repeat(maskStep, len(m[key]))
	}
	return m[key][value]
}

// show is an object as it may be shown.
func (m masker) show(object *unstructured.Unstructured) *unstructured.Unstructured {
	return m.hide(object, masks{}, masks{})
}

func (m masker) hide(object *unstructured.Unstructured, values, annotations masks) *unstructured.Unstructured {
	if object.GetKind() != "Secret" || object.GroupVersionKind().Group != "" {
		return object
	}
	shown := object.DeepCopy()
	for _, field := range []string{"data", "stringData"} {
		all, ok := shown.Object[field].(map[string]any)
		if !ok {
			delete(shown.Object, field) // a Secret that isn't formed as one may hide its values anywhere in it
			continue
		}
		for key, value := range all {
			text := fmt.Sprint(value)
			if decoded, err := base64.StdEncoding.DecodeString(text); err == nil && field == "data" {
				text = string(decoded)
			}
			all[key] = values.of(key, text)
		}
	}
	metadata, _ := shown.Object["metadata"].(map[string]any)
	all, ok := metadata["annotations"].(map[string]any)
	if !ok {
		delete(metadata, "annotations")
		return shown
	}
	for key, value := range all {
		if key == lastApplied || slices.Contains(m.annotations, key) {
			all[key] = annotations.of(key, fmt.Sprint(value))
		}
	}
	return shown
}

// manifests masks states of one object, in JSON, in place; "" and "null" stay.
func (m masker) manifests(states ...*string) error {
	values, annotations := masks{}, masks{}
	for _, state := range states {
		if *state == "" || *state == "null" {
			continue
		}
		object := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(*state), &object.Object); err != nil {
			return fmt.Errorf("reading a manifest: %w", err)
		}
		shown := m.hide(object, values, annotations)
		if shown == object {
			continue
		}
		encoded, err := json.Marshal(shown.Object)
		if err != nil {
			return err
		}
		*state = string(encoded)
	}
	return nil
}
