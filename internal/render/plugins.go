package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/plugin"
)

// detect finds out what a source is. Without a word in the source itself the plugins are asked first, as in Argo CD. A plugin
// that doesn't answer is an error: the source may be its own.
func (j *job) detect(ctx context.Context) error {
	explicit, err := explicitType(&j.source)
	if err != nil || explicit != "" {
		j.sourceType = j.request.Settings.Off.allowed(explicit)
		return err
	}
	if j.plugins != nil && j.plugins.Any() {
		input, err := j.pluginInput()
		if err != nil {
			return err
		}
		// Which folder is a plugin's depends on all that is in it.
		if err := readAll(j.tree, j.root); err != nil {
			return err
		}
		matches, err := j.plugins.Match(ctx, input)
		if err != nil {
			j.transient = true
			return err
		}
		if matches {
			j.sourceType = v1alpha1.ApplicationSourceTypePlugin
			return nil
		}
	}
	j.sourceType, err = detect(j.tree, j.root, j.request.Settings.Off)
	return err
}

// generate has a plugin render the source. What it reads isn't known, so the rendering holds for its revision, unless the
// application names the paths on which it depends.
func (j *job) generate(ctx context.Context) error {
	if j.plugins == nil {
		return fmt.Errorf("%s: this hub has no config management plugins: use Helm, Kustomize or plain manifests", j.root)
	}
	input, err := j.pluginInput()
	if err != nil {
		return err
	}
	if len(j.request.GeneratePaths) == 0 {
		j.environment.usedRevision = true
	}
	for _, name := range j.request.GeneratePaths {
		if err := readAll(j.tree, name); err != nil {
			return err
		}
	}
	var name string
	if j.source.Plugin != nil {
		name = j.source.Plugin.Name
	}
	if j.generated, err = j.plugins.Generate(ctx, name, input); err != nil {
		// A plugin may get things from elsewhere; that it failed needn't be the source's fault.
		j.transient = true
	}
	return err
}

func (j *job) pluginInput() (plugin.Input, error) {
	variables := maps.Clone(j.environment.values)
	maps.Copy(variables, j.environment.revisions)
	variables["KUBE_VERSION"] = j.request.KubeVersion
	variables["KUBE_API_VERSIONS"] = strings.Join(j.request.APIVersions, ",")
	var build []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		build = append(build, name+"="+variables[name])
	}
	env, err := plugin.Environment(build, j.source.Plugin, func(text string) string { return expandWith(text, variables) })
	return plugin.Input{Files: j.request.Tree, Upload: ".", Root: j.root, Env: env, Login: j.request.Login}, err
}

// readAll notes everything at a path as read: names, contents and modes.
func readAll(files fs.FS, name string) error {
	err := fs.WalkDir(files, name, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		_, err = entry.Info()
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// GeneratePaths reads the annotation argocd.argoproj.io/manifest-generate-paths: the paths on which a source depends, relative
// to its folder or, with a slash in front, to the repository, with semicolons between them. What is returned is relative to
// the repository; a pattern counts as the folder in which it begins. Only plugins need it: of the other renderers it is
// known what they read.
func GeneratePaths(annotation, folder string) []string {
	var paths []string
	for text := range strings.SplitSeq(annotation, ";") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if !path.IsAbs(text) {
			text = path.Join("/", folder, text)
		}
		if i := strings.IndexAny(text, "*?[{"); i >= 0 {
			text = path.Dir(text[:i] + "x")
		}
		paths = append(paths, path.Join(".", strings.TrimPrefix(path.Clean(text), "/")))
	}
	return paths
}
