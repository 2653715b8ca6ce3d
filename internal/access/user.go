package access

import (
	"slices"
	"strings"
	"sync"
)

// Decision is what a policy says of a request.
type Decision int

// The decisions. None allows nothing; it differs from Denied in that no rule says so.
const (
	None Decision = iota
	Denied
	Allowed
)

// User decides for one user. It is safe for concurrent use.
type User struct {
	// byDefault decides for everybody; parties decide for this user alone.
	byDefault party
	parties   []party
	// project is that of a project role's token; "" for all others. Such a token opens nothing in other projects, whatever
	// policy.csv says of it.
	project string
	checks  sync.Map // request → Check
}

// party are the rules that decide together.
type party []*compiledRule

type request struct{ resource, action string }

// Check tells whether one thing may be done to an object. It is meant to be asked for once and called often.
type Check func(object string) Decision

// Allowed tells whether the user may do the action to the object.
func (u *User) Allowed(resource, action, object string) bool {
	return u.Check(resource, action)(object) == Allowed
}

// Check prepares the decisions on one resource and action: of all rules only those that concern it are left.
func (u *User) Check(resource, action string) Check {
	key := request{resource, action}
	if known, ok := u.checks.Load(key); ok {
		return known.(Check)
	}
	byDefault := u.byDefault.about(resource, action)
	var parties []*index
	for _, all := range u.parties {
		if concerned := all.about(resource, action); concerned != nil {
			parties = append(parties, concerned)
		}
	}
	check := Check(func(object string) Decision {
		project := projectOf(resource, object)
		decision := byDefault.decide(object, project)
		if decision == Allowed || (u.project != "" && project != "" && project != u.project) {
			return decision
		}
		for _, p := range parties {
			switch p.decide(object, project) {
			case Allowed:
				return Allowed
			case Denied:
				decision = Denied
			}
		}
		return decision
	})
	if slices.Contains(Actions, action) { // action/… comes from requests; don't remember whatever they say
		u.checks.Store(key, check)
	}
	return check
}

// index is a party whose rules are found by what stands before the first slash of an object's name: most rules name a
// project, and then concern no other. A list of thousands of applications doesn't try each with the rules of all projects.
type index struct {
	named map[string]party
	// others may match any name.
	others party
}

// about leaves the rules that concern a resource and action; nil if there are none.
func (p party) about(resource, action string) *index {
	var concerned *index
	for _, r := range p {
		if !r.matchResource(resource) || !r.matchAction(action) {
			continue
		}
		if concerned == nil {
			concerned = &index{named: map[string]party{}}
		}
		if name, ok := r.names(); ok {
			concerned.named[name] = append(concerned.named[name], r)
		} else {
			concerned.others = append(concerned.others, r)
		}
	}
	return concerned
}

// names is what stands before the first slash of all objects that a rule can match, if the rule says that.
func (r *compiledRule) names() (string, bool) {
	if r.mode != MatchGlob {
		return "", false
	}
	literal := r.object
	if special := strings.IndexAny(literal, specials); special >= 0 {
		literal = literal[:special]
	}
	name, _, slash := strings.Cut(literal, "/")
	return name, slash || literal == r.object
}

// decide asks the rules that name the object's first part, and those that name none. Within them a deny wins.
func (i *index) decide(object, project string) Decision {
	if i == nil {
		return None
	}
	name, _, _ := strings.Cut(object, "/")
	named := i.named[name].decide(object, project)
	if named == Denied {
		return Denied
	}
	if others := i.others.decide(object, project); others != None {
		return others
	}
	return named
}

func (p party) decide(object, project string) Decision {
	decision := None
	for _, r := range p {
		if (r.project != "" && r.project != project) || (r.allow && decision == Allowed) || !r.matchObject(object) {
			continue
		}
		if !r.allow {
			return Denied
		}
		decision = Allowed
	}
	return decision
}
