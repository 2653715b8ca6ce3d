package access

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// MatchMode says what the patterns of a policy are.
type MatchMode string

// The match modes.
const (
	// MatchGlob is the default: * any text (slashes too), ? any character, [ab] [a-z] [!a] classes, {a,b} alternatives.
	MatchGlob MatchMode = "glob"
	// MatchRegex are Go's regular expressions, anywhere in the text.
	MatchRegex MatchMode = "regex"
)

// specials are the characters of a glob that don't stand for themselves.
const specials = `*?[]{}\`

// matcher tells whether a text matches a pattern.
type matcher func(string) bool

func matchAll(string) bool { return true }

// newMatcher prepares a pattern. Most are literals or end in a star: those don't cost a regular expression.
func newMatcher(pattern string, mode MatchMode) (matcher, error) {
	if mode == MatchRegex {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("%q is no regular expression: %v", pattern, err)
		}
		return re.MatchString, nil
	}
	special := strings.IndexAny(pattern, specials)
	switch {
	case special < 0:
		return func(s string) bool { return s == pattern }, nil
	case strings.Trim(pattern, "*") == "":
		return matchAll, nil
	case strings.TrimRight(pattern[special:], "*") == "":
		prefix := pattern[:special]
		return func(s string) bool { return strings.HasPrefix(s, prefix) }, nil
	case pattern == "*/*":
		return func(s string) bool { return strings.Contains(s, "/") }, nil
	case !strings.ContainsAny(pattern, `[]{}\`):
		return func(s string) bool { return wildcard(pattern, s) }, nil
	}
	expression, err := globToRegexp(pattern)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("%q is no pattern: %v", pattern, err)
	}
	return re.MatchString, nil
}

// wildcard matches * and ? alone. After a mismatch it goes back to the last star only, so it takes at most the product of
// both lengths; a regular expression would take ten times as long on the usual names.
func wildcard(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			_, size := utf8.DecodeRuneInString(s[i:])
			p, i = p+1, i+size
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			_, size := utf8.DecodeRuneInString(s[mark:])
			mark += size
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// globToRegexp translates a glob without separators, as upstream uses them.
func globToRegexp(glob string) (string, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	runes := []rune(glob)
	depth := 0
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '{':
			depth++
			b.WriteString("(?:")
		case '}':
			if depth == 0 {
				return "", fmt.Errorf("%q closes a brace that isn't open", glob)
			}
			depth--
			b.WriteString(")")
		case ',':
			if depth > 0 {
				b.WriteString("|")
			} else {
				b.WriteString(",")
			}
		case '[':
			end := i + 1
			for end < len(runes) && (runes[end] != ']' || end == i+1) {
				end++
			}
			if end >= len(runes) {
				return "", fmt.Errorf("%q has a bracket that isn't closed", glob)
			}
			b.WriteString(class(runes[i+1 : end]))
			i = end
		case '\\':
			if i+1 == len(runes) {
				return "", fmt.Errorf("%q ends in a backslash", glob)
			}
			i++
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	if depth > 0 {
		return "", fmt.Errorf("%q has a brace that isn't closed", glob)
	}
	return b.String() + `\z`, nil
}

// class translates what stands between brackets; only "-" keeps a meaning.
func class(content []rune) string {
	var b strings.Builder
	b.WriteString("[")
	if len(content) > 1 && (content[0] == '!' || content[0] == '^') {
		b.WriteString("^")
		content = content[1:]
	}
	for _, c := range content {
		if c == '\\' || c == '[' || c == ']' || c == '^' || c == '&' || c == '~' || c == ':' {
			b.WriteRune('\\')
		}
		b.WriteRune(c)
	}
	b.WriteString("]")
	return b.String()
}
