package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/web"
	"github.com/bmatcuk/doublestar/v4"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"
)

// mergeValues puts together what `helm template` gets from Argo CD, later over earlier: value files, values or
// valuesObject, parameters, parameters that are strings, parameters from files.
func mergeValues(input Input) (map[string]any, error) {
	values := map[string]any{}
	files, err := input.valueFiles()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		more, err := loader.LoadValues(bytes.NewReader(file.content))
		if err != nil {
			return nil, fmt.Errorf("value file %s: %w", file.name, oneLine(err))
		}
		values = loader.MergeMaps(values, more)
	}
	inline, err := inlineValues(input.Options)
	if err != nil {
		return nil, err
	}
	values = loader.MergeMaps(values, inline)
	if err := input.setParameters(values); err != nil {
		return nil, err
	}
	return values, nil
}

func inlineValues(options *v1alpha1.ApplicationSourceHelm) (map[string]any, error) {
	text, field := []byte(options.Values), "helm.values"
	if options.ValuesObject != nil && len(options.ValuesObject.Raw) > 0 {
		text, field = options.ValuesObject.Raw, "helm.valuesObject"
	}
	values, err := loader.LoadValues(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, oneLine(err))
	}
	return values, nil
}

func (i Input) setParameters(values map[string]any) error {
	// The last of several parameters of the same name counts, and strings come after the others, as with helm's flags.
	last := map[string]int{}
	for n, parameter := range i.Options.Parameters {
		last[parameter.Name] = n
	}
	for _, forceString := range []bool{false, true} {
		for n, parameter := range i.Options.Parameters {
			if parameter.ForceString != forceString || last[parameter.Name] != n {
				continue
			}
			set := strvals.ParseInto
			if forceString {
				set = strvals.ParseIntoString
			}
			if err := set(parameter.Name+"="+escapeCommas(i.Expand(parameter.Value)), values); err != nil {
				// The value may be a secret; Helm's message may hold it.
				return fmt.Errorf("helm parameter %q can't be set: see Helm's --set for names and values", parameter.Name)
			}
		}
	}
	for _, parameter := range i.Options.FileParameters {
		content, err := i.fileParameter(parameter.Path)
		if err != nil {
			return fmt.Errorf("helm file parameter %q: %w", parameter.Name, err)
		}
		read := func([]rune) (any, error) { return string(content), nil }
		if err := strvals.ParseIntoFile(parameter.Name+"=file", values, read); err != nil {
			return fmt.Errorf("helm file parameter %q: %w", parameter.Name, err)
		}
	}
	return nil
}

func (i Input) fileParameter(entry string) ([]byte, error) {
	if address, ok := i.remote(entry); ok {
		return i.download(address)
	}
	at, err := i.locate(entry)
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(at.files, at.path)
}

// remote tells whether a path in the options is a URL, and which.
func (i Input) remote(entry string) (string, bool) {
	entry = i.Expand(entry)
	return entry, strings.Contains(entry, "://") && !strings.HasPrefix(entry, "$")
}

// remoteFiles are the URLs among the paths in the options.
func (i Input) remoteFiles() []string {
	var addresses []string
	for _, entry := range i.Options.ValueFiles {
		if address, ok := i.remote(entry); ok {
			addresses = append(addresses, address)
		}
	}
	for _, parameter := range i.Options.FileParameters {
		if address, ok := i.remote(parameter.Path); ok {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

func (i Input) download(address string) ([]byte, error) {
	content, ok := i.Remote[address]
	if !ok {
		return nil, errors.New("remote files can't be used here: copy it into the repository")
	}
	return content, nil
}

var bareComma = regexp.MustCompile(`(^|[^\\]),`)

// escapeCommas keeps a comma from starting another parameter, as Argo CD does; lists in braces stay lists.
func escapeCommas(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	// Twice, because of two commas side by side.
	return bareComma.ReplaceAllString(bareComma.ReplaceAllString(value, `$1\,`), `$1\,`)
}

type valueFile struct {
	name    string
	content []byte
}

// valueFiles reads the value files in their order; those of one pattern are sorted by name.
func (i Input) valueFiles() ([]valueFile, error) {
	var files []valueFile
	for _, entry := range i.Options.ValueFiles {
		if address, ok := i.remote(entry); ok {
			content, err := i.download(address)
			if err != nil {
				return nil, fmt.Errorf("value file %q: %w", web.PublicAddress(entry), err)
			}
			files = append(files, valueFile{web.PublicAddress(entry), content})
			continue
		}
		at, err := i.locate(entry)
		if err != nil {
			return nil, fmt.Errorf("value file %q: %w", entry, err)
		}
		names, err := at.match()
		if err != nil {
			return nil, fmt.Errorf("value file %q: %w", entry, err)
		}
		if len(names) == 0 && !i.Options.IgnoreMissingValueFiles {
			return nil, missingValues(entry, at.path)
		}
		for _, name := range names {
			content, err := fs.ReadFile(at.files, name)
			if err != nil {
				return nil, fmt.Errorf("value file %q: %w", entry, err)
			}
			files = append(files, valueFile{name, content})
		}
	}
	return files, nil
}

// location is a path in one of the repositories.
type location struct {
	files fs.FS
	path  string
}

// locate finds what a path in the options means: relative to the chart's folder, to the repository if it starts with a
// slash, to another source's repository if it starts with $name/. Variables in it are replaced.
func (i Input) locate(entry string) (location, error) {
	if entry == "" {
		return location{}, errors.New("the path is empty")
	}
	at := location{files: i.Files}
	name, rest, _ := strings.Cut(entry, "/")
	isRef := strings.HasPrefix(name, "$") && !strings.HasPrefix(strings.Trim(name, "${}"), "ARGOCD_")
	switch expanded := i.Expand(entry); {
	case isRef:
		// A ref is found before variables are replaced, or it would be taken for one.
		files, ok := i.Refs[name[1:]]
		if !ok {
			return location{}, fmt.Errorf("source referenced %q, but no source has a 'ref' field defined", name)
		}
		at = location{files: files, path: path.Join(".", i.Expand(rest))}
	case strings.HasPrefix(expanded, "/"):
		at.path = path.Join(".", strings.TrimLeft(expanded, "/"))
	default:
		at.path = path.Join(i.Root, expanded)
	}
	if !fs.ValidPath(at.path) {
		return location{}, errors.New("leads out of the repository")
	}
	return at, nil
}

// match returns the file itself or, if there is none and the path is a pattern, all that match.
func (l location) match() ([]string, error) {
	info, err := fs.Stat(l.files, l.path)
	if err == nil && info.IsDir() {
		return nil, errors.New("is a folder")
	}
	if err == nil {
		return []string{l.path}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if !isPattern(l.path) {
		return nil, nil
	}
	names, err := doublestar.Glob(l.files, l.path, doublestar.WithFilesOnly())
	slices.Sort(names)
	return names, err
}

func isPattern(path string) bool { return strings.ContainsAny(path, "*?[{") }

// missingValues has the words of Helm and Argo CD in it, which people search for.
func missingValues(entry, path string) error {
	const advice = "mend helm.valueFiles, or set helm.ignoreMissingValueFiles"
	if isPattern(entry) {
		return fmt.Errorf("values file glob %q matched no files: %s", entry, advice)
	}
	return fmt.Errorf("value file %q: Error: open %s: no such file or directory: %s", entry, path, advice)
}
