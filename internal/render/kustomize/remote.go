package kustomize

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// errOwnSchema ends a build that must be started again with the OpenAPI schema for itself.
var errOwnSchema = errors.New("the kustomization brings its own OpenAPI schema")

// inspect looks at a file that Kustomize is about to use. In a kustomization, and where plugins are configured, it refuses
// what would reach out of the repository.
func (r *repository) inspect(name string, content []byte) error {
	isKustomization := slices.Contains(FileNames, path.Base(name))
	if !isKustomization && !(r.plugins && looksLikeYAML(name)) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			if !isKustomization {
				return nil
			}
			return fmt.Errorf("%s: %w", r.shown(name), err)
		}
		if len(document.Content) == 0 {
			continue
		}
		if isKustomization {
			if err := r.inspectKustomization(r.shown(name), document.Content[0]); err != nil {
				return err
			}
		}
		check := remoteCheck{file: name, shown: r.shown(name), localized: r.localized, seen: map[aliasUse]bool{}}
		if err := check.node(document.Content[0], "", 0); err != nil {
			return err
		}
	}
}

func looksLikeYAML(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json", ""}, path.Ext(name))
}

func (r *repository) inspectKustomization(name string, root *yaml.Node) error {
	for i := 0; i+1 < len(root.Content) && root.Kind == yaml.MappingNode; i += 2 {
		key, value := root.Content[i].Value, root.Content[i+1]
		if len(value.Content) == 0 {
			continue
		}
		switch key {
		case "helmCharts", "helmChartInflationGenerator":
			return fmt.Errorf("%s:%d: %s: must specify --enable-helm, in kustomize.buildOptions of argocd-cm, or make the chart a source of its own", name, root.Content[i].Line, key)
		case "openapi":
			if !r.ownSchema {
				r.wantsOwnSchema = true
				return errOwnSchema
			}
		default:
			r.plugins = r.plugins || slices.Contains(pluginFields, key)
		}
	}
	return nil
}

// pathFields are the fields by which Kustomize and its built-in plugins load files or folders; see the types Kustomization,
// Patch, GeneratorArgs, ReplacementField and the plugins' configurations in sigs.k8s.io/kustomize/api.
var pathFields = []string{
	"resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators",
	"patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "openapi",
	"path", "paths", "files", "file", "envs", "env", "envFiles", "valuesFile", "additionalValuesFiles", "repo",
}

// pluginFields list configurations of built-in plugins: as files, folders, or text.
var pluginFields = []string{"generators", "transformers", "validators"}

// remoteCheck looks for entries below one of the path fields that Kustomize would fetch.
type remoteCheck struct {
	// file is the path; shown is it for errors.
	file, shown string
	// localized are the entries that stand for something fetched.
	localized map[localEntry]bool
	// seen are aliases that were followed, so that a few lines of YAML can't mean a billion nodes.
	seen map[aliasUse]bool
}

type aliasUse struct {
	target *yaml.Node
	field  string
}

func (c *remoteCheck) node(node *yaml.Node, field string, depth int) error {
	if depth > 100 {
		return fmt.Errorf("%s:%d: nested too deep", c.shown, node.Line)
	}
	switch node.Kind {
	case yaml.ScalarNode:
		return c.scalar(node, field, depth)
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if err := c.node(node.Content[i+1], node.Content[i].Value, depth+1); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		for _, child := range node.Content {
			if err := c.node(child, field, depth+1); err != nil {
				return err
			}
		}
	case yaml.AliasNode:
		use := aliasUse{node.Alias, field}
		if c.seen[use] {
			return nil
		}
		c.seen[use] = true
		return c.node(node.Alias, field, depth+1)
	}
	return nil
}

func (c *remoteCheck) scalar(node *yaml.Node, field string, depth int) error {
	if slices.Contains(pluginFields, field) {
		// The entry may be the configuration itself, as text.
		var inline yaml.Node
		if yaml.Unmarshal([]byte(node.Value), &inline) == nil && len(inline.Content) > 0 && inline.Content[0].Kind == yaml.MappingNode {
			return c.node(inline.Content[0], "", depth+1)
		}
	}
	if !slices.Contains(pathFields, field) {
		return nil
	}
	if isRemote(node.Value) {
		return fmt.Errorf("%s:%d: %s: %q is remote, and of remote things only resources, bases and components are fetched: copy it into the repository", c.shown, node.Line, field, public(node.Value))
	}
	return c.within(node, field)
}

// within refuses a path from one of the fetched trees into another, or into the application's repository.
func (c *remoteCheck) within(node *yaml.Node, field string) error {
	if field == "patchesStrategicMerge" && strings.Contains(node.Value, "\n") {
		return nil // it is the patch itself
	}
	folder := path.Dir(c.file)
	for _, candidate := range []string{node.Value, node.Value[strings.Index(node.Value, "=")+1:]} {
		if mountOf(path.Join(folder, candidate)) != mountOf(c.file) && !c.localized[localEntry{c.file, candidate}] {
			return fmt.Errorf("%s:%d: %s: %q leads out of the repository", c.shown, node.Line, field, node.Value)
		}
	}
	return nil
}
