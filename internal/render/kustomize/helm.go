package kustomize

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/helm"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// maxCharts bounds the charts of all kustomizations of a build.
const maxCharts = 100

// inflate renders the Helm charts of a kustomization in process, and puts what they give in their place, as files that only
// this build sees. Kustomize itself would run the program helm. A chart without a namespace is released into the kustomization's, or
// into that of the one which took it as a base, as since Kustomize 5.8; such a base may be read again with another.
func (r *repository) inflate(name string, content []byte) ([]byte, error) {
	k, ok := parse(content)
	charts, globals := chartsOf(&k)
	if !ok || len(charts) == 0 {
		return content, nil
	}
	k.HelmCharts, k.HelmGlobals, k.HelmChartInflationGenerator = nil, nil, nil
	for i := range charts {
		if r.charts++; r.charts > maxCharts {
			return nil, fmt.Errorf("%s: there are more than %d Helm charts in kustomizations", name, maxCharts)
		}
		charts[i].Namespace = first(charts[i].Namespace, k.Namespace, r.namespaces[path.Dir(name)])
		text, err := r.chart(path.Dir(name), &charts[i], globals)
		if err != nil {
			return nil, fmt.Errorf("%s: chart %q: %w", r.shown(name), charts[i].Name, err)
		}
		if len(text) == 0 {
			continue
		}
		file := fmt.Sprintf("helm-chart-%d-%s.yaml", r.charts, path.Base(charts[i].Name))
		r.overlay[path.Join(path.Dir(name), file)] = text
		k.Resources = append(k.Resources, file)
	}
	return yaml.Marshal(k)
}

// passOn notes which namespace the charts of a kustomization's bases are released into, unless they say so themselves.
func (r *repository) passOn(name string, content []byte) {
	k, ok := parse(content)
	folder := path.Dir(name)
	if !ok {
		return
	}
	for _, base := range slices.Concat(k.Resources, k.Components) {
		r.namespaces[path.Join(folder, base)] = first(k.Namespace, r.namespaces[folder])
	}
}

// chart renders a chart.
func (r *repository) chart(folder string, chart *types.HelmChart, globals *types.HelmGlobals) ([]byte, error) {
	root, err := r.chartFolder(folder, chart, globals)
	if _, fetched := r.fetched.Charts[dependencyOf(chart)]; fetched && errors.Is(err, errNoChart) {
		root, err = mountName(dependencyOf(chart)), nil
	}
	if err != nil {
		return nil, err
	}
	values, err := r.chartValues(folder, root, chart)
	if err != nil {
		return nil, err
	}
	release := chart.ReleaseName
	if release == "" {
		// Helm would make up a name, a new one each time.
		release = path.Base(chart.Name)
	}
	input := helm.Input{
		Files: r.files, Root: root, Release: release, Namespace: first(chart.Namespace, "default"), Expand: func(text string) string { return text },
		KubeVersion: first(chart.KubeVersion, r.options.kubeVersion, r.kubeVersion),
		APIVersions: slices.Concat(chart.ApiVersions, r.options.apiVersions, r.apiVersions),
		Options:     &v1alpha1.ApplicationSourceHelm{SkipCrds: !chart.IncludeCRDs, SkipTests: chart.SkipTests, ValuesObject: values},
	}
	objects, err := helm.Render(r.ctx, input)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	for _, u := range objects {
		if _, isHook := u.GetAnnotations()["helm.sh/hook"]; isHook && chart.SkipHooks {
			continue
		}
		// Kustomize's own transformer of namespaces then leaves it alone, and takes the mark away.
		annotations := maps.Clone(u.GetAnnotations())
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[konfig.HelmGeneratedAnnotation] = "true"
		u.SetAnnotations(annotations)
		if err := appendObject(&text, u); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

func appendObject(text *bytes.Buffer, u *unstructured.Unstructured) error {
	document, err := yaml.Marshal(u.Object)
	if err != nil {
		return fmt.Errorf("writing %s %q: %w", u.GetKind(), u.GetName(), err)
	}
	text.WriteString("---\n")
	text.Write(document)
	return nil
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// chartFolder finds a chart where Kustomize keeps them: in charts/ beside the kustomization, or in the folder that it names.
func (r *repository) chartFolder(folder string, chart *types.HelmChart, globals *types.HelmGlobals) (string, error) {
	home := path.Join(folder, first(globals.ChartHome, "charts"))
	candidates := []string{path.Join(home, chart.Name)}
	if chart.Repo != "" && chart.Version != "" {
		candidates = append(candidates, path.Join(home, chart.Name+"-"+chart.Version, chart.Name))
	}
	for _, candidate := range candidates {
		if !fs.ValidPath(candidate) || mountOf(candidate) != mountOf(folder) {
			return "", errors.New("its folder leads out of the repository")
		}
		if _, err := fs.Stat(r.files, path.Join(candidate, "Chart.yaml")); err == nil {
			return candidate, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%w in %s: name its repository, or put it there (helm pull --untar)", errNoChart, r.shown(candidates[0]))
}

var errNoChart = errors.New("there is no chart")

// chartValues merges the values: those inline over those of the file by default, below them with merge, alone with replace; the
// additional files over all.
func (r *repository) chartValues(folder, root string, chart *types.HelmChart) (*runtime.RawExtension, error) {
	values := map[string]any{}
	if chart.ValuesMerge != "replace" {
		file := path.Join(folder, chart.ValuesFile)
		if chart.ValuesFile == "" {
			file = path.Join(root, "values.yaml")
		} else if mountOf(file) != mountOf(folder) {
			return nil, errValuesOutside
		}
		var err error
		if values, err = r.valuesFile(file); err != nil && (chart.ValuesFile != "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	switch chart.ValuesMerge {
	case "", "override", "replace":
		values = merged(values, chart.ValuesInline)
	case "merge":
		values = merged(chart.ValuesInline, values)
	default:
		return nil, fmt.Errorf("valuesMerge is %q: use merge, override or replace", chart.ValuesMerge)
	}
	for _, name := range chart.AdditionalValuesFiles {
		if mountOf(path.Join(folder, name)) != mountOf(folder) {
			return nil, errValuesOutside
		}
		more, err := r.valuesFile(path.Join(folder, name))
		if err != nil {
			return nil, err
		}
		values = merged(values, more)
	}
	raw, err := json.Marshal(values)
	return &runtime.RawExtension{Raw: raw}, err
}

var errValuesOutside = errors.New("a value file leads out of the repository")

func (r *repository) valuesFile(name string) (map[string]any, error) {
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("the value file %s leads out of the repository", name)
	}
	content, err := fs.ReadFile(r.files, name)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if err := yaml.Unmarshal(content, &values); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return values, nil
}

// merged lays one mapping over another.
func merged(below, above map[string]any) map[string]any {
	result := maps.Clone(below)
	if result == nil {
		result = map[string]any{}
	}
	for name, value := range above {
		inner, isMap := value.(map[string]any)
		under, wasMap := result[name].(map[string]any)
		if isMap && wasMap {
			result[name] = merged(under, inner)
		} else {
			result[name] = value
		}
	}
	return result
}
