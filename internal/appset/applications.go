package appset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"dario.cat/mergo"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Found are the sets of parameters of one generator, and the template that they go into.
type Found struct {
	Template v1alpha1.ApplicationSetTemplate
	Params   []map[string]any
}

// MergeTemplate is a generator's own template, with the set's where it says nothing.
func MergeTemplate(own, base v1alpha1.ApplicationSetTemplate) (v1alpha1.ApplicationSetTemplate, error) {
	merged := own.DeepCopy()
	err := mergo.Merge(merged, *base.DeepCopy())
	return *merged, err
}

// Applications are what the parameters make of the templates, in their order. Names may be empty or repeat: see Check. The
// first mistake is an error, and then there are no applications: those that are missing would be deleted.
func Applications(set *v1alpha1.ApplicationSet, found []Found) ([]v1alpha1.Application, error) {
	templates := NewTemplates(&set.Spec)
	var applications []v1alpha1.Application
	for i := range found {
		tree, err := treeOf(&found[i].Template)
		if err != nil {
			return nil, err
		}
		for _, params := range found[i].Params {
			application, err := render(templates, set, &found[i].Template, tree, params)
			if err != nil {
				return nil, err
			}
			applications = append(applications, *application)
		}
	}
	return applications, nil
}

func render(templates *Templates, set *v1alpha1.ApplicationSet, template *v1alpha1.ApplicationSetTemplate, tree any, params map[string]any) (*v1alpha1.Application, error) {
	rendered := template.DeepCopy()
	if len(params) > 0 {
		value, err := templates.Tree(tree, params)
		if err != nil {
			return nil, err
		}
		rendered = &v1alpha1.ApplicationSetTemplate{}
		if err := into(value, rendered); err != nil {
			return nil, fmt.Errorf("reading what the template became: %w", err)
		}
	}
	application := &v1alpha1.Application{Spec: rendered.Spec}
	application.Name, application.Namespace = rendered.Name, set.Namespace
	application.Labels, application.Annotations = rendered.Labels, rendered.Annotations
	application.Finalizers = rendered.Finalizers
	preserves := set.Spec.SyncPolicy != nil && set.Spec.SyncPolicy.PreserveResourcesOnDeletion
	if len(params) > 0 && !preserves && len(application.Finalizers) == 0 {
		application.Finalizers = []string{v1alpha1.ResourcesFinalizer}
	}
	if set.Spec.TemplatePatch == nil {
		return application, nil
	}
	patch, err := templates.Text(*set.Spec.TemplatePatch, params)
	if err != nil {
		return nil, fmt.Errorf("error replacing values in templatePatch: %w", err)
	}
	return patched(application, patch)
}

// patched lays a rendered templatePatch over an application. The project stays: a patch, which anybody may write who may
// write parameters, must not lead out of it.
func patched(application *v1alpha1.Application, patch string) (*v1alpha1.Application, error) {
	if !strings.HasPrefix(strings.TrimSpace(patch), "{") {
		converted, err := yaml.YAMLToJSON([]byte(patch))
		if err != nil {
			return nil, fmt.Errorf("error while converting template to json %q: %w", patch, err)
		}
		patch = string(converted)
	}
	if err := json.Unmarshal([]byte(patch), &v1alpha1.Application{}); err != nil {
		return nil, fmt.Errorf("invalid templatePatch %q: %w", patch, err)
	}
	original, err := json.Marshal(application)
	if err != nil {
		return nil, fmt.Errorf("writing application %q: %w", application.Name, err)
	}
	merged, err := strategicpatch.StrategicMergePatch(original, []byte(patch), v1alpha1.Application{})
	if err != nil {
		return nil, fmt.Errorf("error while applying templatePatch template to json %q: %w", patch, err)
	}
	result := &v1alpha1.Application{}
	if err := json.Unmarshal(merged, result); err != nil {
		return nil, fmt.Errorf("error while unmarhsalling patched application: %w", err)
	}
	result.Spec.Project, result.Namespace = application.Spec.Project, application.Namespace
	return result, nil
}

// Interpolate renders a generator with the parameters of another: the second child of a matrix sees those of the first. Of
// values, texts whose parameters are not there yet stay as they are, for the generator's own parameters.
func Interpolate(g *v1alpha1.ApplicationSetGenerator, params map[string]any, set *v1alpha1.ApplicationSet) (*v1alpha1.ApplicationSetGenerator, error) {
	if len(params) == 0 {
		return g, nil
	}
	tree, err := treeOf(g)
	if err != nil {
		return nil, err
	}
	i := interpolation{NewTemplates(&set.Spec), missingKeyIsError(&set.Spec), params}
	rendered, err := i.generator(tree)
	if err != nil {
		return nil, fmt.Errorf("failed to replace parameters in generator: %w", err)
	}
	result := &v1alpha1.ApplicationSetGenerator{}
	if err := into(rendered, result); err != nil {
		return nil, fmt.Errorf("failed to replace parameters in generator: %w", err)
	}
	return result, nil
}

type interpolation struct {
	templates, strict *Templates
	params            map[string]any
}

// generator renders one generator, and those inside a matrix or merge.
func (i interpolation) generator(tree any) (any, error) {
	kinds, ok := tree.(map[string]any)
	if !ok {
		return i.templates.Tree(tree, i.params)
	}
	values := map[string]map[string]any{} // of each kind
	for kind, body := range kinds {
		fields, ok := body.(map[string]any)
		if !ok {
			continue
		}
		if own, ok := fields["values"].(map[string]any); ok && kind != "list" {
			rendered, err := i.values(own)
			if err != nil {
				return nil, err
			}
			values[kind] = map[string]any{"values": rendered}
			delete(fields, "values")
		}
		if children, ok := fields["generators"].([]any); ok && (kind == "matrix" || kind == "merge") {
			for n := range children {
				rendered, err := i.generator(children[n])
				if err != nil {
					return nil, err
				}
				children[n] = rendered
			}
			values[kind] = map[string]any{"generators": children}
			delete(fields, "generators")
		}
	}
	rendered, err := i.templates.Tree(kinds, i.params)
	if err != nil {
		return nil, err
	}
	for kind, fields := range values {
		for name, value := range fields {
			rendered.(map[string]any)[kind].(map[string]any)[name] = value
		}
	}
	return rendered, nil
}

func (i interpolation) values(values map[string]any) (map[string]any, error) {
	rendered := map[string]any{}
	for name, value := range values {
		text, _ := value.(string)
		result, err := i.strict.Text(text, i.params)
		switch {
		case err == nil:
			rendered[name] = result
		case strings.Contains(err.Error(), "map has no entry for key"), strings.Contains(err.Error(), "can't evaluate field"):
			rendered[name] = text
		default:
			return nil, fmt.Errorf("failed to pre-resolve Values key %q: %w", name, err)
		}
	}
	return rendered, nil
}

// treeOf is a value as JSON has it, with numbers as they are written.
func treeOf(value any) (tree any, err error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("writing a template: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("reading a template: %w", err)
	}
	return tree, nil
}

func into(tree, value any) error {
	data, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, value)
}
