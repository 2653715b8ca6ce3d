package protocol

import (
	"encoding/json"

	"sigs.k8s.io/yaml"
)

// ResourceOverride is what argocd-cm says of the objects of a kind.
type ResourceOverride struct {
	HealthLua             string             `json:"-" protobuf:"bytes,1,opt,name=healthLua"`
	IgnoreDifferences     OverrideIgnoreDiff `json:"-" protobuf:"bytes,2,opt,name=ignoreDifferences"`
	Actions               string             `json:"-" protobuf:"bytes,3,opt,name=actions"`
	KnownTypeFields       []KnownTypeField   `json:"-" protobuf:"bytes,4,rep,name=knownTypeFields"`
	UseOpenLibs           bool               `json:"-" protobuf:"varint,5,opt,name=useOpenLibs"`
	IgnoreResourceUpdates OverrideIgnoreDiff `json:"-" protobuf:"bytes,6,opt,name=ignoreResourceUpdates"`
}

// OverrideIgnoreDiff are parts of objects that don't count.
type OverrideIgnoreDiff struct {
	JSONPointers          []string `json:"jsonPointers" protobuf:"bytes,1,rep,name=jSONPointers"`
	JQPathExpressions     []string `json:"jqPathExpressions" protobuf:"bytes,2,rep,name=jqPathExpressions"`
	ManagedFieldsManagers []string `json:"managedFieldsManagers" protobuf:"bytes,3,rep,name=managedFieldsManagers"`
}

// KnownTypeField says that a field of a custom resource is of a built-in type.
type KnownTypeField struct {
	Field string `json:"field,omitempty" protobuf:"bytes,1,opt,name=field"`
	Type  string `json:"type,omitempty" protobuf:"bytes,2,opt,name=type"`
}

// overrideJSON is the form of resource.customizations, in which what is ignored is YAML inside of a text.
type overrideJSON struct {
	HealthLua             string           `json:"health.lua,omitempty"`
	UseOpenLibs           bool             `json:"health.lua.useOpenLibs,omitempty"`
	Actions               string           `json:"actions,omitempty"`
	IgnoreDifferences     string           `json:"ignoreDifferences,omitempty"`
	IgnoreResourceUpdates string           `json:"ignoreResourceUpdates,omitempty"`
	KnownTypeFields       []KnownTypeField `json:"knownTypeFields,omitempty"`
}

// MarshalJSON writes the form of resource.customizations.
func (o ResourceOverride) MarshalJSON() ([]byte, error) {
	differences, err := yaml.Marshal(o.IgnoreDifferences)
	if err != nil {
		return nil, err
	}
	updates, err := yaml.Marshal(o.IgnoreResourceUpdates)
	if err != nil {
		return nil, err
	}
	return json.Marshal(overrideJSON{o.HealthLua, o.UseOpenLibs, o.Actions, string(differences), string(updates), o.KnownTypeFields})
}

// UnmarshalJSON reads that form.
func (o *ResourceOverride) UnmarshalJSON(data []byte) error {
	var raw overrideJSON
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*o = ResourceOverride{HealthLua: raw.HealthLua, UseOpenLibs: raw.UseOpenLibs, Actions: raw.Actions, KnownTypeFields: raw.KnownTypeFields}
	if err := yaml.Unmarshal([]byte(raw.IgnoreDifferences), &o.IgnoreDifferences); err != nil {
		return err
	}
	return yaml.Unmarshal([]byte(raw.IgnoreResourceUpdates), &o.IgnoreResourceUpdates)
}
