package helm

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// sealed refuses every reference to another document: a schema is one file. The standard's own schemas are built in.
type sealed struct{}

func (sealed) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is another document, and values.schema.json must be complete by itself", url)
}

// validate checks the values of a chart and its dependencies against their schemas.
func validate(c *chart.Chart, values map[string]any) error {
	if c.Schema != nil {
		if err := validateOne(c.Schema, values); err != nil {
			return fmt.Errorf("the values don't fit values.schema.json of chart %q: %w", c.Name(), err)
		}
	}
	for _, sub := range c.Dependencies() {
		subValues, ok := values[sub.Name()].(map[string]any)
		if !ok {
			continue
		}
		if err := validate(sub, subValues); err != nil {
			return err
		}
	}
	return nil
}

func validateOne(text []byte, values map[string]any) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(sealed{})
	const name = "file:///values.schema.json"
	if err := compiler.AddResource(name, document); err != nil {
		return err
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		return err
	}
	if err := schema.Validate(values); err != nil {
		// The first line names the schema's place; the others say what is wrong where.
		_, details, found := strings.Cut(err.Error(), "\n")
		if !found {
			details = err.Error()
		}
		return fmt.Errorf("%s", strings.Join(strings.Fields(details), " "))
	}
	return nil
}
