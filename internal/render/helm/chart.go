package helm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"
)

const (
	// maxChartBytes and maxChartFiles bound a chart with its dependencies; Helm itself allows 100 MiB.
	maxChartBytes = 48 << 20
	maxChartFiles = 10000
	// maxDepth bounds folders in folders, also through links that lead in circles, and charts in charts.
	maxDepth = 32
)

// chartLoader collects the files of a chart folder as Helm's loader does from a disk.
type chartLoader struct {
	ctx   context.Context
	files fs.FS
	// bytes and count are over the chart and all its dependencies.
	bytes, count int
}

// loadChart loads the chart in folder root with its dependencies, which must all be in the repository.
func loadChart(ctx context.Context, files fs.FS, root string) (*chart.Chart, error) {
	l := &chartLoader{ctx: ctx, files: files}
	return l.load(root, 0)
}

func (l *chartLoader) load(root string, depth int) (*chart.Chart, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: charts depend on each other in a circle", root)
	}
	rules := ignore.Empty()
	data, err := fs.ReadFile(l.files, path.Join(root, ignore.HelmIgnore))
	if err == nil {
		if rules, err = ignore.Parse(bytes.NewReader(data)); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(root, ignore.HelmIgnore), err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	rules.AddDefaults()
	var buffered []*archive.BufferedFile
	if err := l.collect(root, ".", rules, 0, &buffered); err != nil {
		return nil, err
	}
	c, err := loader.LoadFiles(buffered)
	if err != nil {
		return nil, fmt.Errorf("%s: loading the chart: %w", root, oneLine(err))
	}
	if err := l.dependencies(c, root, depth); err != nil {
		return nil, err
	}
	return c, nil
}

func (l *chartLoader) collect(root, relative string, rules *ignore.Rules, depth int, buffered *[]*archive.BufferedFile) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: folders are nested more than %d deep: is there a link that leads in a circle?", path.Join(root, relative), maxDepth)
	}
	entries, err := fs.ReadDir(l.files, path.Join(root, relative))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if l.ctx.Err() != nil {
			return context.Cause(l.ctx)
		}
		name := path.Join(relative, entry.Name())
		full := path.Join(root, name)
		// Of links, what they lead to counts.
		info, err := fs.Stat(l.files, full)
		if err != nil {
			return err
		}
		if rules.Ignore(name, info) {
			continue
		}
		if info.IsDir() {
			if err := l.collect(root, name, rules, depth+1, buffered); err != nil {
				return err
			}
			continue
		}
		data, err := fs.ReadFile(l.files, full)
		if err != nil {
			return err
		}
		l.count++
		if l.bytes += len(data); l.bytes > maxChartBytes || l.count > maxChartFiles {
			return fmt.Errorf("%s: the chart has more than %d files or %d bytes: list what it doesn't need in .helmignore", root, maxChartFiles, maxChartBytes)
		}
		*buffered = append(*buffered, &archive.BufferedFile{Name: name, Data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))})
	}
	return nil
}

// dependencies adds those that Chart.yaml names by file://, and tells which are missing.
func (l *chartLoader) dependencies(c *chart.Chart, root string, depth int) error {
	var missing []string
	for _, dependency := range c.Metadata.Dependencies {
		if slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return d.Name() == dependency.Name }) {
			continue
		}
		folder, isLocal := strings.CutPrefix(dependency.Repository, "file://")
		if !isLocal {
			missing = append(missing, fmt.Sprintf("%s %s (%s)", dependency.Name, dependency.Version, dependency.Repository))
			continue
		}
		folder = path.Join(root, folder)
		if !fs.ValidPath(folder) {
			return fmt.Errorf("%s: dependency %q: %s leads out of the repository", root, dependency.Name, dependency.Repository)
		}
		sub, err := l.load(folder, depth+1)
		if err != nil {
			return fmt.Errorf("%s: dependency %q: %w", root, dependency.Name, err)
		}
		if sub.Name() != dependency.Name {
			return fmt.Errorf("%s: dependency %q: the chart in %s is called %q", root, dependency.Name, folder, sub.Name())
		}
		c.AddDependency(sub)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s: the chart's dependencies %s are not in its charts folder: run `helm dependency update` and commit charts/",
			root, strings.Join(missing, ", "))
	}
	return nil
}
