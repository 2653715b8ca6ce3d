package appset

import (
	"fmt"
	"maps"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// AddValues renders the values field of a generator with the parameters and adds it to them: as the map "values" with Go
// templates, and as "values.NAME" each without. A value sees none of the others.
func AddValues(params map[string]any, values map[string]string, set *v1alpha1.ApplicationSet) error {
	templates := NewTemplates(&set.Spec)
	rendered := make(map[string]string, len(values))
	for name, value := range values {
		text, err := templates.Text(value, params)
		if err != nil {
			return fmt.Errorf("failed to replace templated string: failed to replace templated string with rendered values: %w", err)
		}
		rendered[name] = text
	}
	switch {
	case len(rendered) == 0:
	case set.Spec.GoTemplate:
		params["values"] = rendered
	default:
		for name, value := range rendered {
			params["values."+name] = value
		}
	}
	return nil
}

// CopyParams is a copy that shares nothing that can be changed.
func CopyParams(params map[string]any) map[string]any {
	if params == nil {
		return nil
	}
	out := make(map[string]any, len(params))
	for name, value := range params {
		out[name] = copyValue(value)
	}
	return out
}

func copyValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return CopyParams(v)
	case map[string]string:
		return maps.Clone(v)
	case []string:
		return append([]string(nil), v...)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = copyValue(v[i])
		}
		return out
	case []map[string]any:
		out := make([]map[string]any, len(v))
		for i := range v {
			out[i] = CopyParams(v[i])
		}
		return out
	}
	return value
}

// Flatten joins the names of nested parameters by dots, with the positions of lists as names, and makes texts of values.
func Flatten(params map[string]any) map[string]string {
	out := map[string]string{}
	flattenInto(out, "", params)
	return out
}

func flattenInto(out map[string]string, name string, value any) {
	join := func(part string) string {
		if name == "" {
			return part
		}
		return name + "." + part
	}
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			flattenInto(out, join(key), inner)
		}
	case map[string]string:
		for key, inner := range v {
			out[join(key)] = inner
		}
	case []any:
		for i, inner := range v {
			flattenInto(out, join(fmt.Sprint(i)), inner)
		}
	default:
		out[name] = fmt.Sprintf("%v", v)
	}
}
