package helm

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/manifest"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// documentStart is Helm's idea of a separator, which also takes "---apiVersion: v1".
var documentStart = regexp.MustCompile(`(?m)^---[ \t]*`)

// output reads the rendered templates, CRDs first, then by the templates' names.
func output(c *chart.Chart, rendered map[string]string, options *v1alpha1.ApplicationSourceHelm) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	size := 0
	read := func(name, text string) error {
		if size += len(text); size > maxOutput {
			return fmt.Errorf("%s: the chart renders more than %d bytes", name, maxOutput)
		}
		found, err := manifest.Parse(name, []byte(documentStart.ReplaceAllString(text, "---\n")))
		if err != nil {
			return fmt.Errorf("what the chart renders is no manifest: %w", err)
		}
		objects = append(objects, found...)
		return nil
	}
	if !options.SkipCrds {
		for _, crd := range c.CRDObjects() {
			if err := read(crd.Filename, string(crd.File.Data)); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if path.Base(name) == "NOTES.txt" || strings.TrimSpace(rendered[name]) == "" {
			continue
		}
		if err := read(name, rendered[name]); err != nil {
			return nil, err
		}
	}
	if options.SkipTests {
		objects = slices.DeleteFunc(objects, isTest)
	}
	return objects, nil
}

// isTest tells whether an object is only a test of Helm's.
func isTest(u *unstructured.Unstructured) bool {
	for hook := range strings.SplitSeq(u.GetAnnotations()["helm.sh/hook"], ",") {
		switch strings.TrimSpace(hook) {
		case "test", "test-success", "test-failure":
			return true
		}
	}
	return false
}
