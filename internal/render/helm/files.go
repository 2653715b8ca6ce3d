package helm

import (
	"encoding/base64"
	"path"
	"strings"

	"github.com/gobwas/glob"
	"helm.sh/helm/v4/pkg/chart/common"
)

// files is .Files in a template: what is in the chart's folder and neither template nor chart. Its methods are Helm's.
type files map[string][]byte

func newFiles(from []*common.File) files {
	f := files{}
	for _, file := range from {
		f[file.Name] = file.Data
	}
	return f
}

// GetBytes returns a file's content, empty if there is none.
func (f files) GetBytes(name string) []byte { return f[name] }

// Get returns a file's content as text, empty if there is none.
func (f files) Get(name string) string { return string(f[name]) }

// Glob returns the files whose paths match; ** also matches slashes. A malformed pattern matches everything, as in Helm.
func (f files) Glob(pattern string) files {
	compiled, err := glob.Compile(pattern, '/')
	if err != nil {
		return f
	}
	matching := files{}
	for name, content := range f {
		if compiled.Match(name) {
			matching[name] = content
		}
	}
	return matching
}

// AsConfig returns the files as data of a ConfigMap in YAML, keyed by their base names.
func (f files) AsConfig() string {
	return f.asData(func(content []byte) string { return string(content) })
}

// AsSecrets returns the files as data of a Secret in YAML, keyed by their base names.
func (f files) AsSecrets() string {
	return f.asData(base64.StdEncoding.EncodeToString)
}

func (f files) asData(encode func([]byte) string) string {
	if f == nil {
		return ""
	}
	data := map[string]string{}
	for name, content := range f {
		data[path.Base(name)] = encode(content)
	}
	return lenient(toYAML)(data)
}

// Lines returns the lines of a file.
func (f files) Lines(name string) []string {
	if len(f[name]) == 0 {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(string(f[name]), "\n"), "\n")
}
