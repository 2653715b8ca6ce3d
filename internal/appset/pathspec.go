package appset

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Paths says which paths of a repository a generator takes.
type Paths struct{ take, leave []func(string) bool }

// Path is a pattern of a git or oci generator.
type Path struct {
	Pattern string
	Exclude bool
}

// Directories match whole paths, in which * is no slash. A pattern that can't be read matches nothing.
func Directories(patterns []Path) Paths {
	return paths(patterns, func(pattern string) func(string) bool {
		return func(name string) bool {
			matches, err := path.Match(pattern, name)
			return err == nil && matches
		}
	})
}

// Files match as Git's own pathspecs do: * is also a slash, and the name of a folder takes all below it. With newGlobbing (the
// operator's applicationsetcontroller.enable.new.git.file.globbing) * is no slash, and ** is any number of folders.
func Files(patterns []Path, newGlobbing bool) (Paths, error) {
	var wrong error
	found := paths(patterns, func(pattern string) func(string) bool {
		if newGlobbing {
			if !doublestar.ValidatePattern(pattern) {
				wrong = fmt.Errorf("reading the pattern %q of files: it is no glob", pattern)
			}
			return func(name string) bool {
				matches, err := doublestar.Match(pattern, name)
				return err == nil && matches
			}
		}
		matches, err := pathspec(pattern)
		if err != nil {
			wrong = fmt.Errorf("reading the pattern %q of files: %w", pattern, err)
		}
		return matches
	})
	return found, wrong
}

func paths(patterns []Path, compile func(string) func(string) bool) Paths {
	var p Paths
	for _, pattern := range patterns {
		if pattern.Exclude {
			p.leave = append(p.leave, compile(pattern.Pattern))
		} else {
			p.take = append(p.take, compile(pattern.Pattern))
		}
	}
	return p
}

// Takes tells whether a path matches a pattern and none that excludes.
func (p Paths) Takes(name string) bool { return matchesAny(p.take, name) && !matchesAny(p.leave, name) }

func matchesAny(patterns []func(string) bool, name string) bool {
	for _, matches := range patterns {
		if matches(name) {
			return true
		}
	}
	return false
}

// pathspec reads a pattern of git ls-files (gitglossary: pathspec, without magic words).
func pathspec(pattern string) (func(string) bool, error) {
	pattern = path.Clean(pattern)
	if pattern == "." {
		return func(string) bool { return true }, nil
	}
	if pattern == ".." || strings.HasPrefix(pattern, "../") || strings.HasPrefix(pattern, "/") {
		return nil, fmt.Errorf("it leads out of the repository")
	}
	below := pattern + "/"
	if !strings.ContainsAny(pattern, `*?[\`) {
		return func(name string) bool { return name == pattern || strings.HasPrefix(name, below) }, nil
	}
	expression, err := regexp.Compile("(?s)^" + wildcards(pattern) + "$")
	if err != nil {
		return nil, fmt.Errorf("it is no glob")
	}
	return func(name string) bool {
		return name == pattern || strings.HasPrefix(name, below) || expression.MatchString(name)
	}, nil
}

// wildcards is Git's wildmatch as a regular expression.
func wildcards(pattern string) string {
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			out.WriteString(".*")
		case '?':
			out.WriteString(".")
		case '\\':
			if i+1 < len(pattern) {
				i++
			}
			out.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		case '[':
			class, length := class(pattern[i:])
			out.WriteString(class)
			i += length - 1
		default:
			out.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	return out.String()
}

// class reads a bracket expression; one without an end matches nothing, as in Git.
func class(pattern string) (expression string, length int) {
	end := strings.IndexByte(pattern[1:], ']')
	if end == 0 || end == 1 && strings.ContainsAny(pattern[1:2], "!^") { // a ] that comes first is itself
		next := strings.IndexByte(pattern[end+2:], ']')
		if next < 0 {
			return `[^\x{0}-\x{10FFFF}]`, len(pattern)
		}
		end += 1 + next
	}
	if end < 0 {
		return `[^\x{0}-\x{10FFFF}]`, len(pattern)
	}
	inner := pattern[1 : end+1]
	negated := strings.HasPrefix(inner, "!") || strings.HasPrefix(inner, "^")
	if negated {
		inner = inner[1:]
	}
	inner = strings.NewReplacer("[", `\[`, "]", `\]`, "^", `\^`, `\`, `\\`, "&", `\&`).Replace(inner)
	if negated {
		inner = "^" + inner
	}
	return "[" + inner + "]", end + 2
}
