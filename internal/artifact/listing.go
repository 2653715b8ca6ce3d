package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// ListedChart is a chart of a Helm repository and its versions, in the order of the index: newest first.
type ListedChart struct {
	Name     string
	Versions []string
}

// Charts are those of a Helm repository, by name.
func (c *Client) Charts(ctx context.Context, repository Repository) ([]ListedChart, error) {
	index, err := c.index(ctx, repository, c.options.Lifetime)
	if err != nil {
		return nil, err
	}
	charts, err := chartsOf(index.content)
	if err != nil {
		return nil, fmt.Errorf("reading the Helm repository %s: %w", Origin{Repository: repository}.name(), err)
	}
	return charts, nil
}

// Tags are those of an image of a registry.
func (c *Client) Tags(ctx context.Context, repository Repository) ([]string, error) {
	sight, err := c.look(ctx, Origin{Kind: Image, Repository: repository}, "", c.options.Lifetime)
	return slices.Clone(sight.versions), err
}

// chartsOf lists an index chart by chart, so that never more than one of a large index is in memory parsed.
func chartsOf(index []byte) ([]ListedChart, error) {
	type release struct {
		Version string `json:"version"`
	}
	var charts []ListedChart
	add := func(name string, releases []release) {
		listed := ListedChart{Name: name}
		for _, r := range releases {
			listed.Versions = append(listed.Versions, r.Version)
		}
		charts = append(charts, listed)
	}
	sections, laidOut := chartSections(index)
	for _, lines := range sections {
		var section map[string][]release
		if err := yaml.Unmarshal(lines, &section); err != nil || len(section) != 1 {
			laidOut = false
			break
		}
		for name, releases := range section {
			add(name, releases)
		}
	}
	if !laidOut {
		if len(index) > maxWholeIndex {
			return nil, fmt.Errorf("its index of %d bytes isn't laid out as Helm writes it, and too large for anything else", len(index))
		}
		charts = nil
		var whole struct {
			Entries map[string][]release `json:"entries"`
		}
		if err := yaml.Unmarshal(index, &whole); err != nil {
			return nil, errors.New("its index is no valid YAML")
		}
		if whole.Entries == nil {
			return nil, errNoEntries
		}
		for name, releases := range whole.Entries {
			add(name, releases)
		}
	}
	slices.SortFunc(charts, func(a, b ListedChart) int { return strings.Compare(a.Name, b.Name) })
	return charts, nil
}

// chartSections are the lines of each chart, of an index that is laid out by lines.
func chartSections(index []byte) (sections [][]byte, laidOut bool) {
	indent, start, offset := 0, -1, 0
	end := func(at int) {
		if start >= 0 {
			sections = append(sections, index[start:at])
		}
		start = -1
	}
	for line := range bytes.Lines(index) {
		begin := offset
		offset += len(line)
		text := strings.TrimRight(string(line[:min(len(line), 300)]), " \r\n")
		content := strings.TrimLeft(text, " ")
		depth := len(text) - len(content)
		switch {
		case content == "" || content[0] == '#':
		case !laidOut:
			laidOut = text == "entries:"
		case depth == 0:
			end(begin)
			return sections, true
		default:
			if indent == 0 {
				indent = depth
			}
			if depth == indent && content[0] != '-' {
				end(begin)
				start = begin
			}
		}
	}
	end(len(index))
	return sections, laidOut
}
