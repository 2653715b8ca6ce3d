package health

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// The tables of kinds are text, a few lines a kind, as most operators say how they do in conditions and phases:
//
//	group/Kind group/Kind          the kinds that the indented clauses below are for; * stands for any
//	  Healthy GUARDS : message     a health and, with {field} or {field|other|text} filled in, why
//	  if GUARDS                    the clauses below count if the guards hold
//	  each LIST GUARDS             … for each item; .field is the item's. Guards are of the object
//	  next GUARDS                  go on with the next item
//	  use NAME                     the clauses below "def NAME" are as if written here
//
// Guards: field (it is there), !field, field=a|b, !=, ^= (starts with), <, >, >=, <=, #list=n (its length), and
// @Type=Status for a condition, which then is the item (@Type, @Type!=Status, !@Type=Status; types and statuses with |).
// What is compared with may be a field too. The first clause that answers counts, so the last is what is said otherwise.
//
//go:embed kinds/*.rules
var kinds embed.FS

type table struct {
	exact map[schema.GroupKind][]clause
	// wild are kinds of groups that end with the text, and of exactly the group.
	wild map[string][]clause
}

var tables = sync.OnceValue(func() *table {
	t, err := readTables(kinds)
	if err != nil {
		panic(err) // the tables are part of the program, and a test reads them
	}
	return t
})

// of is what the table says of a kind; nil if nothing.
func (t *table) of(kind schema.GroupKind) []clause {
	if clauses := t.exact[kind]; clauses != nil {
		return clauses
	}
	for group := kind.Group; group != ""; {
		if clauses := t.wild[group]; clauses != nil {
			return clauses
		}
		_, parent, found := strings.Cut(strings.TrimPrefix(group, "*."), ".")
		if !found {
			return nil
		}
		group = "*." + parent
	}
	return nil
}

func readTables(files fs.FS) (*table, error) {
	t := &table{map[schema.GroupKind][]clause{}, map[string][]clause{}}
	names, err := fs.Glob(files, "kinds/*.rules")
	if err != nil {
		return nil, fmt.Errorf("listing the tables of kinds: %w", err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("reading the table %s: %w", name, err)
		}
		if err := t.add(string(data)); err != nil {
			return nil, fmt.Errorf("reading the table %s: %w", name, err)
		}
	}
	return t, nil
}

type line struct {
	depth int
	text  string
}

func (t *table) add(text string) error {
	var lines []line
	for _, l := range strings.Split(text, "\n") {
		if trimmed := strings.TrimSpace(l); trimmed != "" && trimmed[0] != '#' {
			lines = append(lines, line{(len(l) - len(strings.TrimLeft(l, " "))) / 2, trimmed})
		}
	}
	p := parser{defined: map[string][]clause{}}
	for len(lines) > 0 {
		head := lines[0].text
		var clauses []clause
		var err error
		if clauses, lines, err = p.block(lines[1:], 1); err != nil {
			return fmt.Errorf("%s: %w", head, err)
		}
		if name, ok := strings.CutPrefix(head, "def "); ok {
			p.defined[name] = clauses
			continue
		}
		for _, kind := range strings.Fields(head) {
			group, name, _ := strings.Cut(kind, "/")
			if name == "*" {
				t.wild[group] = clauses
			} else {
				t.exact[schema.GroupKind{Group: group, Kind: name}] = clauses
			}
		}
	}
	return nil
}

type parser struct{ defined map[string][]clause }

// block reads the lines that are at least so deep.
func (p parser) block(lines []line, depth int) (clauses []clause, rest []line, err error) {
	for len(lines) > 0 && lines[0].depth >= depth {
		text := lines[0].text
		if lines[0].depth > depth {
			return nil, nil, fmt.Errorf("%q is indented too far", text)
		}
		var c clause
		if name, ok := strings.CutPrefix(text, "use "); ok {
			if p.defined[name] == nil {
				return nil, nil, fmt.Errorf("%q is not defined above", name)
			}
			clauses, lines = append(clauses, p.defined[name]...), lines[1:]
			continue
		}
		if c, err = readClause(text); err != nil {
			return nil, nil, err
		}
		if c.below, lines, err = p.block(lines[1:], depth+1); err != nil {
			return nil, nil, err
		}
		clauses = append(clauses, c)
	}
	return clauses, lines, nil
}

func readClause(text string) (clause, error) {
	var c clause
	guards, message, _ := strings.Cut(text+" ", " : ")
	words := split(guards)
	rest := words[1:]
	switch words[0] {
	case "if":
	case "next":
		c.next = true
	case "each":
		c.each, rest = readOperand(words[1]), words[2:]
	default:
		c.code, c.message = v1alpha1.HealthStatusCode(words[0]), readMessage(strings.TrimSpace(message))
		if _, ok := order[c.code]; !ok {
			return c, fmt.Errorf("%q is no health", words[0])
		}
	}
	for _, word := range rest {
		c.guards = append(c.guards, readGuard(word))
	}
	return c, nil
}

// split cuts at spaces that are not between quotes, which it takes off.
func split(text string) []string {
	var words []string
	quoted := false
	for _, field := range strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	}) {
		words = append(words, strings.ReplaceAll(field, `"`, ""))
	}
	return words
}

func readGuard(word string) guard {
	var g guard
	word, g.not = strings.CutPrefix(word, "!")
	word, g.length = strings.CutPrefix(word, "#")
	left, right := word, ""
	for _, operator := range []string{"!=", "^=", ">=", "<=", "=", "<", ">"} {
		if a, b, found := strings.Cut(word, operator); found {
			left, right, g.operator = a, b, operator
			break
		}
	}
	if kinds, ok := strings.CutPrefix(left, "@"); ok {
		// The code only says that the condition is there.
		g.conditions = &clause{code: v1alpha1.HealthStatusHealthy}
		if kinds != "*" {
			g.conditions.guards = append(g.conditions.guards, readGuard(".type="+kinds))
		}
		if g.operator != "" {
			g.conditions.guards = append(g.conditions.guards, readGuard(".status"+g.operator+right))
		}
		g.operator = ""
		return g
	}
	g.left = readOperand(left)
	for _, alternative := range strings.Split(right, "|") {
		g.right = append(g.right, readOperand(alternative))
	}
	return g
}

func readMessage(text string) []operand {
	var parts []operand
	for text != "" {
		before, after, found := strings.Cut(text, "{")
		parts = append(parts, operand{text: before})
		if !found {
			break
		}
		field, rest, _ := strings.Cut(after, "}")
		var alternatives []operand
		for _, alternative := range strings.Split(field, "|") {
			alternatives = append(alternatives, readOperand(alternative))
		}
		parts, text = append(parts, operand{alternatives: alternatives}), rest
	}
	return parts
}

// readOperand reads a field, such as status.phase, .message of an item or metadata.labels[example.com/x], or else a text.
func readOperand(word string) operand {
	var o operand
	name, rest, _ := strings.Cut(word, ".")
	switch {
	case word == "kind":
		return operand{path: []string{word}}
	case word == ".":
		return operand{item: true}
	case name == "" && rest != "" && !strings.Contains(rest, " "):
		o.item, word = true, rest
	case (name != "status" && name != "spec" && name != "metadata") || strings.Contains(word, " "):
		return operand{text: word}
	}
	plain, key, indexed := strings.Cut(word, "[")
	o.path = strings.Split(plain, ".")
	if indexed {
		o.path = append(o.path, strings.TrimSuffix(key, "]"))
	}
	return o
}
