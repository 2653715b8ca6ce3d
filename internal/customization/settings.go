package customization

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/action"
	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

// Settings are an operator's words on objects. They are never changed once made, and may be compared by pointer.
type Settings struct {
	// Tracking is how objects tell their application.
	Tracking object.Tracking
	// Health judges objects.
	Health *health.Checker
	// Actions are what can be done with objects.
	Actions *action.Catalog
	// IgnoreDifferences are rules for the objects of all applications; Compare is what counts without a rule.
	IgnoreDifferences []v1alpha1.ResourceIgnoreDifferences
	Compare           diff.Defaults
	// Updates are what of an object may change without its application being looked at; nil if every change counts.
	Updates *diff.Rules
	// RespectRBAC is resource.respectRBAC: empty, normal or strict.
	RespectRBAC string
	// CustomLabels are the labels that are shown of objects; MaskedAnnotations those annotations whose values aren't.
	CustomLabels, MaskedAnnotations []string
	// NodeLabels are the labels that are shown of the nodes on which an application's pods run.
	NodeLabels []string

	exclusions, inclusions []filter
	selections             []selection
	// healthVersion tells the scripts in Health from others.
	healthVersion string
	// selectors is the text that the selections come from.
	selectors string
}

// defaults are the settings of an empty ConfigMap.
var defaults, _ = Parse(nil)

// Default are the settings where nothing is configured.
func Default() *Settings { return defaults }

// Parse reads the data of argocd-cm. Each warning says which key could not be read, and why; what it says is left out, and
// the rest counts.
func Parse(data map[string]string) (*Settings, []error) {
	p := &parser{data: data, settings: &Settings{}}
	p.tracking()
	p.compareOptions()
	p.filters()
	p.lists()
	p.kinds()
	return p.settings, p.warnings
}

// Concerns tells whether a key of argocd-cm is one of those that Parse reads.
func Concerns(key string) bool {
	return strings.HasPrefix(key, "resource.") || key == "application.resourceTrackingMethod" || key == "application.instanceLabelKey" || key == "application.allowedNodeLabels" || key == "installationID"
}

type parser struct {
	data     map[string]string
	settings *Settings
	warnings []error
	// updatesFollowDifferences is compareoptions' ignoreDifferencesOnResourceUpdates.
	updatesFollowDifferences bool
}

func (p *parser) warn(format string, args ...any) {
	p.warnings = append(p.warnings, fmt.Errorf("reading argocd-cm: "+format, args...))
}

func (p *parser) text(key string) string { return strings.TrimSpace(p.data[key]) }

func (p *parser) flag(key string, otherwise bool) bool {
	text := p.text(key)
	if text == "" {
		return otherwise
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		p.warn("key %s is neither true nor false: %q", key, text)
		return otherwise
	}
	return value
}

func (p *parser) tracking() {
	t := object.Tracking{
		Method: object.TrackingMethod(p.text("application.resourceTrackingMethod")), Label: p.text("application.instanceLabelKey"),
		InstallationID: p.text("installationID"),
	}
	switch t.Method {
	case object.TrackByAnnotation:
		t.Method = ""
	case "", object.TrackByLabel, object.TrackByAnnotationAndLabel:
	default:
		p.warn("key application.resourceTrackingMethod: %q is none of annotation, label, annotation+label; objects are tracked by annotation", t.Method)
		t.Method = ""
	}
	if t.Label == object.InstanceLabel {
		t.Label = ""
	}
	p.settings.Tracking = t
}

// compareOptions reads resource.compareoptions.
func (p *parser) compareOptions() {
	const key = "resource.compareoptions"
	p.updatesFollowDifferences = true
	var options struct {
		IgnoreAggregatedRoles              *bool `json:"ignoreAggregatedRoles"`
		IgnoreResourceStatusField          any   `json:"ignoreResourceStatusField"`
		IgnoreDifferencesOnResourceUpdates *bool `json:"ignoreDifferencesOnResourceUpdates"`
	}
	if err := yaml.Unmarshal([]byte(p.data[key]), &options); err != nil {
		p.warn("key %s: %w", key, err)
		return
	}
	if options.IgnoreAggregatedRoles != nil {
		p.settings.Compare.CountAggregatedRules = !*options.IgnoreAggregatedRoles
	}
	if options.IgnoreDifferencesOnResourceUpdates != nil {
		p.updatesFollowDifferences = *options.IgnoreDifferencesOnResourceUpdates
	}
	switch value := fmt.Sprint(options.IgnoreResourceStatusField); value {
	case "<nil>", "all", "":
	case "crd":
		p.settings.Compare.Status = diff.IgnoreStatusOfCRDs
	case "none", "off", "false":
		p.settings.Compare.Status = diff.IgnoreNoStatus
	default:
		p.warn("key %s: ignoreResourceStatusField is %q, none of all, crd, none; the status of all objects is ignored", key, value)
	}
}

// lists reads what is written as lists separated by commas.
func (p *parser) lists() {
	split := func(key string) []string {
		var items []string
		for item := range strings.SplitSeq(p.data[key], ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
		return items
	}
	p.settings.CustomLabels = split("resource.customLabels")
	p.settings.NodeLabels = split("application.allowedNodeLabels")
	p.settings.MaskedAnnotations = split("resource.sensitive.mask.annotations")
	switch value := p.text("resource.respectRBAC"); value {
	case "", "normal", "strict":
		p.settings.RespectRBAC = value
	default:
		p.warn("key resource.respectRBAC: %q is neither normal nor strict", value)
	}
}

// Excluded tells whether objects of a kind in a cluster, by its URL, are none of the applications' business.
func (s *Settings) Excluded(kind schema.GroupKind, server string) bool {
	if coreExclusions[kind.Group] || kind == (schema.GroupKind{Kind: "Event"}) {
		return true
	}
	matches := func(f filter) bool { return f.matches(kind, server) }
	return slices.ContainsFunc(s.exclusions, matches) || len(s.inclusions) > 0 && !slices.ContainsFunc(s.inclusions, matches)
}

// Selector is the label selector of the objects of a kind in a cluster, by its URL, that applications have to do with; empty means
// all of them.
func (s *Settings) Selector(kind schema.GroupKind, server string) string {
	var all []string
	for _, selection := range s.selections {
		if selection.matches(kind, server) {
			all = append(all, selection.labels)
		}
	}
	return strings.Join(all, ",")
}

// ObjectsVersion tells settings from others by which a cache of objects would hold or make different ones.
func (s *Settings) ObjectsVersion() string { return s.healthVersion + s.selectors }

// Quiet tells whether two states of an object differ only in what of an object may change without its application being
// looked at.
func (s *Settings) Quiet(before, after *unstructured.Unstructured) bool {
	if s.Updates == nil {
		return false
	}
	same, err := s.Updates.For(after).Same(before, after)
	return err == nil && same
}

// coreExclusions are groups of short-lived objects that nobody deploys.
var coreExclusions = map[string]bool{"events.k8s.io": true, "metrics.k8s.io": true}
