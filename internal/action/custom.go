package action

import (
	"fmt"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/lua"
)

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
