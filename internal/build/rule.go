package build

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// maxPattern bounds a pattern, in bytes. RE2 matches in linear time, but a long pattern still takes memory to compile.
const maxPattern = 1024

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

// Rule is a BuildRule that was found valid.
type Rule struct {
	object  *v1alpha1.BuildRule
	pattern *regexp.Regexp
	tags    []template
}

// RuleError is a mistake in a BuildRule that only its author can mend.
type RuleError struct {
	// Rule is the rule's name.
	Rule string
	// Field is the path of the wrong field, such as spec.push.pattern.
	Field string
	Err   error
}

func (e *RuleError) Error() string {
	return fmt.Sprintf("build rule %q: %s: %v", e.Rule, e.Field, e.Err)
}

func (e *RuleError) Unwrap() error { return e.Err }

// Compile checks a rule and makes it ready to match. Errors are *RuleError. The rule must not be changed afterwards.
func Compile(object *v1alpha1.BuildRule) (*Rule, error) {
	wrong := func(field string, err error) (*Rule, error) {
		return nil, &RuleError{Rule: object.Name, Field: field, Err: err}
	}
	spec := &object.Spec
	if strings.TrimSpace(spec.Source.RepoURL) == "" {
		return wrong("spec.source.repoURL", errors.New("it is empty: set the clone URL of the repository"))
	}
	if _, _, err := Paths(spec.Source); err != nil {
		return wrong("spec.source", err)
	}
	if spec.Push.Type != v1alpha1.PushBranch && spec.Push.Type != v1alpha1.PushTag {
		return wrong("spec.push.type", fmt.Errorf("%q is neither branch nor tag", spec.Push.Type))
	}
	pattern, err := compilePattern(spec.Push.Pattern)
	if err != nil {
		return wrong("spec.push.pattern", err)
	}
	// An image's repository is checked as the registries' own clients do, so that a mistake shows before the push.
	if _, err := name.NewRepository(spec.Image.Repository, name.StrictValidation); err != nil {
		return wrong("spec.image.repository", err)
	}
	rule := &Rule{object: object, pattern: pattern}
	known := slices.Concat(pattern.SubexpNames(), variables)
	for i, text := range append([]string{spec.Image.Tag}, spec.Image.AdditionalTags...) {
		field := "spec.image.tag"
		if i > 0 {
			field = fmt.Sprintf("spec.image.additionalTags[%d]", i-1)
		} else if text == "" {
			text = rule.defaultTag()
		}
		tag, err := parseTemplate(text, known)
		if err != nil {
			return wrong(field, err)
		}
		rule.tags = append(rule.tags, tag)
	}
	for _, platform := range spec.Platforms {
		if !platformForm.MatchString(platform) {
			return wrong("spec.platforms", fmt.Errorf("%q is not of the form os/arch or os/arch/variant, such as linux/arm64", platform))
		}
	}
	for _, arg := range slices.Sorted(maps.Keys(spec.Args)) {
		if arg == "" || strings.ContainsAny(arg, "= \n") {
			return wrong("spec.args", fmt.Errorf("%q can't be the name of a build argument", arg))
		}
	}
	if spec.TimeoutSeconds < 0 || (spec.HistoryLimit != nil && *spec.HistoryLimit < 0) {
		return wrong("spec", errors.New("timeoutSeconds and historyLimit can't be negative"))
	}
	return rule, nil
}

var platformForm = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?$`)

// compilePattern anchors a pattern at both ends. Go knows both forms of a named group, (?P<name>…) and (?<name>…).
func compilePattern(text string) (*regexp.Regexp, error) {
	switch {
	case text == "":
		return nil, errors.New("it is empty: give a regular expression such as main, or release-v(?P<imageTag>.+)")
	case len(text) > maxPattern:
		return nil, fmt.Errorf("it is longer than %d bytes", maxPattern)
	}
	// Compiled by itself first, so that a pattern such as "a)(b" can't close the group that anchors it.
	if _, err := regexp.Compile(text); err != nil {
		return nil, fmt.Errorf("it is not a regular expression (RE2): %w", err)
	}
	pattern, err := regexp.Compile(`^(?:` + text + `)$`)
	if err != nil {
		return nil, fmt.Errorf("it is not a regular expression (RE2): %w", err)
	}
	return pattern, nil
}

// defaultTag is what BuildImage.Tag's documentation promises for an empty tag.
func (r *Rule) defaultTag() string {
	switch {
	case r.pattern.SubexpIndex("imageTag") >= 0:
		return "${imageTag}"
	case r.object.Spec.Push.Type == v1alpha1.PushTag:
		return "${REF}"
	default:
		return "${REF}-${SHORT_SHA}"
	}
}

// Object is the BuildRule that the rule was made from.
func (r *Rule) Object() *v1alpha1.BuildRule { return r.object }

// Prefix is refs/heads/ or refs/tags/, whichever the rule is about.
func (r *Rule) Prefix() string {
	if r.object.Spec.Push.Type == v1alpha1.PushTag {
		return tagPrefix
	}
	return branchPrefix
}

// Matches tells whether a push to the full ref, such as refs/heads/main, concerns the rule.
func (r *Rule) Matches(ref string) bool {
	short, ok := strings.CutPrefix(ref, r.Prefix())
	return ok && short != "" && r.pattern.MatchString(short)
}

// NeedsCommitTime tells whether a tag can only be named when the time of the commit is known.
func (r *Rule) NeedsCommitTime() bool {
	return slices.ContainsFunc(r.tags, func(t template) bool { return t.uses("TIMESTAMP") })
}

// Images are the full references that a commit at a ref is pushed to, the main one first, each once. It is an error if
// the ref doesn't match or a tag comes out as none that a registry takes.
func (r *Rule) Images(ref string, commit Commit) ([]string, error) {
	short, ok := strings.CutPrefix(ref, r.Prefix())
	groups := r.pattern.FindStringSubmatch(short)
	if !ok || groups == nil {
		return nil, fmt.Errorf("build rule %q: %s doesn't match the %s pattern %q",
			r.object.Name, ref, r.object.Spec.Push.Type, r.object.Spec.Push.Pattern)
	}
	values := commit.variables(short)
	for i, group := range r.pattern.SubexpNames() {
		if group != "" {
			values[group] = groups[i]
		}
	}
	var images []string
	for _, tag := range r.tags {
		text, err := tag.expand(values)
		if err != nil {
			return nil, fmt.Errorf("build rule %q: naming the image of %s: %w", r.object.Name, ref, err)
		}
		if image := r.object.Spec.Image.Repository + ":" + text; !slices.Contains(images, image) {
			images = append(images, image)
		}
	}
	return images, nil
}
