package build

import (
	"fmt"
	"maps"
	"slices"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

// MaxRefs bounds the refs that one rule may match, because the rule's status remembers them all and an object in
// Kubernetes can't be larger than about a megabyte.
const MaxRefs = 5000

// Due is a commit of a ref that a Build is to be made for.
type Due struct {
	// Ref is the full name of the ref.
	Ref string
	// Commit is where it points.
	Commit string
	// Sequence counts the builds of the ref, from 1. It is part of the Build's name, so that a branch that goes back
	// to a former commit is built again, while a crash before the status is written makes nothing twice.
	Sequence int64
}

// Planned is what a look at a repository leads to.
type Planned struct {
	// Builds are to be made, by name of the ref.
	Builds []Due
	// Refs is the new status.refs, sorted by name, to be recorded once the builds exist.
	Refs []v1alpha1.ObservedRef
	// Watching is the new status.watching.
	Watching string
}

// Plan compares the refs of a repository, full name → commit, with what the rule's status remembers. Every matching ref
// that is new or moved is due, with these exceptions:
//
//   - A rule that looks for the first time (or whose repository, type or pattern was changed) builds the heads of
//     matching branches that it doesn't know, but only remembers the tags: whoever adds a rule to a repository with a
//     hundred releases doesn't want a hundred builds. A tag that was pushed since the rule exists is built all the same:
//     the first look may come after it, where the rule was there before its repository.
//   - A suspended rule builds nothing and remembers what it knew, so that it builds the newest commits when it goes on.
//
// Refs that are gone are forgotten. More than [MaxRefs] matching refs are an error.
//
// Pushed tells whether a ref was pushed to a commit since the rule exists, as far as that is known; nil means that nothing
// is.
func Plan(rule *Rule, refs map[string]string, pushed func(ref, commit string) bool) (Planned, error) {
	status := rule.object.Status
	planned := Planned{Watching: rule.watching(), Refs: status.Refs}
	if rule.object.Spec.Suspend {
		planned.Watching = status.Watching
		return planned, nil
	}
	firstLook := status.Watching != planned.Watching
	known := map[string]v1alpha1.ObservedRef{}
	for _, ref := range status.Refs {
		known[ref.Name] = ref
	}
	if rule.sourceChanged() {
		clear(known)
	}
	planned.Refs = nil
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		if !rule.Matches(ref) {
			continue
		}
		if len(planned.Refs) == MaxRefs {
			return Planned{}, &RuleError{Rule: rule.object.Name, Field: "spec.push.pattern",
				Err: fmt.Errorf("it matches more than %d refs of the repository: make it narrower", MaxRefs)}
		}
		observed, isKnown := known[ref]
		moved := observed.Commit != refs[ref]
		observed.Name, observed.Commit = ref, refs[ref]
		onlyRemember := firstLook && !isKnown && rule.object.Spec.Push.Type == v1alpha1.PushTag &&
			(pushed == nil || !pushed(ref, refs[ref]))
		if moved && !onlyRemember {
			observed.Builds++
			planned.Builds = append(planned.Builds, Due{Ref: ref, Commit: observed.Commit, Sequence: observed.Builds})
		}
		planned.Refs = append(planned.Refs, observed)
	}
	return planned, nil
}

// watching tells what the remembered refs are about.
func (r *Rule) watching() string {
	push := r.object.Spec.Push
	return fmt.Sprintf("%s %s of %s", push.Type, push.Pattern, event.NormalizeURL(r.object.Spec.Source.RepoURL))
}

// sourceChanged tells whether the remembered commits are of another repository.
func (r *Rule) sourceChanged() bool {
	old, suffix := r.object.Status.Watching, " of "+event.NormalizeURL(r.object.Spec.Source.RepoURL)
	return len(old) < len(suffix) || old[len(old)-len(suffix):] != suffix
}

// Without returns the plan as if nothing was due at a ref: it stays as it was before.
func (p Planned) Without(due Due, before []v1alpha1.ObservedRef) Planned {
	p.Refs = slices.Clone(p.Refs)
	for i := range p.Refs {
		if p.Refs[i].Name != due.Ref {
			continue
		}
		for _, old := range before {
			if old.Name == due.Ref {
				p.Refs[i] = old
				return p
			}
		}
		p.Refs = slices.Delete(p.Refs, i, i+1)
		return p
	}
	return p
}
