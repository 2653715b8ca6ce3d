package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/health"
)

const (
	upstream = "github.com/argoproj/argo-cd/v3@v3.6.0"
	folder   = upstream + "/resource_customizations/"
	// sum is what go.sum would say; it is here because nothing of upstream is in go.mod.
	sum = "h1:nagGlvbbk58cvQLplUD2uoKXaNazgfB0LdRk4PuJZl4="
	// fileBytes bounds one file of the archive; upstream's largest is a hundredth of it.
	fileBytes = 4 << 20
)

// testCase is one object and what upstream says of it. Without an object it is skipped, for the reason in skip.
type testCase struct {
	name   string
	object *unstructured.Unstructured
	want   health.Status
	skip   string
}

// fetch has the Go command put upstream's module into the module cache and is the path of its archive there.
func fetch() (string, error) {
	// The command reports an error when the module asks for a newer Go than ours, but has downloaded it by then: the
	// path and the sum decide.
	out, runErr := exec.Command("go", "mod", "download", "-json", upstream).Output()
	var module struct{ Zip, Sum, Error string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", fmt.Errorf("downloading %s: %w (%v)", upstream, err, runErr)
	}
	if module.Zip == "" {
		return "", fmt.Errorf("downloading %s: %s", upstream, module.Error)
	}
	if module.Sum != sum {
		return "", fmt.Errorf("downloading %s: its sum is %s, not %s", upstream, module.Sum, sum)
	}
	return module.Zip, nil
}

// read is every case of every health_test.yaml, in the archive's order. Upstream's format: a list of inputPath, relative
// to the file, with the healthStatus to expect.
func read(archive *zip.Reader) ([]testCase, error) {
	files := map[string]*zip.File{}
	for _, f := range archive.File {
		if strings.HasPrefix(f.Name, folder) {
			files[f.Name] = f
		}
	}
	var cases []testCase
	for _, f := range archive.File {
		if files[f.Name] == nil || path.Base(f.Name) != "health_test.yaml" {
			continue
		}
		data, err := content(f)
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
			return nil, fmt.Errorf("reading %s: %w", f.Name, err)
		}
		dir := path.Dir(f.Name)
		for _, t := range suite.Tests {
			c := testCase{name: strings.TrimPrefix(dir, folder) + " " + t.InputPath}
			c.want = health.Status{Code: v1alpha1.HealthStatusCode(t.HealthStatus.Status), Message: t.HealthStatus.Message}
			if c.object, err = input(files[path.Join(dir, t.InputPath)]); err != nil {
				c.object, c.skip = nil, err.Error()
			}
			cases = append(cases, c)
		}
	}
	return cases, nil
}

func input(f *zip.File) (*unstructured.Unstructured, error) {
	if f == nil {
		return nil, fmt.Errorf("the object is not in the archive")
	}
	data, err := content(f)
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

func content(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", f.Name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, fileBytes))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.Name, err)
	}
	return data, nil
}
