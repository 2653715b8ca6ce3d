package diff

import (
	"fmt"
	"strings"
	"time"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
)

// IgnoredStatus says of which objects the status doesn't count: argocd-cm's ignoreResourceStatusField.
type IgnoredStatus string

// The values of ignoreResourceStatusField; the zero value is all.
const (
	IgnoreStatusOfAll  IgnoredStatus = "all"
	IgnoreStatusOfCRDs IgnoredStatus = "crd"
	IgnoreNoStatus     IgnoredStatus = "none"
)

// Defaults are what doesn't count without a rule of its own. The zero value is Argo CD's default.
type Defaults struct {
	Status IgnoredStatus
	// CountAggregatedRules lets the rules of a ClusterRole count although the cluster fills them from other roles. Then
	// such a role is never in sync, which is why Fairlead, unlike Argo CD, does so only where it is asked to.
	CountAggregatedRules bool
	// QueryTimeout bounds one evaluation of a jq path expression; zero means DefaultQueryTimeout.
	QueryTimeout time.Duration
	// Known are fields of built-in types in custom resources, by kind.
	Known map[schema.GroupKind][]Known
}

// Rules are compiled rules on what of objects doesn't count. They are safe for concurrent use; nil rules are the defaults.
type Rules struct {
	rules    []rule
	defaults Defaults
}

// rule is what doesn't count of the objects that it matches.
type rule struct {
	group, kind, name, namespace glob.Glob
	ignore                       Ignore
}

// Compile makes rules of an application's ignoreDifferences or an operator's. An error names the expression or pattern at
// fault.
func Compile(list []v1alpha1.ResourceIgnoreDifferences, defaults Defaults) (*Rules, error) {
	if defaults.QueryTimeout <= 0 {
		defaults.QueryTimeout = DefaultQueryTimeout
	}
	r := &Rules{defaults: defaults}
	for _, from := range list {
		compiled, err := compileRule(from, defaults.QueryTimeout)
		if err != nil {
			return nil, fmt.Errorf("reading ignoreDifferences for %s/%s: %w", from.Group, from.Kind, err)
		}
		r.rules = append(r.rules, compiled)
	}
	return r, nil
}

func compileRule(from v1alpha1.ResourceIgnoreDifferences, timeout time.Duration) (to rule, err error) {
	for _, pattern := range []struct {
		text string
		into *glob.Glob
		// optional patterns match everything when they are empty; an empty group is the core group.
		optional bool
	}{
		{from.Group, &to.group, false}, {from.Kind, &to.kind, false}, {from.Name, &to.name, true}, {from.Namespace, &to.namespace, true},
	} {
		if pattern.optional && pattern.text == "" {
			continue
		}
		if *pattern.into, err = glob.Compile(pattern.text); err != nil {
			return to, fmt.Errorf("the pattern %q: %w", pattern.text, err)
		}
	}
	for _, pointer := range from.JSONPointers {
		to.ignore.addPointer(pointer)
	}
	for _, expression := range from.JQPathExpressions {
		q, err := compileQuery(expression, timeout)
		if err != nil {
			return to, err
		}
		to.ignore.queries = append(to.ignore.queries, q)
	}
	to.ignore.managers = from.ManagedFieldsManagers
	return to, nil
}

func (r rule) matches(key object.Key) bool {
	return r.group.Match(key.Group) && r.kind.Match(key.Kind) && (r.name == nil || r.name.Match(key.Name)) &&
		(r.namespace == nil || r.namespace.Match(key.Namespace))
}

// For is what doesn't count of an object.
func (r *Rules) For(u *unstructured.Unstructured) Ignore {
	if r == nil {
		r = &Rules{}
	}
	var ignore Ignore
	key := object.KeyOf(u)
	for _, rule := range r.rules {
		if rule.matches(key) {
			ignore = ignore.And(rule.ignore)
		}
	}
	ignore = ignore.And(ownIgnore(u))
	ignore.known = r.defaults.knownOf(schema.GroupKind{Group: key.Group, Kind: key.Kind})
	isCRD := key.Group == "apiextensions.k8s.io" && key.Kind == "CustomResourceDefinition"
	if isCRD && r.defaults.Status != IgnoreNoStatus {
		ignore.addPointer("/spec/preserveUnknownFields")
	}
	// Few manifests have a status; without one there is nothing to leave out, for only what a manifest says is compared.
	if _, has := u.Object["status"]; has && (isCRD && r.defaults.Status == IgnoreStatusOfCRDs ||
		r.defaults.Status != IgnoreStatusOfCRDs && r.defaults.Status != IgnoreNoStatus) {
		ignore.addPointer("/status")
	}
	if key.Kind == "ClusterRole" && key.Group == "rbac.authorization.k8s.io" && !r.defaults.CountAggregatedRules {
		if _, aggregated := u.Object["aggregationRule"]; aggregated {
			ignore.addPointer("/rules") // the cluster's own controller fills them
		}
	}
	return ignore
}

// IgnoreAnnotation is what an object says itself of its differences, in YAML: jsonPointers, as Argo CD 3.6 reads it.
const IgnoreAnnotation = "argocd.argoproj.io/ignore-differences"

// ownIgnore is what an object's annotation says; what can't be read says nothing, as in Argo CD.
func ownIgnore(u *unstructured.Unstructured) Ignore {
	var ignore Ignore
	text, _, err := unstructured.NestedString(u.Object, "metadata", "annotations", IgnoreAnnotation)
	if err != nil || text == "" {
		return ignore
	}
	var from struct {
		JSONPointers []string `json:"jsonPointers"`
	}
	if yaml.Unmarshal([]byte(text), &from) == nil {
		for _, pointer := range from.JSONPointers {
			ignore.addPointer(pointer)
		}
	}
	return ignore
}

// And joins what one says with what the other says.
func (i Ignore) And(other Ignore) Ignore {
	joined := Ignore{}
	joined.pointers = append(append(joined.pointers, i.pointers...), other.pointers...)
	joined.queries = append(append(joined.queries, i.queries...), other.queries...)
	joined.managers = append(append(joined.managers, i.managers...), other.managers...)
	joined.known = append(append(joined.known, i.known...), other.known...)
	return joined
}

// String is the same for what ignores the same.
func (i Ignore) String() string {
	var b strings.Builder
	for _, steps := range i.pointers {
		for _, step := range steps {
			b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
		}
		b.WriteString("\n")
	}
	for _, q := range i.queries {
		b.WriteString("jq " + q.expression + "\n")
	}
	for _, manager := range i.managers {
		b.WriteString("manager " + manager + "\n")
	}
	for _, k := range i.known {
		b.WriteString("known " + strings.Join(k.steps, ".") + " " + k.name + "\n")
	}
	return b.String()
}
