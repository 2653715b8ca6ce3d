package artifact

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// Release is one version of a chart, as an index lists it: https://helm.sh/docs/topics/chart_repository/#the-index-file.
type Release struct {
	Name        string       `json:"name"`
	Version     string       `json:"version"`
	URLs        []string     `json:"urls"`
	Digest      string       `json:"digest"`
	Description string       `json:"description"`
	Home        string       `json:"home"`
	Maintainers []Maintainer `json:"maintainers"`
}

// Maintainer is one of a chart's.
type Maintainer struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	URL   string `json:"url"`
}

// maxWholeIndex bounds an index that must be parsed as a whole, because it isn't laid out by lines. A parsed YAML document
// takes some twenty times its size in memory.
const maxWholeIndex = 8 << 20

var errNoEntries = errors.New("it is no index of a Helm repository: it has no entries")

// releasesOf finds a chart in an index. An index may have tens of megabytes, and one chart of it some kilobytes: where the
// index is laid out as Helm writes it, only the chart's own lines are parsed. A chart that isn't there has no releases.
func releasesOf(index []byte, chart string) ([]Release, error) {
	lines, laidOut := sectionOf(index, chart)
	if laidOut {
		if lines == nil {
			return nil, nil
		}
		var section map[string][]Release
		if err := yaml.Unmarshal(lines, &section); err == nil && len(section) == 1 {
			return section[chart], nil
		}
	}
	if len(index) > maxWholeIndex {
		return nil, fmt.Errorf("its index of %d bytes isn't laid out as Helm writes it, and too large for anything else", len(index))
	}
	var whole struct {
		Entries map[string][]Release `json:"entries"`
	}
	if err := yaml.Unmarshal(index, &whole); err != nil {
		return nil, errors.New("its index is no valid YAML")
	}
	if whole.Entries == nil {
		return nil, errNoEntries
	}
	return whole.Entries[chart], nil
}

// sectionOf cuts out the lines of one chart; nil if it isn't there. It tells whether the index is laid out by lines at all.
func sectionOf(index []byte, chart string) (section []byte, laidOut bool) {
	inEntries, indent, start := false, 0, -1
	offset := 0
	for line := range bytes.Lines(index) {
		begin := offset
		offset += len(line)
		text := strings.TrimRight(string(line[:min(len(line), 300)]), " \r\n")
		content := strings.TrimLeft(text, " ")
		depth := len(text) - len(content)
		switch {
		case content == "" || content[0] == '#':
		case !inEntries:
			inEntries = text == "entries:"
		case depth == 0:
			return cut(index, start, begin), true
		case indent == 0:
			indent = depth
			fallthrough
		default:
			if depth != indent || content[0] == '-' {
				continue
			}
			if start >= 0 {
				return cut(index, start, begin), true
			}
			name, ok := strings.CutSuffix(content, ":")
			if ok && strings.Trim(name, `"'`) == chart {
				start = begin
			}
		}
	}
	return cut(index, start, len(index)), inEntries
}

func cut(index []byte, start, end int) []byte {
	if start < 0 {
		return nil
	}
	return index[start:end]
}

// pick finds the release of a version: as it is written, else by its meaning, so that v1.2.0 finds 1.2.0.
func pick(releases []Release, version string) (Release, bool) {
	for _, release := range releases {
		if release.Version == version {
			return release, true
		}
	}
	if len(releases) == 0 {
		return Release{}, false
	}
	found, err := newest(strings.TrimPrefix(version, "v"), versionsOf(releases))
	if err != nil || found == version {
		return Release{}, false
	}
	return pick(releases, found)
}

func versionsOf(releases []Release) []string {
	versions := make([]string, len(releases))
	for i, release := range releases {
		versions[i] = release.Version
	}
	return versions
}
