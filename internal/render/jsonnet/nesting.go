package jsonnet

import (
	"fmt"
	"strings"
)

// maxNesting bounds how deep expressions may be nested in a file. Jsonnet's parser and its later passes go down by recursion,
// with up to 10 KB of stack for each level, and a stack that overflows ends the whole process: nothing can recover from it.
const maxNesting = 10000

// nestingKeywords begin an expression that what follows is nested in, until the closing bracket: local a = 1; local b = 2; …
var nestingKeywords = map[string]bool{"local": true, "assert": true, "function": true, "if": true, "error": true, "for": true}

// level is what is open between two brackets.
type level struct {
	// chain counts operators and brackets since the last comma or semicolon, each of which may nest what follows or came
	// before; held counts keywords.
	chain, held int
}

// nesting estimates from the tokens of a text how deep its expressions are nested, and never too low.
type nesting struct {
	text   string
	at     int
	levels []level
	depth  int
}

// checkNesting refuses a text whose expressions may be nested too deep to be parsed.
func checkNesting(text string) error {
	n := nesting{text: text, levels: []level{{}}}
	for n.at < len(text) {
		n.token()
		if n.depth > maxNesting {
			return fmt.Errorf("line %d: expressions are nested, or chained, more than %d deep", 1+strings.Count(text[:n.at], "\n"), maxNesting)
		}
	}
	return nil
}

// token takes one token.
func (n *nesting) token() {
	rest := n.text[n.at:]
	top := &n.levels[len(n.levels)-1]
	switch c := rest[0]; {
	case c == '#' || strings.HasPrefix(rest, "//"):
		n.skipPast("\n", 1)
	case strings.HasPrefix(rest, "/*"):
		n.skipPast("*/", 2)
	case strings.HasPrefix(rest, "|||"):
		n.textBlock()
	case c == '@' && len(rest) > 1 && (rest[1] == '"' || rest[1] == '\''):
		n.verbatim(rest[1])
	case c == '"' || c == '\'':
		n.quoted(c)
	case strings.IndexByte("[{(", c) >= 0:
		n.add(&top.chain)
		n.levels = append(n.levels, level{})
		n.at++
	case strings.IndexByte("]})", c) >= 0:
		if len(n.levels) > 1 {
			n.depth -= top.chain + top.held
			n.levels = n.levels[:len(n.levels)-1]
		}
		n.at++
	case c == ',' || c == ';':
		n.depth -= top.chain
		top.chain = 0
		n.at++
	case strings.IndexByte("!$%&*+-/<=>^|~.:", c) >= 0:
		n.add(&top.chain)
		n.at++
	case isWord(c):
		word := n.word()
		if nestingKeywords[word] {
			n.add(&top.held)
		} else if word == "in" {
			n.add(&top.chain)
		}
	default:
		n.at++
	}
}

func (n *nesting) add(counter *int) {
	*counter++
	n.depth++
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (n *nesting) word() string {
	start := n.at
	for n.at < len(n.text) && isWord(n.text[n.at]) {
		n.at++
	}
	return n.text[start:n.at]
}

// skipPast goes behind the next end, which is looked for after what was read of the token.
func (n *nesting) skipPast(end string, read int) {
	i := strings.Index(n.text[n.at+read:], end)
	if i < 0 {
		n.at = len(n.text)
		return
	}
	n.at += read + i + len(end)
}

// quoted skips a string in which a backslash takes the next character with it.
func (n *nesting) quoted(quote byte) {
	for n.at++; n.at < len(n.text); n.at++ {
		switch n.text[n.at] {
		case '\\':
			n.at++
		case quote:
			n.at++
			return
		}
	}
}

// verbatim skips a string in which only a doubled quote means something.
func (n *nesting) verbatim(quote byte) {
	for n.at += 2; n.at < len(n.text); n.at++ {
		if n.text[n.at] != quote {
			continue
		}
		if n.at++; n.at >= len(n.text) || n.text[n.at] != quote {
			return
		}
	}
}

// textBlock skips a text block: from ||| at the end of a line, over the lines that are indented as the first, to the ||| after
// them.
func (n *nesting) textBlock() {
	line := strings.IndexByte(n.text[n.at:], '\n')
	if line < 0 {
		n.at = len(n.text)
		return
	}
	n.at += line + 1
	for n.at < len(n.text) && n.text[n.at] == '\n' {
		n.at++
	}
	rest := n.text[n.at:]
	indent := rest[:len(rest)-len(strings.TrimLeft(rest, " \t"))]
	for indent != "" && n.at < len(n.text) && (n.text[n.at] == '\n' || strings.HasPrefix(n.text[n.at:], indent)) {
		n.skipPast("\n", 0)
	}
	rest = strings.TrimLeft(n.text[n.at:], " \t")
	n.at = len(n.text) - len(strings.TrimPrefix(rest, "|||"))
}
