package build

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// variables are what every tag may use besides the pattern's groups.
var variables = []string{"REF", "SHA", "SHORT_SHA", "TIMESTAMP"}

// shortSHA is the length that Git itself shows for repositories of usual size.
const shortSHA = 7

// Commit is what a tag can tell about a commit.
type Commit struct {
	SHA string
	// Time is the committer's. It may be zero where [Rule.NeedsCommitTime] is false.
	Time time.Time
}

func (c Commit) short() string { return c.SHA[:min(shortSHA, len(c.SHA))] }

func (c Commit) variables(ref string) map[string]string {
	values := map[string]string{
		// A branch such as feature/login is common, and a tag can't hold a slash.
		"REF":       strings.ReplaceAll(ref, "/", "-"),
		"SHA":       c.SHA,
		"SHORT_SHA": c.short(),
	}
	if !c.Time.IsZero() {
		values["TIMESTAMP"] = c.Time.UTC().Format("20060102150405")
	}
	return values
}

// template is a tag with ${NAME} in it: literal and name alternate, starting with a literal.
type template []string

// tagForm is the grammar of a tag in the OCI distribution specification.
var tagForm = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

func parseTemplate(text string, known []string) (template, error) {
	var parts template
	for {
		literal, rest, found := strings.Cut(text, "${")
		parts = append(parts, literal)
		if !found {
			break
		}
		variable, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("%q has a ${ without a }", text)
		}
		if variable == "" || !slices.Contains(known, variable) {
			return nil, fmt.Errorf("${%s} is neither a named group of the pattern nor one of %s", variable, strings.Join(variables, ", "))
		}
		parts = append(parts, variable)
		text = after
	}
	for i := 0; i < len(parts); i += 2 {
		if strings.ContainsFunc(parts[i], func(c rune) bool { return !strings.ContainsRune(tagCharacters, c) }) {
			return nil, fmt.Errorf("%q holds a character that no tag may have (letters, digits, _ . - are allowed)", parts[i])
		}
	}
	if len(parts) == 1 && !tagForm.MatchString(parts[0]) {
		return nil, fmt.Errorf("%q is not a valid tag", parts[0])
	}
	return parts, nil
}

const tagCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

func (t template) uses(variable string) bool {
	for i := 1; i < len(t); i += 2 {
		if t[i] == variable {
			return true
		}
	}
	return false
}

// expand gives the tag. The result is checked, not mended: a tag that differs from what the rule says would be a surprise.
func (t template) expand(values map[string]string) (string, error) {
	var b strings.Builder
	for i, part := range t {
		if i%2 == 0 {
			b.WriteString(part)
			continue
		}
		value, ok := values[part]
		if !ok {
			return "", fmt.Errorf("${%s} is not known here", part)
		}
		b.WriteString(value)
	}
	tag := b.String()
	if !tagForm.MatchString(tag) {
		return "", fmt.Errorf("%q is not a valid tag: it needs 1 to 128 letters, digits, _ . or -, and can't start with . or -; change spec.image.tag or the pattern", shorten(tag, 150))
	}
	return tag, nil
}

func shorten(s string, length int) string {
	if len(s) <= length {
		return s
	}
	return strings.ToValidUTF8(s[:length], "") + "…"
}
