package customization

import (
	"fmt"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/protocol"
)

// Overrides are what the data of argocd-cm says of kinds, as clients want to read it: by GROUP/KIND, or KIND alone for the
// core group, with */* for all. What can't be read is left out, as Parse does.
func Overrides(data map[string]string) map[string]*protocol.ResourceOverride {
	overrides := map[string]*protocol.ResourceOverride{}
	if yaml.Unmarshal([]byte(data["resource.customizations"]), &overrides) != nil || overrides == nil {
		overrides = map[string]*protocol.ResourceOverride{}
	}
	of := func(kind string) *protocol.ResourceOverride {
		if overrides[kind] == nil {
			overrides[kind] = &protocol.ResourceOverride{}
		}
		return overrides[kind]
	}
	for key, value := range data {
		parts := strings.SplitN(key, ".", 4) // resource.customizations.WHAT.GROUP_KIND
		if len(parts) < 4 || parts[0] != "resource" || parts[1] != "customizations" {
			continue
		}
		kind := strings.Replace(parts[3], "_", "/", 1)
		if kind == "all" {
			kind = "*/*"
		}
		if err := setOverride(of(kind), parts[2], value); err != nil {
			delete(overrides, kind)
		}
	}
	parsed, _ := Parse(map[string]string{"resource.compareoptions": data["resource.compareoptions"]})
	switch parsed.Compare.Status {
	case diff.IgnoreNoStatus:
	case diff.IgnoreStatusOfCRDs:
		ignoreStatus(of("apiextensions.k8s.io/CustomResourceDefinition"))
	default:
		ignoreStatus(of("*/*"))
	}
	return overrides
}

func ignoreStatus(o *protocol.ResourceOverride) {
	o.IgnoreDifferences.JSONPointers = append(o.IgnoreDifferences.JSONPointers, "/status")
}

func setOverride(o *protocol.ResourceOverride, what, value string) (err error) {
	switch what {
	case "health":
		o.HealthLua = value
	case "useOpenLibs":
		o.UseOpenLibs, err = strconv.ParseBool(value)
	case "actions":
		o.Actions = value
	case "ignoreDifferences":
		err = yaml.Unmarshal([]byte(value), &o.IgnoreDifferences)
	case "ignoreResourceUpdates":
		err = yaml.Unmarshal([]byte(value), &o.IgnoreResourceUpdates)
	case "knownTypeFields":
		err = yaml.Unmarshal([]byte(value), &o.KnownTypeFields)
	default:
		err = fmt.Errorf("resource customization type %s not supported", what)
	}
	return err
}
