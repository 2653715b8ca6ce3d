// Package helm renders a chart of a Git tree in process: what `helm template` prints. Helm's packages load the chart and
// merge its values; the templates are executed by an engine of this package's own, which can be stopped and is bounded.
//
// There is no cluster behind it (lookup finds nothing), no network, no environment, and no file outside the repository.
// Dependencies lie in charts/ or, by file://, elsewhere in the repository; those of chart repositories, and value files at
// URLs, are named by Input.Needs, and the caller brings them. Hooks stay manifests with their annotations; notes are dropped.
//
// Start with Render; chart.go loads the chart, values.go merges values, engine.go executes
// the templates, output.go reads the result.
package helm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Input is what a chart is rendered with.
type Input struct {
	// Files is the repository, Root the chart's folder in it.
	Files fs.FS
	Root  string
	// Refs are the repositories of other sources, for value files that start with $name/.
	Refs map[string]fs.FS
	// Options are the source's; nil means none.
	Options *v1alpha1.ApplicationSourceHelm
	// Release is the release's name if the options name none; Namespace likewise.
	Release, Namespace string
	// KubeVersion is the destination's version, such as v1.33.1; empty means Helm's default. APIVersions are what the
	// destination serves, such as apps/v1 or apps/v1/Deployment; they are added to Helm's built-in list.
	KubeVersion string
	APIVersions []string
	// Charts are the charts of repositories, and Remote the texts at URLs, that Needs has named.
	Charts map[Dependency]fs.FS
	Remote map[string][]byte
	// Expand replaces variables where Argo CD does so: in parameters and in names of value files.
	Expand func(string) string
}

var noOptions = &v1alpha1.ApplicationSourceHelm{}

// Render renders the chart.
func Render(ctx context.Context, input Input) ([]*unstructured.Unstructured, error) {
	if input.Options == nil {
		input.Options = noOptions
	}
	c, err := input.loadChart(ctx)
	if err != nil {
		return nil, err
	}
	values, err := mergeValues(input)
	if err != nil {
		return nil, err
	}
	capabilities, err := input.capabilities()
	if err != nil {
		return nil, err
	}
	if err := checkChart(c, capabilities); err != nil {
		return nil, fmt.Errorf("%s: %w", input.Root, err)
	}
	release, err := input.release()
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		return nil, fmt.Errorf("%s: processing the chart's dependencies: %w", input.Root, err)
	}
	// Schemas are validated by ourselves, because Helm's own validation follows references to files and hosts.
	scope, err := commonutil.ToRenderValuesWithSchemaValidation(c, values, release, capabilities, true)
	if err != nil {
		return nil, fmt.Errorf("%s: merging values: %w", input.Root, err)
	}
	if !input.Options.SkipSchemaValidation {
		if err := validate(c, asMap(scope["Values"])); err != nil {
			return nil, fmt.Errorf("%s: %w", input.Root, err)
		}
	}
	rendered, err := renderTemplates(ctx, c, scope)
	if err != nil {
		return nil, fmt.Errorf("%s: rendering the chart: %w", input.Root, err)
	}
	return output(c, rendered, input.Options)
}

// oneLine joins Helm's messages, which span lines: place, expression, cause.
func oneLine(err error) error {
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

func (i Input) release() (common.ReleaseOptions, error) {
	release := common.ReleaseOptions{Name: i.Options.ReleaseName, Namespace: i.Options.Namespace, Revision: 1, IsInstall: true}
	if release.Name == "" {
		release.Name = i.Release
	}
	if release.Namespace == "" {
		release.Namespace = i.Namespace
	}
	if err := chartutil.ValidateReleaseName(release.Name); err != nil {
		return release, fmt.Errorf("release name %q: %w: set helm.releaseName", release.Name, err)
	}
	return release, nil
}

func (i Input) capabilities() (*common.Capabilities, error) {
	capabilities := common.DefaultCapabilities.Copy()
	version := i.Options.KubeVersion
	if version == "" {
		version = i.KubeVersion
	}
	if version != "" {
		parsed, err := common.ParseKubeVersion(version)
		if err != nil {
			return nil, fmt.Errorf("reading Kubernetes version %q: %w", version, err)
		}
		capabilities.KubeVersion = *parsed
	}
	versions := i.Options.APIVersions
	if len(versions) == 0 {
		versions = i.APIVersions
	}
	all := make(common.VersionSet, 0, len(capabilities.APIVersions)+len(versions))
	capabilities.APIVersions = append(append(all, capabilities.APIVersions...), versions...)
	return capabilities, nil
}

// checkChart refuses what helm template refuses too.
func checkChart(c *chart.Chart, capabilities *common.Capabilities) error {
	if c.Metadata.Type == "library" {
		return fmt.Errorf("chart %q is a library: it has nothing to install", c.Name())
	}
	if want := c.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, capabilities.KubeVersion.String()) {
		return fmt.Errorf("chart %q wants Kubernetes %s, and the cluster has %s", c.Name(), want, capabilities.KubeVersion.Version)
	}
	return nil
}

func asMap(values any) map[string]any {
	switch values := values.(type) {
	case common.Values:
		return values
	case map[string]any:
		return values
	default:
		return nil
	}
}
