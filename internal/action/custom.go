package action

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/lua"
	"fairlead.dev/fairlead/internal/protocol"
)

// maxObjects bounds what one run of an action may write.
const maxObjects = 100

// Custom are the actions that an operator wrote for a kind.
type Custom struct {
	// discovery tells which actions an object has.
	discovery *lua.Program
	// actions are the scripts by name.
	actions map[string]*lua.Program
	// mergeBuiltin keeps the built-in actions beside them.
	mergeBuiltin bool
}

// ParseCustom reads the value of resource.customizations.actions for a kind, which is YAML. The error names the part.
func ParseCustom(kind, text string) (*Custom, error) {
	var from struct {
		Discovery   string `json:"discovery.lua"`
		Definitions []struct {
			Name   string `json:"name"`
			Action string `json:"action.lua"`
		} `json:"definitions"`
		MergeBuiltinActions bool `json:"mergeBuiltinActions"`
	}
	if err := yaml.Unmarshal([]byte(text), &from); err != nil {
		return nil, fmt.Errorf("reading the actions of %s: %w", kind, err)
	}
	custom := &Custom{actions: map[string]*lua.Program{}, mergeBuiltin: from.MergeBuiltinActions}
	var err error
	if from.Discovery != "" {
		if custom.discovery, err = lua.Compile("discovery.lua of "+kind, from.Discovery); err != nil {
			return nil, err
		}
	}
	for _, definition := range from.Definitions {
		if definition.Name == "" {
			return nil, fmt.Errorf("reading the actions of %s: a definition has no name", kind)
		}
		if custom.actions[definition.Name], err = lua.Compile("action "+definition.Name+" of "+kind, definition.Action); err != nil {
			return nil, err
		}
	}
	return custom, nil
}

// discover runs the discovery: a table of actions by name, each a table that may say disabled, displayName, iconClass and
// params.
func (c *Custom) discover(object map[string]any) (map[string]*protocol.ResourceAction, error) {
	found := map[string]*protocol.ResourceAction{}
	if c.discovery == nil {
		return found, nil
	}
	result, err := c.discovery.Run(map[string]any{"obj": object}, nil)
	if err != nil {
		return nil, err
	}
	if empty(result) {
		return found, nil
	}
	actions, ok := result.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("expect table output from Lua script, not %T", result)
	}
	for name, value := range actions {
		found[name] = &protocol.ResourceAction{}
		if !empty(value) {
			text, err := json.Marshal(value)
			if err != nil {
				return nil, fmt.Errorf("reading action %s: %w", name, err)
			}
			if err := json.Unmarshal(text, found[name]); err != nil {
				return nil, fmt.Errorf("reading action %s: %w", name, err)
			}
		}
		found[name].Name = name
	}
	return found, nil
}

// empty tells whether a result is an empty table: Lua doesn't tell lists from objects.
func empty(value any) bool {
	switch value := value.(type) {
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}

// run runs an action. It returns the object as it is to be, or a list of operations.
func (c *Custom) run(object *unstructured.Unstructured, name string, params map[string]string) ([]Change, error) {
	given := make(map[string]any, len(params))
	for key, value := range params {
		given[key] = value
	}
	result, err := c.actions[name].Run(map[string]any{"obj": object.Object, "actionParams": given}, object.Object)
	if err != nil {
		return nil, err
	}
	changes, err := changesOf(result)
	if err != nil {
		return nil, fmt.Errorf("reading the result of action %s: %w", name, err)
	}
	for _, change := range changes {
		if err := checked(change, object); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

func changesOf(result any) ([]Change, error) {
	if empty(result) {
		return nil, nil
	}
	switch result := result.(type) {
	case map[string]any:
		return []Change{{Operation: Patch, Object: &unstructured.Unstructured{Object: result}}}, nil
	case []any:
		if len(result) > maxObjects {
			return nil, fmt.Errorf("%d objects are more than the %d allowed", len(result), maxObjects)
		}
		changes := make([]Change, 0, len(result))
		for i, item := range result {
			entry, _ := item.(map[string]any)
			changed, ok := entry["resource"].(map[string]any)
			if !ok {
				return nil, fmt.Errorf("entry %d has no resource", i+1)
			}
			operation, _ := entry["operation"].(string)
			if operation != string(Create) && operation != string(Patch) {
				return nil, fmt.Errorf("unsupported operation: %q", operation)
			}
			changes = append(changes, Change{Operation: Operation(operation), Object: &unstructured.Unstructured{Object: changed}})
		}
		return changes, nil
	}
	return nil, fmt.Errorf("expect table output from Lua script, not %T", result)
}
