package object

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// MaxSize bounds what Parse takes: far above any manifest that an API server would store (1.5 MiB each), far below what
// would hurt the hub.
const MaxSize = 64 << 20

// Parse reads manifests: YAML or JSON, several documents separated by ---, lists taken apart. Empty documents are
// skipped. A document without apiVersion or kind, or one that isn't a mapping, is an error that names its place.
func Parse(data []byte) ([]*unstructured.Unstructured, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("parsing manifests: %d bytes are more than the %d allowed", len(data), MaxSize)
	}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	var objects []*unstructured.Unstructured
	for number := 1; ; number++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parsing manifests: document %d: %w", number, err)
		}
		found, err := parseDocument(document)
		if err != nil {
			return nil, fmt.Errorf("parsing manifests: document %d: %w", number, err)
		}
		objects = append(objects, found...)
	}
}

func parseDocument(document []byte) ([]*unstructured.Unstructured, error) {
	raw, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil, err
	}
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, errors.New("it is no object: a manifest starts with apiVersion and kind")
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	return flatten(u)
}

// flatten takes a list apart, also a list in a list.
func flatten(u *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	if !u.IsList() {
		if u.GetAPIVersion() == "" {
			return nil, fmt.Errorf("%s %q has no apiVersion", u.GetKind(), u.GetName())
		}
		return []*unstructured.Unstructured{u}, nil
	}
	items, _, err := unstructured.NestedSlice(u.Object, "items")
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for i, item := range items {
		content, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("item %d of %s is no object", i, u.GetKind())
		}
		child := &unstructured.Unstructured{Object: content}
		if child.GetKind() == "" || child.GetAPIVersion() == "" {
			return nil, fmt.Errorf("item %d of %s has no apiVersion or no kind", i, u.GetKind())
		}
		found, err := flatten(child)
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}
