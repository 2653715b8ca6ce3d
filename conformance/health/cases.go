package main

import (
	"bytes"
	"fmt"
	"path"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/conformance/upstream"
	"fairlead.dev/fairlead/internal/health"
)

// testCase is one object and what upstream says of it. Without an object it is skipped, for the reason in skip.
type testCase struct {
	name   string
	object *unstructured.Unstructured
	want   health.Status
	skip   string
}

// read is every case of every health_test.yaml, in order. Upstream's format: a list of inputPath, relative to the file, with the
// healthStatus to expect.
func read(archive *upstream.Archive) ([]testCase, error) {
	var cases []testCase
	for _, name := range archive.Names("/health_test.yaml") {
		data, err := archive.Read(name)
		if err != nil {
			return nil, err
		}
		var suite struct {
			Tests []struct {
				InputPath    string
				HealthStatus struct{ Status, Message string }
			}
		}
		if err := yaml.Unmarshal(data, &suite); err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		dir := path.Dir(name)
		for _, t := range suite.Tests {
			c := testCase{name: dir + " " + t.InputPath}
			c.want = health.Status{Code: v1alpha1.HealthStatusCode(t.HealthStatus.Status), Message: t.HealthStatus.Message}
			if c.object, err = input(archive, path.Join(dir, t.InputPath)); err != nil {
				c.object, c.skip = nil, err.Error()
			}
			cases = append(cases, c)
		}
	}
	return cases, nil
}

func input(archive *upstream.Archive, name string) (*unstructured.Unstructured, error) {
	data, err := archive.Read(name)
	if err != nil {
		return nil, err
	}
	// As upstream reads it: only the first document.
	data, _, _ = bytes.Cut(bytes.TrimPrefix(data, []byte("---\n")), []byte("\n---\n"))
	data, err = yaml.YAMLToJSON(data)
	if err != nil {
		return nil, fmt.Errorf("reading the object: %w", err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("reading the object: %w", err)
	}
	return u, nil
}
