package generator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// list has the parameters in itself.
type list struct{}

// NewList makes the generator of lists.
func NewList() Generator { return list{} }

func (list) Params(_ context.Context, g *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet) ([]Params, error) {
	all := make([]Params, 0, len(g.List.Elements))
	for _, raw := range g.List.Elements {
		var element map[string]any
		if err := json.Unmarshal(raw.Raw, &element); err != nil {
			return nil, fmt.Errorf("error unmarshling list element %w", err)
		}
		if !set.Spec.GoTemplate {
			var err error
			if element, err = texts(element); err != nil {
				return nil, err
			}
		}
		all = append(all, element)
	}
	if g.List.ElementsYaml == "" {
		return all, nil
	}
	var more []Params
	if err := yaml.Unmarshal([]byte(g.List.ElementsYaml), &more); err != nil {
		return nil, fmt.Errorf("error unmarshling decoded ElementsYaml %w", err)
	}
	return append(all, more...), nil
}

// texts are an element's parameters for templates that know only texts.
func texts(element map[string]any) (Params, error) {
	params := Params{}
	for key, value := range element {
		if key != "values" {
			text, ok := value.(string)
			if !ok {
				return nil, fmt.Errorf("error parsing value as string: %q is no string; use goTemplate for others", key)
			}
			params[key] = text
			continue
		}
		values, ok := value.(map[string]any)
		if !ok {
			return nil, errors.New("error parsing values map")
		}
		for name, value := range values {
			text, ok := value.(string)
			if !ok {
				return nil, fmt.Errorf("error parsing value as string: values.%s is no string; use goTemplate for others", name)
			}
			params["values."+name] = text
		}
	}
	return params, nil
}

func (list) RequeueAfter(*v1alpha1.ApplicationSetGenerator) time.Duration { return 0 }
