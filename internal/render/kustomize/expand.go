package kustomize

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds what the aliases of a file may expand to, in values. Kustomize copies what an alias stands for each time,
// without a bound of its own, so that a few lines could take all memory.
const maxNodes = 1 << 20

// checkAliases refuses a text whose aliases expand to too much. What isn't YAML is left to whoever reads it. In a
// kustomization, patches stand as text in the text; they are checked too.
func checkAliases(name string, content []byte, nested bool) error {
	if !mayHaveAliases(content) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	e := expansion{name: name, nested: nested, sizes: map[*yaml.Node]int{}}
	total := 0
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			return nil
		}
		size, err := e.size(&document)
		if total += size; err == nil && total > maxNodes {
			err = fmt.Errorf("%s: its aliases expand to more than %d values", name, maxNodes)
		}
		if err != nil {
			return err
		}
	}
}

func mayHaveAliases(content []byte) bool {
	return bytes.IndexByte(content, '&') >= 0 && bytes.IndexByte(content, '*') >= 0
}

// expansion counts the values that a text means.
type expansion struct {
	name   string
	nested bool
	// sizes are those of the targets of aliases; zero while one is counted.
	sizes map[*yaml.Node]int
}

func (e *expansion) size(node *yaml.Node) (int, error) {
	if node.Kind == yaml.AliasNode {
		return e.target(node.Alias)
	}
	if node.Kind == yaml.ScalarNode && e.nested {
		return 1, checkAliases(e.name, []byte(node.Value), false)
	}
	total := 1
	for _, child := range node.Content {
		size, err := e.size(child)
		if err != nil {
			return 0, err
		}
		// The sum stays far from overflowing, as each part is at most one more than the bound.
		if total = min(total+size, maxNodes+1); total > maxNodes {
			break
		}
	}
	return total, nil
}

func (e *expansion) target(node *yaml.Node) (int, error) {
	size, known := e.sizes[node]
	if known && size == 0 {
		return 0, fmt.Errorf("%s:%d: an alias stands for something that it is part of", e.name, node.Line)
	}
	if known {
		return size, nil
	}
	e.sizes[node] = 0
	size, err := e.size(node)
	e.sizes[node] = size
	return size, err
}
