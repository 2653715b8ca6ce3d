package helm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"github.com/BurntSushi/toml"
	"github.com/Masterminds/sprig/v3"
	goyaml "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// functions are what Helm offers to templates (https://helm.sh/docs/chart_template_guide/function_list/): Sprig's without
// those that read the machine, and Helm's own. The first of each pair below swallows errors, the must… form doesn't.
func functions() template.FuncMap {
	f := sprig.TxtFuncMap()
	delete(f, "env")
	delete(f, "expandenv")
	own := template.FuncMap{
		"toYaml":        lenient(toYAML),
		"mustToYaml":    toYAML,
		"toYamlPretty":  lenient(toPrettyYAML),
		"fromYaml":      fromMapping(unmarshalYAML),
		"fromYamlArray": fromList(unmarshalYAML),
		"toJson":        lenient(toJSON),
		"mustToJson":    toJSON,
		"fromJson":      fromMapping(json.Unmarshal),
		"fromJsonArray": fromList(json.Unmarshal),
		"toToml":        toTOMLOrError,
		"mustToToml":    toTOML,
		"fromToml":      fromMapping(toml.Unmarshal),
		"required":      required,
		"fail":          func(message string) (string, error) { return "", &deliberate{message} },
		// There is no cluster, and no name server.
		"lookup":        func(string, string, string, string) map[string]any { return map[string]any{} },
		"getHostByName": func(string) string { return "" },
		// Text grows in these too, so they are wrapped like the rest.
		"print":   fmt.Sprint,
		"printf":  printf,
		"println": fmt.Sprintln,
		// Replaced because a few characters make gigabytes before a wrapper sees them.
		"repeat":    repeat,
		"until":     until,
		"untilStep": steps,
		"seq":       seq,
	}
	for name, function := range own {
		f[name] = function
	}
	return f
}

func required(message string, value any) (any, error) {
	if text, isText := value.(string); value == nil || isText && text == "" {
		return value, &deliberate{message}
	}
	return value, nil
}

// lenient gives an empty text instead of an error.
func lenient(marshal func(any) (string, error)) func(any) string {
	return func(value any) string {
		text, err := marshal(value)
		if err != nil {
			return ""
		}
		return text
	}
}

func toYAML(value any) (string, error) {
	data, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(data), "\n"), err
}

func toPrettyYAML(value any) (string, error) {
	var data bytes.Buffer
	encoder := goyaml.NewEncoder(&data)
	encoder.SetIndent(2)
	err := encoder.Encode(value)
	return strings.TrimSuffix(data.String(), "\n"), err
}

func toJSON(value any) (string, error) {
	data, err := json.Marshal(value)
	return string(data), err
}

func toTOML(value any) (string, error) {
	var data bytes.Buffer
	err := toml.NewEncoder(&data).Encode(value)
	return data.String(), err
}

func toTOMLOrError(value any) string {
	text, err := toTOML(value)
	if err != nil {
		return err.Error()
	}
	return text
}

func unmarshalYAML(data []byte, into any) error { return yaml.Unmarshal(data, into) }

// fromMapping reads a mapping. An error becomes its only entry, under "Error", as in Helm.
func fromMapping(unmarshal func([]byte, any) error) func(string) map[string]any {
	return func(text string) map[string]any {
		value := map[string]any{}
		if err := unmarshal([]byte(text), &value); err != nil {
			value["Error"] = err.Error()
		}
		return value
	}
}

// fromList reads a list. An error becomes its only item, as in Helm.
func fromList(unmarshal func([]byte, any) error) func(string) []any {
	return func(text string) []any {
		value := []any{}
		if err := unmarshal([]byte(text), &value); err != nil {
			return []any{err.Error()}
		}
		return value
	}
}

// widths are numbers in a format by which few characters print many; * takes a number from the arguments.
var widths = regexp.MustCompile(`%[^a-zA-Z%]*([0-9]{5}|\*)`)

func printf(format string, arguments ...any) (string, error) {
	if widths.MatchString(format) {
		return "", errTooMuch
	}
	return fmt.Sprintf(format, arguments...), nil
}

func repeat(count int, text string) (string, error) {
	if count <= 0 || text == "" {
		return "", nil
	}
	if count > maxOutput/len(text) {
		return "", errTooMuch
	}
	return strings.Repeat(text, count), nil
}

func until(count int) ([]int, error) {
	if count < 0 {
		return steps(0, count, -1)
	}
	return steps(0, count, 1)
}

// steps counts from start to stop, without stop; downwards if the step is negative.
func steps(start, stop, step int) ([]int, error) {
	if step == 0 || step > 0 && stop < start || step < 0 && stop > start {
		return []int{}, nil
	}
	if count := (stop - start) / step; count < 0 || count > maxItems {
		return nil, errTooMuch
	}
	numbers := []int{}
	for n := start; step > 0 && n < stop || step < 0 && n > stop; n += step {
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// seq is the program of that name: last; first last; first step last. The last number is included.
func seq(parameters ...int) (string, error) {
	first, step, last := 1, 1, 0
	switch len(parameters) {
	case 1:
		last = parameters[0]
		if last < first {
			step = -1
		}
	case 2:
		first, last = parameters[0], parameters[1]
		if last < first {
			step = -1
		}
	case 3:
		first, step, last = parameters[0], parameters[1], parameters[2]
	default:
		return "", nil
	}
	beyond := last + 1
	if step < 0 {
		beyond = last - 1
	}
	numbers, err := steps(first, beyond, step)
	return strings.Trim(fmt.Sprint(numbers), "[]"), err
}
