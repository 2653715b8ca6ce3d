package imagepolicy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// maxDocument bounds a file that is edited, in bytes: more than any values file, and little enough to hold many times.
const maxDocument = 4 << 20

// document is a YAML file under edit.
//
// Values that are there already are changed in the text itself, so that comments, blank lines, quotes and alignment stay
// as people wrote them. Only where something is added does the file go through the YAML encoder, which keeps comments but
// not every blank line.
type document struct {
	text []byte
	// root is a mapping; empty for an empty file.
	root *yaml.Node
	// changed are the scalars that have a new value and were in the text before.
	changed []*yaml.Node
	// before holds the texts that the scalars had.
	before map[*yaml.Node]string
	// reshaped says that something was added or removed, so that the text can't be patched.
	reshaped bool
}

func parseDocument(text []byte) (*document, error) {
	if len(text) > maxDocument {
		return nil, fmt.Errorf("it is larger than %d bytes", maxDocument)
	}
	d := &document{text: text, before: map[*yaml.Node]string{}}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var file yaml.Node
	switch err := decoder.Decode(&file); {
	case errors.Is(err, io.EOF):
		d.root, d.reshaped = &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap}, true
		return d, nil
	case err != nil:
		return nil, err
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one YAML document")
	}
	d.root = file.Content[0]
	if d.root.Kind == yaml.ScalarNode && d.root.Tag == yaml.NodeTagNull {
		comment := file.HeadComment + d.root.HeadComment
		d.root, d.reshaped = &yaml.Node{Kind: yaml.MappingNode, Tag: yaml.NodeTagMap, HeadComment: comment}, true
	}
	if d.root.Kind != yaml.MappingNode {
		return nil, errors.New("it is no YAML mapping")
	}
	return d, nil
}

// field is the value of a key in a mapping; nil if there is none. Aliases are followed: what they name is what counts.
func field(mapping *yaml.Node, key string) *yaml.Node {
	mapping = resolve(mapping)
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return resolve(mapping.Content[i+1])
		}
	}
	return nil
}

func resolve(node *yaml.Node) *yaml.Node {
	for n := 0; node != nil && node.Kind == yaml.AliasNode; n++ {
		if n == 100 {
			return nil
		}
		node = node.Alias
	}
	return node
}

// ensure returns the value of a key as a node of that kind, and makes it if it is missing or null.
func (d *document) ensure(mapping *yaml.Node, key string, kind yaml.Kind) (*yaml.Node, error) {
	value := field(mapping, key)
	isNull := value != nil && value.Kind == yaml.ScalarNode && (value.Tag == yaml.NodeTagNull || value.Value == "")
	switch {
	case value != nil && value.Kind == kind:
		return value, nil
	case isNull:
		d.reshaped = true
		comment := value.HeadComment
		*value = yaml.Node{Kind: kind, HeadComment: comment}
		return value, nil
	case value != nil:
		return nil, fmt.Errorf("line %d: %s is not what it should be (a list, a mapping or a value)", value.Line, key)
	}
	d.reshaped = true
	value = &yaml.Node{Kind: kind}
	mapping.Content = append(mapping.Content, textNode(key), value)
	// An empty mapping written as {} would stay on one line.
	mapping.Style &^= yaml.FlowStyle
	return value, nil
}

// setField gives a key of a mapping a text, and adds the key if it is missing.
func (d *document) setField(mapping *yaml.Node, key, value string) error {
	node := field(mapping, key)
	if node == nil {
		d.reshaped = true
		mapping.Content = append(mapping.Content, textNode(key), textNode(value))
		mapping.Style &^= yaml.FlowStyle
		return nil
	}
	return d.setScalar(node, key, value)
}

func (d *document) setScalar(node *yaml.Node, key, value string) error {
	if node.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: %s is not a plain value", node.Line, key)
	}
	if node.Value == value && node.Tag == yaml.NodeTagString {
		return nil
	}
	if _, again := d.before[node]; !again {
		d.before[node] = node.Value
		d.changed = append(d.changed, node)
	}
	node.Value, node.Tag = value, yaml.NodeTagString
	if node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
		node.Style = textNode(value).Style
	}
	return nil
}

// removeField takes a key out of a mapping, if it is there.
func (d *document) removeField(mapping *yaml.Node, key string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			d.reshaped = true
			return
		}
	}
}

// textNode is a string; quoted where YAML would take it for something else, such as the tag 1.10 for a number.
func textNode(value string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: value}
	var plain yaml.Node
	err := yaml.Unmarshal([]byte(value), &plain)
	isText := err == nil && len(plain.Content) == 1 && plain.Content[0].Tag == yaml.NodeTagString && plain.Content[0].Value == value
	if !isText || yaml.IsYaml1_1NonString(node) {
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

// bytes is the file with its changes.
func (d *document) bytes() ([]byte, error) {
	if !d.reshaped && len(d.changed) == 0 {
		return d.text, nil
	}
	if !d.reshaped {
		if patched, ok := d.patch(); ok {
			return patched, nil
		}
	}
	style := yaml.CompactSequenceStyle
	if yaml.DeriveSeqIndentStyle(string(d.text)) == string(yaml.WideSequenceStyle) {
		style = yaml.WideSequenceStyle
	}
	return yaml.MarshalWithOptions(d.root, &yaml.EncoderOptions{SeqIndent: style})
}

// patch changes the scalars in the text. It is sure of its result only if that, read again, is exactly what was meant.
func (d *document) patch() ([]byte, bool) {
	type span struct {
		from, to int
		text     string
	}
	var spans []span
	for _, node := range d.changed {
		from := offset(d.text, node.Line, node.Column)
		old, ok := literal(d.before[node], d.text[from:])
		if !ok {
			return nil, false
		}
		text := node.Value
		switch {
		case d.text[from] == '\'' && !strings.ContainsRune(text, '\''):
			text = "'" + text + "'"
		case d.text[from] == '"' || node.Style&yaml.DoubleQuotedStyle != 0:
			text = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
		}
		spans = append(spans, span{from, from + len(old), text})
	}
	slices.SortFunc(spans, func(a, b span) int { return b.from - a.from })
	patched := slices.Clone(d.text)
	for _, s := range spans {
		patched = slices.Replace(patched, s.from, s.to, []byte(s.text)...)
	}
	var want, got any
	meant, err := yaml.Marshal(d.root)
	if err != nil || yaml.Unmarshal(meant, &want) != nil || yaml.Unmarshal(patched, &got) != nil {
		return nil, false
	}
	return patched, reflect.DeepEqual(want, got)
}

// literal is the text that a value is written as at the beginning of rest: as it is, or in quotes.
func literal(value string, rest []byte) (string, bool) {
	for _, form := range []string{`"` + value + `"`, "'" + value + "'", value} {
		if form != "" && bytes.HasPrefix(rest, []byte(form)) {
			return form, true
		}
	}
	return "", false
}

// offset is where a line and column, both from 1, the column in characters, are in the text; its end if they are outside.
func offset(text []byte, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		next := bytes.IndexByte(text[at:], '\n')
		if next < 0 {
			return len(text)
		}
		at += next + 1
	}
	for ; column > 1 && at < len(text); column-- {
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at
}
