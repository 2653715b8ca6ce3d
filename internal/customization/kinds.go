package customization

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/action"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/lua"
	"fairlead.dev/fairlead/internal/protocol"
)

// prefix is of the keys that say one thing about one kind: prefix + thing + "." + group_Kind.
const prefix = "resource.customizations"

// customization is what is said of a kind, in the legacy form a value of the map under resource.customizations.
type customization struct {
	Health                string                    `json:"health.lua"`
	UseOpenLibs           bool                      `json:"health.lua.useOpenLibs"` // accepted: scripts have the libraries that are safe anyway
	Actions               string                    `json:"actions"`
	IgnoreDifferences     string                    `json:"ignoreDifferences"`
	IgnoreResourceUpdates string                    `json:"ignoreResourceUpdates"`
	KnownTypeFields       []protocol.KnownTypeField `json:"knownTypeFields"`
}

// rules are the value of ignoreDifferences and ignoreResourceUpdates.
type rules struct {
	JSONPointers          []string `json:"jsonPointers"`
	JQPathExpressions     []string `json:"jqPathExpressions"`
	ManagedFieldsManagers []string `json:"managedFieldsManagers"`
}

// kinds reads resource.customizations and its split keys; these win over the map.
func (p *parser) kinds() {
	all := p.legacy()
	of := func(kind string) *customization {
		if all[kind] == nil {
			all[kind] = &customization{}
		}
		return all[kind]
	}
	for _, key := range slices.Sorted(maps.Keys(p.data)) {
		rest, ok := strings.CutPrefix(key, prefix+".")
		if !ok {
			continue
		}
		thing, name, _ := strings.Cut(rest, ".")
		kind := kindOf(name)
		switch thing {
		case "health":
			of(kind).Health = p.data[key]
		case "actions":
			of(kind).Actions = p.data[key]
		case "ignoreDifferences":
			of(kind).IgnoreDifferences = p.data[key]
		case "ignoreResourceUpdates":
			of(kind).IgnoreResourceUpdates = p.data[key]
		case "useOpenLibs":
			if _, err := strconv.ParseBool(p.text(key)); err != nil {
				p.warn("key %s is neither true nor false: %q", key, p.text(key))
			}
		case "knownTypeFields":
			var fields []protocol.KnownTypeField
			if err := yaml.Unmarshal([]byte(p.data[key]), &fields); err != nil {
				p.warn("key %s: %w", key, err)
			}
			of(kind).KnownTypeFields = fields
		default:
			p.warn("key %s says %q, which is none of health, actions, ignoreDifferences, ignoreResourceUpdates, knownTypeFields, useOpenLibs", key, thing)
		}
	}
	p.scripts(all)
	p.differences(all)
}

// legacy reads the map. An entry that can't be read doesn't spoil the others.
func (p *parser) legacy() map[string]*customization {
	all := map[string]*customization{}
	var entries map[string]any
	if err := yaml.Unmarshal([]byte(p.data[prefix]), &entries); err != nil {
		p.warn("key %s: %w", prefix, err)
		return all
	}
	for _, kind := range slices.Sorted(maps.Keys(entries)) {
		text, err := yaml.Marshal(entries[kind])
		c := &customization{}
		if err == nil {
			err = yaml.Unmarshal(text, c)
		}
		if err != nil {
			p.warn("key %s: %s: %w", prefix, kind, err)
			continue
		}
		all[kind] = c
	}
	return all
}

// kindOf is the kind that a split key names: group_Kind, Kind for the core group, or all. Keys can't have slashes.
func kindOf(name string) string {
	if name == "all" {
		return "*/*"
	}
	group, kind, found := strings.Cut(name, "_")
	if !found {
		return name
	}
	return group + "/" + kind
}

// groupKind takes apart what kindOf gives.
func groupKind(kind string) schema.GroupKind {
	group, name, found := strings.Cut(kind, "/")
	if !found {
		return schema.GroupKind{Kind: kind}
	}
	return schema.GroupKind{Group: group, Kind: name}
}

// scripts compiles health checks and actions.
func (p *parser) scripts(all map[string]*customization) {
	checks, actions := map[string]*lua.Program{}, map[string]*action.Custom{}
	scripts := sha256.New()
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		c := all[kind]
		if c.Health != "" {
			program, err := lua.Compile("health.lua of "+kind, c.Health)
			if err != nil {
				p.warn("health of %s: %w", kind, err)
			} else {
				checks[kind] = program
				fmt.Fprintf(scripts, "%s %d %s\n", kind, len(c.Health), c.Health)
			}
		}
		if c.Actions != "" {
			custom, err := action.ParseCustom(kind, c.Actions)
			if err != nil {
				p.warn("actions: %w", err)
			} else {
				actions[kind] = custom
			}
		}
	}
	p.settings.Health = health.NewChecker(checks)
	if len(checks) > 0 {
		p.settings.healthVersion = hex.EncodeToString(scripts.Sum(nil))
	}
	p.settings.Actions = action.NewCatalog(actions)
}

// differences reads what doesn't count in comparisons, and what of changes doesn't.
func (p *parser) differences(all map[string]*customization) {
	var updates []v1alpha1.ResourceIgnoreDifferences
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		c := all[kind]
		p.known(kind, c.KnownTypeFields)
		if rule, ok := p.rule(kind, "ignoreDifferences", c.IgnoreDifferences); ok {
			p.settings.IgnoreDifferences = append(p.settings.IgnoreDifferences, rule)
			if rule.ManagedFieldsManagers = nil; p.updatesFollowDifferences {
				updates = append(updates, rule)
			}
		}
		if rule, ok := p.rule(kind, "ignoreResourceUpdates", c.IgnoreResourceUpdates); ok {
			rule.ManagedFieldsManagers = nil // a cache has no managed fields but our own
			updates = append(updates, rule)
		}
	}
	if !p.flag("resource.ignoreResourceUpdatesEnabled", true) {
		return
	}
	compiled, err := diff.Compile(append(updates, defaultUpdates...), diff.Defaults{})
	if err != nil {
		p.warn("ignoreResourceUpdates: %w", err) // each was compiled before
		return
	}
	p.settings.Updates = compiled
}

// known reads which fields of a kind are of built-in types.
func (p *parser) known(kind string, fields []protocol.KnownTypeField) {
	of := groupKind(kind)
	for _, field := range fields {
		k, err := diff.NewKnown(field.Field, field.Type)
		if err != nil {
			p.warn("knownTypeFields of %s: %w", kind, err)
			continue
		}
		if p.settings.Compare.Known == nil {
			p.settings.Compare.Known = map[schema.GroupKind][]diff.Known{}
		}
		p.settings.Compare.Known[of] = append(p.settings.Compare.Known[of], k)
	}
}

func (p *parser) rule(kind, thing, text string) (v1alpha1.ResourceIgnoreDifferences, bool) {
	var from rules
	if strings.TrimSpace(text) == "" {
		return v1alpha1.ResourceIgnoreDifferences{}, false
	}
	if err := yaml.Unmarshal([]byte(text), &from); err != nil {
		p.warn("%s of %s: %w", thing, kind, err)
		return v1alpha1.ResourceIgnoreDifferences{}, false
	}
	of := groupKind(kind)
	rule := v1alpha1.ResourceIgnoreDifferences{
		Group: of.Group, Kind: of.Kind, JSONPointers: from.JSONPointers, JQPathExpressions: from.JQPathExpressions, ManagedFieldsManagers: from.ManagedFieldsManagers,
	}
	if _, err := diff.Compile([]v1alpha1.ResourceIgnoreDifferences{rule}, diff.Defaults{}); err != nil {
		p.warn("%s of %s: %w", thing, kind, err)
		return rule, false
	}
	return rule, true
}

// defaultUpdates are changes that controllers make all the time and that mean nothing for a comparison. A change of health
// counts in any case. They are those of Argo CD's own argocd-cm.
var defaultUpdates = []v1alpha1.ResourceIgnoreDifferences{
	{Group: "*", Kind: "*", JSONPointers: []string{"/status"}},
	{Group: "argoproj.io", Kind: "Application", JSONPointers: []string{
		"/metadata/annotations/argocd.argoproj.io~1refresh", "/metadata/annotations/argocd.argoproj.io~1hydrate", "/operation"}},
	{Group: "argoproj.io", Kind: "{Application,Rollout}", JSONPointers: []string{"/metadata/annotations/notified.notifications.argoproj.io"}},
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler", JSONPointers: []string{
		"/metadata/annotations/autoscaling.alpha.kubernetes.io~1behavior", "/metadata/annotations/autoscaling.alpha.kubernetes.io~1conditions",
		"/metadata/annotations/autoscaling.alpha.kubernetes.io~1metrics", "/metadata/annotations/autoscaling.alpha.kubernetes.io~1current-metrics"}},
	{Group: "apps", Kind: "ReplicaSet", JSONPointers: []string{
		"/metadata/annotations/deployment.kubernetes.io~1desired-replicas", "/metadata/annotations/deployment.kubernetes.io~1max-replicas",
		"/metadata/annotations/rollout.argoproj.io~1desired-replicas"}},
	{Kind: "{ConfigMap,Endpoints}", JSONPointers: []string{
		"/metadata/annotations/control-plane.alpha.kubernetes.io~1leader", "/metadata/annotations/endpoints.kubernetes.io~1last-change-trigger-time"}},
	{Group: "discovery.k8s.io", Kind: "EndpointSlice", JSONPointers: []string{
		"/metadata/annotations/endpoints.kubernetes.io~1last-change-trigger-time"}},
}
