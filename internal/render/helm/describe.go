package helm

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

const (
	// maxDescribedFiles bounds the files of a chart's folder that are looked at.
	maxDescribedFiles = 100_000
	// maxParameters bounds the values that are told.
	maxParameters = 50_000
)

// Description is what a chart lets people set.
type Description struct {
	// ValueFiles are the files that are called values, relative to the chart's folder.
	ValueFiles []string
	// Values is the text of the chart's own values.yaml.
	Values string
	// Parameters are all values by their names, such as image.tag or args[0]: those of the chart, with those of the source's
	// value files over them.
	Parameters map[string]string
}

// Describe tells what can be set of a chart. Value files at URLs must be in input.Remote; those that don't exist are left out.
func Describe(input Input) (Description, error) {
	options := *noOptions
	if input.Options != nil {
		options = *input.Options
	}
	options.IgnoreMissingValueFiles = true
	input.Options = &options
	d := Description{Parameters: map[string]string{}}
	var err error
	if d.ValueFiles, err = valueFilesIn(input.Files, input.Root); err != nil {
		return d, err
	}
	own, err := fs.ReadFile(input.Files, path.Join(input.Root, "values.yaml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	d.Values = string(own)
	files, err := input.valueFiles()
	if err != nil {
		return d, err
	}
	for _, file := range append([]valueFile{{"values.yaml", own}}, files...) {
		var values map[string]any
		if err := yaml.Unmarshal(file.content, &values); err != nil {
			return d, fmt.Errorf("failed to parse values: %s is no valid YAML", file.name)
		}
		if err := flatten(values, "", d.Parameters); err != nil {
			return d, err
		}
	}
	return d, nil
}

// ValueURLs are the URLs among the value files of the options.
func (i Input) ValueURLs() []string {
	var addresses []string
	if i.Options == nil {
		return nil
	}
	for _, entry := range i.Options.ValueFiles {
		if address, ok := i.remote(entry); ok {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

func valueFilesIn(files fs.FS, root string) ([]string, error) {
	var found []string
	seen := 0
	err := fs.WalkDir(files, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxDescribedFiles {
			return fmt.Errorf("%s has more than %d files", root, maxDescribedFiles)
		}
		extension := strings.ToLower(path.Ext(name))
		if !entry.IsDir() && strings.Contains(entry.Name(), "values") && (extension == ".yaml" || extension == ".yml") {
			found = append(found, strings.TrimPrefix(strings.TrimPrefix(name, root), "/"))
		}
		return nil
	})
	return found, err
}

// flatten writes values under their names, in upstream's form.
func flatten(value any, name string, into map[string]string) error {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			inner := key
			if name != "" {
				inner = name + "." + key
			}
			if err := flatten(value[key], inner, into); err != nil {
				return err
			}
		}
	case []any:
		for i, element := range value {
			if err := flatten(element, fmt.Sprintf("%s[%d]", name, i), into); err != nil {
				return err
			}
		}
	default:
		if len(into) >= maxParameters {
			return fmt.Errorf("the chart has more than %d values", maxParameters)
		}
		into[name] = fmt.Sprintf("%v", value)
	}
	return nil
}
