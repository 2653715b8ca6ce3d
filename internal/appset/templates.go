package appset

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"sync"
	"text/template"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Templates render texts in the way that one ApplicationSet asks for. They remember what they parsed, so that a thousand
// applications cost one parsing. Not for concurrent use.
type Templates struct {
	goTemplate bool
	options    []string
	parsed     map[string]*template.Template
}

// NewTemplates are the templates of a set.
func NewTemplates(spec *v1alpha1.ApplicationSetSpec) *Templates {
	return &Templates{goTemplate: spec.GoTemplate, options: spec.GoTemplateOptions}
}

// missingKeyIsError are templates that take a missing parameter for an error, whatever the set says.
func missingKeyIsError(spec *v1alpha1.ApplicationSetSpec) *Templates {
	t := NewTemplates(spec)
	t.options = nil
	for _, option := range spec.GoTemplateOptions {
		if !strings.HasPrefix(option, "missingkey=") {
			t.options = append(t.options, option)
		}
	}
	t.options = append(t.options, "missingkey=error")
	return t
}

// withFunctions is what all templates start from.
var withFunctions = sync.OnceValue(func() *template.Template { return template.New("base").Funcs(functions()) })

// parse prepares a text. An option that Go doesn't know is an error.
func (t *Templates) parse(text string) (parsed *template.Template, err error) {
	if parsed = t.parsed[text]; parsed != nil {
		return parsed, nil
	}
	defer func() { // text/template panics on options that it doesn't know
		if problem := recover(); problem != nil {
			err = fmt.Errorf("reading goTemplateOptions %q: %v", t.options, problem)
		}
	}()
	clone, err := withFunctions().Clone()
	if err != nil {
		return nil, fmt.Errorf("failed to clone base template: %w", err)
	}
	if parsed, err = withTpl(clone.Option(t.options...)).Parse(text); err != nil {
		return nil, fmt.Errorf("failed to parse template %s: %w", text, err)
	}
	if t.parsed == nil {
		t.parsed = map[string]*template.Template{}
	}
	t.parsed[text] = parsed
	return parsed, nil
}

// Text renders one text.
func (t *Templates) Text(text string, params map[string]any) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	if !t.goTemplate {
		return placeholders(text, params)
	}
	parsed, err := t.parse(text)
	if err != nil {
		return "", err
	}
	out := &bounded{}
	if err := parsed.Execute(out, params); err != nil {
		return "", fmt.Errorf("failed to execute go template %s: %w", text, err)
	}
	return out.String(), nil
}

// templated finds texts with a placeholder on one line; others are left alone even when a brace is not closed.
var templated = regexp.MustCompile(".*{{.*}}.*")

// placeholders puts parameters in the place of {{name}}. What is no parameter, or no text, stays as it is.
func placeholders(text string, params map[string]any) (string, error) {
	if !templated.MatchString(text) {
		return text, nil
	}
	out := &bounded{}
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "{{")
		if _, err := out.Write([]byte(before)); err != nil {
			return "", fmt.Errorf("invalid template: %w", err)
		}
		if !found {
			return out.String(), nil
		}
		tag, remaining, closed := strings.Cut(after, "}}")
		if !closed {
			return "", fmt.Errorf("invalid template: Cannot find end tag=%q in the template=%q starting from %q", "}}", text, after)
		}
		value, ok := params[strings.TrimSpace(tag)].(string)
		if !ok {
			value = "{{" + tag + "}}"
		}
		if _, err := out.Write([]byte(value)); err != nil {
			return "", fmt.Errorf("invalid template: %w", err)
		}
		rest = remaining
	}
}

// Tree renders each text in a JSON value, and the keys of its maps. A key without a value goes, as upstream has it.
func (t *Templates) Tree(value any, params map[string]any) (any, error) {
	switch v := value.(type) {
	case string:
		return t.Text(v, params)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = t.Tree(v[i], params); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		return t.mapping(v, params)
	}
	return value, nil
}

func (t *Templates) mapping(values map[string]any, params map[string]any) (any, error) {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys) // so that the same mistake is the same message each time
	out := make(map[string]any, len(values))
	for _, key := range keys {
		if values[key] == nil {
			continue
		}
		rendered, err := t.Tree(values[key], params)
		if err != nil {
			return nil, err
		}
		name, err := t.Text(key, params)
		if err != nil {
			return nil, err
		}
		out[name] = rendered
	}
	return out, nil
}
