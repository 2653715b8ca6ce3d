package access

import (
	"slices"
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
	parties []party
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
	var parties []party
	for _, all := range u.parties {
		var concerned party
		for _, r := range all {
			if r.matchResource(resource) && r.matchAction(action) {
				concerned = append(concerned, r)
			}
		}
		if concerned != nil {
			parties = append(parties, concerned)
		}
	}
	check := Check(func(object string) Decision {
		decision := None
		project := projectOf(resource, object)
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
