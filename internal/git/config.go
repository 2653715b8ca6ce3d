package git

import (
	"errors"
	"strings"
)

// configEntry is one setting of a file in the form of git-config(1). Section and key are in lower case.
type configEntry struct {
	section, subsection, key, value string
}

const (
	// maxConfigBytes bounds .gitmodules and .lfsconfig; thousands of submodules fit.
	maxConfigBytes = 1 << 20
	// maxConfigEntries bounds what is taken of them.
	maxConfigEntries = 20_000
)

var errBadConfig = errors.New("it is not in the form of a Git configuration file")

// parseConfig reads a configuration file, as .gitmodules is one: "[section "subsection"]", "key = value", comments, quotes,
// escapes, and lines that go on after a backslash.
func parseConfig(data []byte) ([]configEntry, error) {
	if len(data) > maxConfigBytes {
		return nil, ErrTooLarge
	}
	p := configParser{rest: strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")}
	for {
		p.rest = strings.TrimLeft(p.rest, " \t\n\v\f\r")
		switch {
		case p.rest == "":
			return p.entries, nil
		case p.rest[0] == '#' || p.rest[0] == ';':
			_, p.rest, _ = strings.Cut(p.rest, "\n")
		case p.rest[0] == '[':
			if !p.header() {
				return nil, errBadConfig
			}
		default:
			if !p.setting() || len(p.entries) > maxConfigEntries {
				return nil, errBadConfig
			}
		}
	}
}

type configParser struct {
	rest                string
	section, subsection string
	entries             []configEntry
}

func isConfigName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.'
}

// name takes a name off the rest.
func (p *configParser) name() string {
	end := strings.IndexFunc(p.rest, func(r rune) bool { return !isConfigName(r) })
	if end < 0 {
		end = len(p.rest)
	}
	name := p.rest[:end]
	p.rest = p.rest[end:]
	return strings.ToLower(name)
}

func (p *configParser) header() bool {
	p.rest = p.rest[1:]
	p.section, p.subsection = p.name(), ""
	p.rest = strings.TrimLeft(p.rest, " \t")
	if quoted, ok := strings.CutPrefix(p.rest, `"`); ok {
		var text strings.Builder
		i := 0
		for ; i < len(quoted) && quoted[i] != '"'; i++ {
			if quoted[i] == '\\' {
				i++
			}
			if i == len(quoted) || quoted[i] == '\n' {
				return false
			}
			text.WriteByte(quoted[i])
		}
		if i == len(quoted) {
			return false
		}
		p.subsection, p.rest = text.String(), quoted[i+1:]
	}
	var closed bool
	p.rest, closed = strings.CutPrefix(p.rest, "]")
	return closed && p.section != ""
}

func (p *configParser) setting() bool {
	key := p.name()
	if key == "" || p.section == "" {
		return false
	}
	entry := configEntry{section: p.section, subsection: p.subsection, key: key, value: "true"}
	p.rest = strings.TrimLeft(p.rest, " \t")
	if assigned, ok := strings.CutPrefix(p.rest, "="); ok {
		p.rest = strings.TrimLeft(assigned, " \t")
		if entry.value, ok = p.value(); !ok {
			return false
		}
	} else if p.rest != "" && p.rest[0] != '\n' && p.rest[0] != '#' && p.rest[0] != ';' {
		return false
	}
	p.entries = append(p.entries, entry)
	return true
}

// value takes a value and the end of its line off the rest. Spaces at its end that aren't quoted don't belong to it.
func (p *configParser) value() (string, bool) {
	var text strings.Builder
	quoted := false
	kept := 0
	for i := 0; i < len(p.rest); i++ {
		c := p.rest[i]
		switch {
		case c == '\n' || !quoted && (c == '#' || c == ';'):
			_, p.rest, _ = strings.Cut(p.rest[i:], "\n")
			return text.String()[:kept], !quoted
		case c == '"':
			quoted = !quoted
			kept = text.Len()
		case c == '\\':
			i++
			if i == len(p.rest) {
				return "", false
			}
			if p.rest[i] == '\n' {
				continue
			}
			decoded, ok := map[byte]byte{'n': '\n', 't': '\t', 'b': '\b', '"': '"', '\\': '\\'}[p.rest[i]]
			if !ok {
				return "", false
			}
			text.WriteByte(decoded)
			kept = text.Len()
		default:
			text.WriteByte(c)
			if quoted || c != ' ' && c != '\t' {
				kept = text.Len()
			}
		}
	}
	p.rest = ""
	return text.String()[:kept], !quoted
}
