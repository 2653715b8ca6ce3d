package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"sigs.k8s.io/kustomize/api/types"

	"fairlead.dev/fairlead/internal/render/helm"
)

// Needs are what a build names that isn't in its files, each once.
type Needs struct {
	Bases  []Base
	Charts []helm.Dependency
	// Files are URLs of manifests.
	Files []string
}

// None tells that there is all.
func (n Needs) None() bool { return len(n.Bases) == 0 && len(n.Charts) == 0 && len(n.Files) == 0 }

// Needs walks the kustomizations that a build reads, and finds what is missing. What was fetched is walked too, so it is asked
// again until nothing is missing. What else is wrong with a kustomization is left to Build to tell.
func (in Input) Needs(ctx context.Context) (Needs, error) {
	r, _, err := open(ctx, in)
	if err != nil {
		return Needs{}, err
	}
	w := walk{r: r, seen: map[string]bool{}}
	err = w.folder(in.Root)
	return w.needs, err
}

type walk struct {
	r     *repository
	seen  map[string]bool
	needs Needs
}

func (w *walk) folder(folder string) error {
	if w.seen[folder] {
		return nil
	}
	w.seen[folder] = true
	name, err := find(w.r.files, folder)
	if err != nil {
		return unlessAbsent(err)
	}
	content, err := w.r.raw(name)
	if err != nil {
		return err
	}
	k, ok := parse(content)
	if !ok {
		return nil
	}
	if w.r.options.helm {
		if err := w.charts(folder, &k); err != nil {
			return err
		}
	}
	for _, entry := range slices.Concat(k.Resources, k.Components) {
		if err := w.entry(folder, entry); err != nil {
			return fmt.Errorf("%s: %w", w.r.shown(name), err)
		}
	}
	return nil
}

// unlessAbsent leaves it to Kustomize to tell that a folder has no kustomization.
func unlessAbsent(err error) error {
	var unreadable *fs.PathError
	if errors.As(err, &unreadable) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (w *walk) entry(folder, entry string) error {
	if !isRemote(entry) {
		name := path.Join(folder, entry)
		if !fs.ValidPath(name) || mountOf(name) != mountOf(folder) {
			return nil
		}
		info, err := fs.Stat(w.r.files, name)
		if err != nil || !info.IsDir() {
			return unlessAbsent(err)
		}
		return w.folder(name)
	}
	if isFileURL(entry) {
		if _, ok := w.r.fetched.Files[entry]; !ok && !slices.Contains(w.needs.Files, entry) {
			w.needs.Files = append(w.needs.Files, entry)
		}
		return nil
	}
	base, inside, err := parseBase(entry)
	if err != nil {
		return fmt.Errorf("%q: %w", public(entry), err)
	}
	if _, ok := w.r.fetched.Bases[base]; ok {
		return w.folder(path.Join(mountName(base), inside))
	}
	if !slices.Contains(w.needs.Bases, base) {
		w.needs.Bases = append(w.needs.Bases, base)
	}
	return nil
}

func (w *walk) charts(folder string, k *types.Kustomization) error {
	charts, globals := chartsOf(k)
	for i := range charts {
		if charts[i].Repo == "" {
			continue
		}
		wanted := dependencyOf(&charts[i])
		if _, ok := w.r.fetched.Charts[wanted]; ok || slices.Contains(w.needs.Charts, wanted) {
			continue
		}
		if _, err := w.r.chartFolder(folder, &charts[i], globals); errors.Is(err, errNoChart) {
			w.needs.Charts = append(w.needs.Charts, wanted)
		} else if err != nil {
			return fmt.Errorf("%s: chart %q: %w", w.r.shown(folder), charts[i].Name, err)
		}
	}
	return nil
}

func dependencyOf(chart *types.HelmChart) helm.Dependency {
	return helm.Dependency{Name: chart.Name, Version: chart.Version, Repository: chart.Repo}
}

// parse reads a kustomization, with old fields taken up; false means that Kustomize can't read it either, and says why.
func parse(content []byte) (k types.Kustomization, ok bool) {
	if err := k.Unmarshal(content); err != nil {
		return k, false
	}
	k.FixKustomization()
	return k, true
}

// chartsOf are a kustomization's Helm charts, in both ways to write them.
func chartsOf(k *types.Kustomization) ([]types.HelmChart, *types.HelmGlobals) {
	globals := k.HelmGlobals
	old, oldGlobals := types.SplitHelmParameters(k.HelmChartInflationGenerator)
	if globals == nil {
		globals = &oldGlobals
	}
	return slices.Concat(k.HelmCharts, old), globals
}
