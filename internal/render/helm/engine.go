package helm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"text/template"

	"helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/common"
)

// engine executes the templates of a chart. It does what Helm's engine does, and is not that one, because templates come
// from strangers here: Helm's can't be stopped, and a value that calls tpl on itself overflows its stack, which ends the
// process. This one ends with its context, and bounds depth and output. See bounds.go for how.
type engine struct {
	bounds
	// root holds all templates of the chart and its dependencies by their names.
	root *template.Template
}

// source is one template file.
type source struct {
	text string
	// scope is what the dot is: values, chart, release, files.
	scope map[string]any
	// folder is the templates folder of its chart.
	folder string
}

// renderTemplates executes every template that isn't a partial, and returns what they print by their names, such as
// echo/templates/deployment.yaml.
func renderTemplates(ctx context.Context, c chart.Charter, scope common.Values) (map[string]string, error) {
	sources := map[string]source{}
	if _, err := collectTemplates(c, scope, sources); err != nil {
		return nil, err
	}
	e := &engine{bounds: bounds{ctx: ctx}}
	e.root = template.New("chart").Option("missingkey=zero")
	funcs := functions()
	funcs["include"] = e.include(e.root)
	funcs["tpl"] = e.tpl(e.root)
	e.root.Funcs(e.guarded(funcs))
	for _, name := range parseOrder(sources) {
		if _, err := e.root.New(name).Parse(sources[name].text); err != nil {
			return nil, readableError(err)
		}
	}
	e.instrument(e.root)
	rendered := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		scope := sources[name].scope
		scope["Template"] = map[string]any{"Name": name, "BasePath": sources[name].folder}
		text, err := e.execute(e.root.Lookup(name), scope)
		if err != nil {
			return nil, err
		}
		rendered[name] = text
	}
	return rendered, nil
}

// collectTemplates gathers the templates of a chart and of the charts below it, each with the values of its own scope, and
// returns the chart's scope for its parent's .Subcharts.
func collectTemplates(c chart.Charter, values common.Values, sources map[string]source) (map[string]any, error) {
	accessor, err := chart.NewAccessor(c)
	if err != nil {
		return nil, err
	}
	metadata := accessor.MetadataAsMap()
	metadata["IsRoot"] = accessor.IsRoot()
	subcharts := map[string]any{}
	scope := map[string]any{
		"Chart":        metadata,
		"Files":        newFiles(accessor.Files()),
		"Release":      values["Release"],
		"Capabilities": values["Capabilities"],
		"Values":       common.Values{},
		"Subcharts":    subcharts,
	}
	if accessor.IsRoot() {
		scope["Values"] = values["Values"]
	} else if own, err := values.Table("Values." + accessor.Name()); err == nil {
		scope["Values"] = own
	}
	for _, child := range accessor.Dependencies() {
		childAccessor, err := chart.NewAccessor(child)
		if err != nil {
			return nil, err
		}
		if subcharts[childAccessor.Name()], err = collectTemplates(child, scope, sources); err != nil {
			return nil, err
		}
	}
	for _, file := range accessor.Templates() {
		// A library gives only its partials.
		if file == nil || accessor.IsLibraryChart() && !strings.HasPrefix(path.Base(file.Name), "_") {
			continue
		}
		folder := path.Join(accessor.ChartFullPath(), "templates")
		sources[path.Join(accessor.ChartFullPath(), file.Name)] = source{text: string(file.Data), scope: scope, folder: folder}
	}
	return scope, nil
}

// parseOrder has templates of dependencies first, so that a chart's own definitions win over those of the same name.
func parseOrder(sources map[string]source) []string {
	return slices.SortedFunc(maps.Keys(sources), func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(b, "/"), strings.Count(a, "/")), cmp.Compare(b, a))
	})
}

func (e *engine) execute(t *template.Template, data any) (string, error) {
	out := &boundedWriter{bounds: &e.bounds}
	if err := t.Execute(out, data); err != nil {
		if e.ctx.Err() != nil {
			return "", context.Cause(e.ctx)
		}
		return "", readableError(err)
	}
	// text/template prints this for a missing key of a map of any, whatever the missingkey option says.
	return strings.ReplaceAll(out.text.String(), "<no value>", ""), nil
}

// include executes a named template as a function, so that its output can be piped on.
func (e *engine) include(t *template.Template) func(string, any) (string, error) {
	return func(name string, data any) (string, error) {
		out := &boundedWriter{bounds: &e.bounds}
		err := t.ExecuteTemplate(out, name, data)
		return out.text.String(), err
	}
}

// tpl executes a text as a template. The text sees the definitions of the chart; its own end with it.
func (e *engine) tpl(parent *template.Template) func(string, any) (string, error) {
	return func(text string, data any) (string, error) {
		if err := e.enter(); err != nil {
			return "", err
		}
		defer e.leave()
		t, err := parent.Clone()
		if err != nil {
			return "", fmt.Errorf("cloning the templates: %w", err)
		}
		t.Option("missingkey=zero").Funcs(e.guarded(template.FuncMap{"include": e.include(t), "tpl": e.tpl(t)}))
		t, err = t.New(parent.Name()).Parse(text)
		if err != nil {
			return "", err
		}
		e.instrument(t)
		out := &boundedWriter{bounds: &e.bounds}
		err = t.Execute(out, data)
		return strings.ReplaceAll(out.text.String(), "<no value>", ""), err
	}
}

// deliberate is an error that the chart's author wrote: fail or required.
type deliberate struct{ message string }

func (d *deliberate) Error() string { return d.message }

// readableError makes one line of text/template's errors: where, in which expression, why. Of a chain of includes, the
// first and the last link are kept.
func readableError(err error) error {
	var own *deliberate
	links := strings.Split(strings.Join(strings.Fields(err.Error()), " "), "template: ")
	if len(links) > 1 {
		links = links[1:]
	}
	if errors.As(err, &own) {
		place, _, _ := strings.Cut(links[len(links)-1], ": ")
		return fmt.Errorf("%s: %s", place, strings.Join(strings.Fields(own.message), " "))
	}
	if len(links) > 2 {
		links = []string{links[0], "… ", links[len(links)-1]}
	}
	return errors.New(strings.Join(links, ""))
}
