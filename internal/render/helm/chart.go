package helm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

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
	ctx context.Context
	// fetched are charts of repositories; missing are those that aren't among them.
	fetched map[Dependency]fs.FS
	missing []Dependency
	// bytes and count are over the chart and all its dependencies.
	bytes, count int
}

// loadChart loads the chart with its dependencies, which are in the repository or were fetched.
func (i Input) loadChart(ctx context.Context) (*chart.Chart, error) {
	l := &chartLoader{ctx: ctx, fetched: i.Charts}
	c, err := l.load(i.Files, i.Root, 0)
	if err != nil {
		return nil, err
	}
	if len(l.missing) > 0 {
		return nil, fmt.Errorf("%s: found in Chart.yaml, but missing in charts/ directory: %s: run `helm dependency update` and commit charts/",
			i.Root, describe(l.missing))
	}
	return c, nil
}

// load loads a chart folder, and what its Chart.yaml names besides.
func (l *chartLoader) load(files fs.FS, root string, depth int) (*chart.Chart, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: charts depend on each other in a circle", root)
	}
	c, err := l.loadAlone(files, root)
	if err != nil {
		return nil, err
	}
	return c, l.dependencies(c, files, root, depth)
}

// loadAlone loads a chart folder with what is in its charts folder.
func (l *chartLoader) loadAlone(files fs.FS, root string) (*chart.Chart, error) {
	rules := ignore.Empty()
	data, err := fs.ReadFile(files, path.Join(root, ignore.HelmIgnore))
	if err == nil {
		if rules, err = ignore.Parse(bytes.NewReader(data)); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(root, ignore.HelmIgnore), err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	rules.AddDefaults()
	folder := chartFolder{files: files, root: root, rules: rules}
	if err := l.collect(&folder, ".", 0); err != nil {
		return nil, err
	}
	c, err := loader.LoadFiles(folder.found)
	if err != nil {
		return nil, fmt.Errorf("%s: loading the chart: %w", root, oneLine(err))
	}
	return c, nil
}

// chartFolder is a folder that is being collected.
type chartFolder struct {
	files fs.FS
	root  string
	rules *ignore.Rules
	found []*archive.BufferedFile
}

func (l *chartLoader) collect(f *chartFolder, relative string, depth int) error {
	root := f.root
	if depth > maxDepth {
		return fmt.Errorf("%s: folders are nested more than %d deep: is there a link that leads in a circle?", path.Join(root, relative), maxDepth)
	}
	entries, err := fs.ReadDir(f.files, path.Join(root, relative))
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
		info, err := fs.Stat(f.files, full)
		if err != nil {
			return err
		}
		if f.rules.Ignore(name, info) {
			continue
		}
		if info.IsDir() {
			if err := l.collect(f, name, depth+1); err != nil {
				return err
			}
			continue
		}
		data, err := fs.ReadFile(f.files, full)
		if err != nil {
			return err
		}
		l.count++
		if l.bytes += len(data); l.bytes > maxChartBytes || l.count > maxChartFiles {
			return fmt.Errorf("%s: the chart has more than %d files or %d bytes: list what it doesn't need in .helmignore", root, maxChartFiles, maxChartBytes)
		}
		f.found = append(f.found, &archive.BufferedFile{Name: name, Data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))})
	}
	return nil
}
