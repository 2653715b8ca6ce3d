package project

import (
	"regexp"
	"strings"

	"fairlead.dev/fairlead/internal/lru"
)

// compiled remembers patterns, of which there are few and each is asked often.
var compiled = lru.New[globKey, *regexp.Regexp](4 << 20)

type globKey struct {
	pattern   string
	separator byte
}

// Glob matches as Argo CD does: * (any run of characters but the separator), ** (any run), ?, [a-z], [!a-z], {a,b}, and \
// for the character that follows. A separator of 0 is none. A pattern that makes no sense matches nothing.
func Glob(pattern, s string, separator byte) bool {
	if pattern == s && !strings.ContainsAny(pattern, `*?[{\`) || pattern == "*" && separator == 0 {
		return true
	}
	expression := compile(pattern, separator)
	return expression != nil && expression.MatchString(s)
}

// sensible tells whether a pattern can be read.
func sensible(pattern string) bool { return compile(pattern, 0) != nil }

// compile gives nil for what makes no sense.
func compile(pattern string, separator byte) *regexp.Regexp {
	key := globKey{pattern, separator}
	expression, ok := compiled.Get(key)
	if !ok {
		expression, _ = regexp.Compile(translate(pattern, separator)) // the error is nil's reason
		compiled.Put(key, expression, int64(64+16*len(pattern)))
	}
	return expression
}

// translate writes a glob as a regular expression.
func translate(pattern string, separator byte) string {
	any, one := "(?s:.*)", "(?s:.)"
	within := any
	if separator != 0 {
		within, one = "[^"+regexp.QuoteMeta(string(separator))+"]*", "[^"+regexp.QuoteMeta(string(separator))+"]"
	}
	var b strings.Builder
	b.WriteString(`\A`)
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*' && strings.HasPrefix(pattern[i:], "**"):
			b.WriteString(any)
			i++
		case c == '*':
			b.WriteString(within)
		case c == '?':
			b.WriteString(one)
		case c == '[':
			class, length := class(pattern[i:])
			b.WriteString(class)
			i += length - 1
		case c == '{':
			depth++
			b.WriteString("(?:")
		case c == '}' && depth > 0:
			depth--
			b.WriteString(")")
		case c == ',' && depth > 0:
			b.WriteString("|")
		case c == '\\' && i+1 < len(pattern):
			i++
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	b.WriteString(`\z`)
	return b.String()
}

// class reads a character class; one that doesn't end gives an expression that doesn't compile.
func class(pattern string) (expression string, length int) {
	end := strings.IndexByte(pattern, ']')
	if end < 2 {
		return "[", 1
	}
	members := pattern[1:end]
	not := ""
	if members[0] == '!' {
		not, members = "^", members[1:]
	}
	if members == "" {
		return "[", 1
	}
	return "[" + not + strings.NewReplacer(`\`, `\\`, "[", `\[`, "^", `\^`).Replace(members) + "]", end + 1
}
