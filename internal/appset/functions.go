package appset

import (
	"fmt"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/slug"
)

// maxText bounds, in bytes, what one template may become. An Application that is larger doesn't fit into the API server.
const maxText = 2 << 20

// maxRepeat bounds the lists that templates count up, so that a typo doesn't take the hub's memory.
const maxRepeat = 1 << 20

// maxTplDepth is how deep "tpl" may call itself; upstream has the same bound.
const maxTplDepth = 3

// functions are sprig's without those that tell about the process's surroundings, and Argo CD's own.
func functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, name)
	}
	all["normalize"] = slug.DNSName
	all["slugify"] = slugify
	all["toYaml"] = toYAML
	all["fromYaml"] = fromYAML
	all["fromYamlArray"] = fromYAMLArray
	all["repeat"] = repeat
	until, untilStep := all["until"].(func(int) []int), all["untilStep"].(func(int, int, int) []int)
	all["until"] = func(count int) ([]int, error) {
		if count > maxRepeat || count < -maxRepeat {
			return nil, fmt.Errorf("counting to %d: %d is the limit", count, maxRepeat)
		}
		return until(count), nil
	}
	all["untilStep"] = func(start, stop, step int) ([]int, error) {
		if step != 0 && (stop-start)/step > maxRepeat {
			return nil, fmt.Errorf("counting from %d to %d: %d steps are the limit", start, stop, maxRepeat)
		}
		return untilStep(start, stop, step), nil
	}
	return all
}

func repeat(count int, text string) (string, error) {
	if count < 0 || count > maxRepeat || count*len(text) > maxText {
		return "", fmt.Errorf("repeating a text %d times: the result may have %d bytes", count, maxText)
	}
	return strings.Repeat(text, count), nil
}

// slugify makes a text fit for a URL or label: slugify [MAX [CUT-AT-WORDS]] TEXT; 50 and true are the defaults.
func slugify(args ...any) (string, error) {
	limit, words, text := 50, true, ""
	for i, arg := range args {
		ok := true
		switch {
		case i == len(args)-1:
			text, ok = arg.(string)
		case i == 0:
			limit, ok = arg.(int)
		case i == 1:
			words, ok = arg.(bool)
		default:
			ok = false
		}
		if !ok {
			return "", fmt.Errorf("argument %d of slugify is %v: it takes a length, whether to cut at words, and a text", i+1, arg)
		}
	}
	return slug.Make(slug.DNSName(text), limit, words), nil
}

func toYAML(value any) (string, error) {
	data, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(data), "\n"), err
}

func fromYAML(text string) (map[string]any, error) {
	value := map[string]any{}
	err := yaml.Unmarshal([]byte(text), &value)
	return value, err
}

func fromYAMLArray(text string) ([]any, error) {
	value := []any{}
	err := yaml.Unmarshal([]byte(text), &value)
	return value, err
}

// withTpl gives a template the function "tpl", which renders a text as a template of its own.
func withTpl(parent *template.Template) *template.Template {
	depth := 0
	return parent.Funcs(template.FuncMap{"tpl": func(text string, values any) (string, error) {
		depth++
		defer func() { depth-- }()
		if depth > maxTplDepth {
			return "", fmt.Errorf("maximum recursion depth %d exceeded in tpl function", maxTplDepth)
		}
		clone, err := parent.Clone()
		if err != nil {
			return "", fmt.Errorf("cannot clone template: %w", err)
		}
		if clone, err = clone.New(parent.Name()).Parse(text); err != nil {
			return "", fmt.Errorf("cannot parse template %q: %w", text, err)
		}
		out := &bounded{}
		if err := clone.Execute(out, values); err != nil {
			return "", fmt.Errorf("error during tpl function execution for %q: %w", text, err)
		}
		return strings.ReplaceAll(out.String(), "<no value>", ""), nil
	}})
}

// bounded is a builder that takes maxText bytes.
type bounded struct{ strings.Builder }

// Write refuses what would go beyond the bound.
func (b *bounded) Write(data []byte) (int, error) {
	if b.Len()+len(data) > maxText {
		return 0, fmt.Errorf("the text would have more than %d bytes", maxText)
	}
	return b.Builder.Write(data)
}
