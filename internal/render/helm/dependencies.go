package helm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"sigs.k8s.io/yaml"
)

// Dependency is a chart that a Chart.yaml names and that has to come from a repository.
type Dependency struct {
	Name string
	// Version is exact where Chart.lock says so, else a constraint.
	Version string
	// Repository is as Chart.yaml has it: http(s)://…, oci://…, @name or alias:name.
	Repository string
}

// Needs are what a rendering needs that isn't in its files: charts, and value files at URLs.
type Needs struct {
	Charts []Dependency
	Files  []string
}

// Needs finds them. It reads little where nothing is needed, which is the usual case.
func (i Input) Needs(ctx context.Context) (Needs, error) {
	if i.Options == nil {
		i.Options = noOptions
	}
	needs := Needs{Files: i.remoteFiles()}
	depends, err := dependsOnOthers(i.Files, i.Root)
	if err != nil || !depends {
		return needs, err
	}
	l := &chartLoader{ctx: ctx}
	if _, err := l.load(i.Files, i.Root, 0); err != nil {
		return needs, err
	}
	needs.Charts = l.missing
	return needs, nil
}

// dependsOnOthers tells whether a chart's own files name dependencies at all.
func dependsOnOthers(files fs.FS, root string) (bool, error) {
	for _, name := range []string{"Chart.yaml", "requirements.yaml"} {
		data, err := fs.ReadFile(files, path.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		var metadata struct {
			Dependencies []any `json:"dependencies"`
		}
		// What can't be read, the loader tells better.
		if err := yaml.Unmarshal(data, &metadata); err != nil || len(metadata.Dependencies) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// dependencies adds to a chart those of its dependencies that aren't in its charts folder: from elsewhere in the repository
// by file://, or from what was fetched. Others are missing.
func (l *chartLoader) dependencies(c *chart.Chart, files fs.FS, root string, depth int) error {
	present := c.Dependencies()
	for index, dependency := range c.Metadata.Dependencies {
		if dependency == nil || slices.ContainsFunc(present, func(d *chart.Chart) bool { return d.Name() == dependency.Name }) {
			continue
		}
		var sub *chart.Chart
		var err error
		if folder, isLocal := strings.CutPrefix(dependency.Repository, "file://"); isLocal {
			sub, err = l.local(files, root, folder, depth)
		} else {
			sub, err = l.remote(c, index)
		}
		if err != nil {
			return fmt.Errorf("%s: dependency %q: %w", root, dependency.Name, err)
		}
		if sub == nil {
			continue
		}
		if sub.Name() != dependency.Name {
			return fmt.Errorf("%s: dependency %q: the chart in %s is called %q", root, dependency.Name, dependency.Repository, sub.Name())
		}
		// The same chart under two aliases is one dependency for Helm, which copies it itself.
		if !slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool {
			return d.Name() == sub.Name() && d.Metadata.Version == sub.Metadata.Version
		}) {
			c.AddDependency(sub)
		}
	}
	return nil
}

func (l *chartLoader) local(files fs.FS, root, folder string, depth int) (*chart.Chart, error) {
	at := path.Join(root, folder)
	if !fs.ValidPath(at) {
		return nil, fmt.Errorf("file://%s leads out of the repository", folder)
	}
	return l.load(files, at, depth+1)
}

// remote gives a fetched dependency, or notes that it is missing. A packed chart brings its own dependencies.
func (l *chartLoader) remote(c *chart.Chart, index int) (*chart.Chart, error) {
	dependency := c.Metadata.Dependencies[index]
	if dependency.Repository == "" {
		return nil, errors.New("it names no repository, and isn't in the charts folder")
	}
	version, err := locked(c, index)
	if err != nil {
		return nil, err
	}
	wanted := Dependency{Name: dependency.Name, Version: version, Repository: dependency.Repository}
	if fetched, ok := l.fetched[wanted]; ok {
		return l.loadAlone(fetched, ".")
	}
	if !slices.Contains(l.missing, wanted) {
		l.missing = append(l.missing, wanted)
	}
	return nil, nil
}

var errLock = errors.New("the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies")

// locked is the version of a dependency: that of Chart.lock, which must fit, or without one the constraint of Chart.yaml.
func locked(c *chart.Chart, index int) (string, error) {
	dependency := c.Metadata.Dependencies[index]
	if c.Lock == nil {
		return dependency.Version, nil
	}
	// Helm writes both lists in the same order.
	if len(c.Lock.Dependencies) != len(c.Metadata.Dependencies) {
		return "", errLock
	}
	lock := c.Lock.Dependencies[index]
	if lock == nil || lock.Name != dependency.Name || lock.Repository != dependency.Repository {
		return "", errLock
	}
	constraint, err := semver.NewConstraint(dependency.Version)
	if err != nil {
		return "", fmt.Errorf("its version %q is neither a version nor a constraint", dependency.Version)
	}
	if version, err := semver.NewVersion(lock.Version); err != nil || !constraint.Check(version) {
		return "", errLock
	}
	return lock.Version, nil
}

func describe(dependencies []Dependency) string {
	texts := make([]string, len(dependencies))
	for i, d := range dependencies {
		texts[i] = fmt.Sprintf("%s %s (%s)", d.Name, d.Version, d.Repository)
	}
	return strings.Join(texts, ", ")
}
