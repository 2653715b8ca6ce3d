package helm

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"
)

func render(files fs.FS, options *v1alpha1.ApplicationSourceHelm) (string, error) {
	objects, err := Render(context.Background(), Input{
		Files: files, Root: "chart", Refs: map[string]fs.FS{"values": files}, Options: options,
		Release: "guestbook", Namespace: "prod", KubeVersion: "v1.33.4-gke.1", APIVersions: []string{"argoproj.io/v1alpha1"},
		Expand: func(s string) string { return strings.ReplaceAll(s, "$ARGOCD_APP_NAME", "guestbook") },
	})
	if err != nil {
		return "", err
	}
	var documents []string
	for _, u := range objects {
		data, err := yaml.Marshal(u.Object)
		if err != nil {
			return "", err
		}
		documents = append(documents, string(data))
	}
	return strings.Join(documents, "---\n"), nil
}

// TestScenarios renders the folder "chart" of each archive with the options in "options", and compares with "want", or with
// the error text in "error".
func TestScenarios(t *testing.T) {
	scenarios, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scenarios) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, scenario := range scenarios {
		t.Run(strings.TrimSuffix(filepath.Base(scenario), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(scenario)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(data)
			take := func(name string) (string, bool) {
				i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
				if i < 0 {
					return "", false
				}
				content := string(archive.Files[i].Data)
				archive.Files = slices.Delete(archive.Files, i, i+1)
				return content, true
			}
			want, _ := take("want")
			wantError, fails := take("error")
			var options *v1alpha1.ApplicationSourceHelm
			if text, ok := take("options"); ok {
				if err := yaml.UnmarshalStrict([]byte(text), &options); err != nil {
					t.Fatal(err)
				}
			}
			files := fstest.MapFS{}
			for _, file := range archive.Files {
				files[file.Name] = &fstest.MapFile{Data: file.Data}
				if target, ok := strings.CutPrefix(string(file.Data), "-> "); ok {
					files[file.Name] = &fstest.MapFile{Data: []byte(strings.TrimSpace(target)), Mode: fs.ModeSymlink}
				}
			}
			got, err := render(files, options)
			if fails {
				if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(wantError)) {
					t.Errorf("error is\n%v\nwant\n%s", err, wantError)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestSecretsStayOutOfErrors(t *testing.T) {
	files := fstest.MapFS{"chart/Chart.yaml": {Data: []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")}}
	_, err := render(files, &v1alpha1.ApplicationSourceHelm{Parameters: []v1alpha1.HelmParameter{{Name: "a[-1]", Value: "s3cr3t"}}})
	if err == nil || strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), `"a[-1]"`) {
		t.Errorf("error is %v", err)
	}
}

func TestSteps(t *testing.T) {
	for _, test := range []struct {
		start, stop, step int
		want              []int
	}{
		{0, 3, 1, []int{0, 1, 2}}, {3, 0, -1, []int{3, 2, 1}}, {0, 5, 2, []int{0, 2, 4}}, {3, 0, 1, []int{}}, {0, 3, 0, []int{}}, {0, 3, -1, []int{}}, {2, 2, 1, []int{}},
	} {
		if got, err := steps(test.start, test.stop, test.step); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%v: got %v, %v", test, got, err)
		}
	}
	for _, stop := range []int{1 << 40, 1<<63 - 1} {
		if _, err := steps(-5, stop, 1); err == nil {
			t.Errorf("counting to %d is no error", stop)
		}
	}
}

func FuzzEscapeCommas(f *testing.F) {
	for _, seed := range []string{"a,b", `a\,b`, ",,", "{a,b}", ",", `\\,`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if escaped := escapeCommas(value); !strings.HasPrefix(value, "{") && strings.ReplaceAll(escaped, `\`, "") != strings.ReplaceAll(value, `\`, "") {
			t.Errorf("%q became %q", value, escaped)
		}
	})
}

func FuzzRender(f *testing.F) {
	f.Add("a: {{ .Values.a }}", "a: 1")
	f.Add(`{{ include "x" . }}{{ define "x" }}{{ include "x" . }}{{ end }}`, "")
	f.Add(`{{ tpl .Values.t . }}`, "t: '{{ tpl .Values.t . }}'")
	f.Add("{{ range until 100 }}\n---\napiVersion: v1\nkind: A\nmetadata: {name: x{{ . }}}\n{{ end }}", "global: {a: b}")
	f.Fuzz(func(t *testing.T, template, values string) {
		if len(template) > 200 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		files := fstest.MapFS{
			"chart/Chart.yaml":       {Data: []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")},
			"chart/values.yaml":      {Data: []byte(values)},
			"chart/templates/x.yaml": {Data: []byte(template)},
		}
		Render(ctx, Input{Files: files, Root: "chart", Release: "r", Namespace: "n", Expand: func(s string) string { return s }})
	})
}
