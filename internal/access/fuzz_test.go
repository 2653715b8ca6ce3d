package access

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// naive decides as the documentation says, without anything that makes it quick: no index, no memory, each pattern a regular
// expression.
type naive struct {
	rules       []rule
	groups      []grouping
	defaultRole string
}

func newNaive(t *testing.T, config Config) naive {
	t.Helper()
	mode := MatchMode(config.Data["policy.matchMode"])
	if mode != MatchRegex {
		mode = MatchGlob
	}
	all := builtins()
	parsed, err := parseConfig(config.Data, mode)
	if err != nil {
		t.Fatal(err)
	}
	all.add(parsed)
	for project, text := range config.Projects {
		own, err := parse("project "+project, text, mode)
		if err != nil {
			continue
		}
		for i := range own.rules {
			own.rules[i].project = project
		}
		for i := range own.groups {
			own.groups[i].project = project
		}
		all.add(own)
	}
	return naive{all.rules, all.groups, strings.TrimSpace(config.Data["policy.default"])}
}

func (n naive) matches(pattern, text string, mode MatchMode) bool {
	if mode != MatchRegex {
		var err error
		if pattern, err = globToRegexp(pattern); err != nil {
			return false
		}
	}
	return regexp.MustCompile(pattern).MatchString(text)
}

// party decides by the rules of a subject and of the roles that it has, up to maxDepth of them in a row.
func (n naive) party(subject, resource, action, object string) Decision {
	type member struct{ name, project string }
	decision := None
	level := map[member]bool{{subject, ""}: true}
	for range maxDepth + 1 {
		next := map[member]bool{}
		for m := range level {
			for _, r := range n.rules {
				if r.subject != m.name || m.project != "" && r.project != "" && m.project != r.project {
					continue
				}
				limit := r.project
				if m.project != "" {
					limit = m.project
				}
				if limit != "" && limit != projectOf(resource, object) {
					continue
				}
				if !n.matches(r.resource, resource, r.mode) || !n.matches(r.action, action, r.mode) || !n.matches(r.object, object, r.mode) {
					continue
				}
				if !r.allow {
					return Denied
				}
				decision = Allowed
			}
			for _, g := range n.groups {
				if g.member != m.name || m.project != "" && g.project != "" && m.project != g.project {
					continue
				}
				step := member{g.role, m.project}
				if g.project != "" {
					step.project = g.project
				}
				next[step] = true
			}
		}
		level = next
	}
	return decision
}

func (n naive) decide(subject string, groups []string, resource, action, object string) Decision {
	decision := None
	if n.defaultRole != "" {
		decision = n.party(n.defaultRole, resource, action, object)
	}
	project, _, _ := ProjectRoleOf(subject)
	of := projectOf(resource, object)
	if decision == Allowed || project != "" && of != "" && of != project {
		return decision
	}
	parties := []string{subject}
	for _, group := range groups {
		if slices.ContainsFunc(n.groups, func(g grouping) bool { return g.member == group }) {
			parties = append(parties, group)
		}
	}
	for _, party := range parties {
		switch n.party(party, resource, action, object) {
		case Allowed:
			return Allowed
		case Denied:
			decision = Denied
		}
	}
	return decision
}

// literal is a glob that matches one text and no other.
func literal(text string) string {
	return regexp.MustCompile(`[*?\[\]{}\\]`).ReplaceAllStringFunc(text, func(s string) string { return `\` + s })
}

// FuzzEnforcer holds the compiled policy against the naive one, for single questions and for the filter of a list, and looks
// that a further permission takes nothing away, and that a denial wins.
func FuzzEnforcer(f *testing.F) {
	f.Add("p, u, applications, get, shop/*, allow\np, u, applications, *, shop/prod, deny", "p, proj:shop:ci, applications, sync, shop/*, allow", "u", "", "applications/get", "shop/dev", false)
	f.Add("g, u, role:a\ng, role:a, role:b\np, role:b, *, *, */*, allow", "g, team, proj:shop:ci", "u", "team", "logs/get", "shop/x/y", false)
	f.Add("p, g, repositories, {get,create}, \"[a-c]*\", allow", "p, proj:shop:ci, repositories, create, shop/*, allow", "proj:shop:ci", "g", "repositories/create", "shop/https://git", false)
	f.Add("p, u, ., g.t, ^shop, allow\np, u, app, get, prod$, deny", "", "u", "", "applications/get", "shop/prod", true)
	f.Add("g, role:a, role:a\ng, u, role:a\np, role:readonly, clusters, get, https://*, deny", "", "u", "role:admin", "clusters/get", "https://c", false)
	f.Fuzz(func(t *testing.T, csv, own, subject, group, what, object string, regex bool) {
		resource, action, _ := strings.Cut(what, "/")
		for _, text := range []string{csv, own, subject, group, what, object} {
			if len(text) > 300 || !utf8.ValidString(text) {
				return
			}
		}
		config := Config{Data: map[string]string{"policy.csv": csv, "policy.default": "role:base"}, Projects: map[string]string{"shop": own}}
		if regex {
			config.Data["policy.matchMode"] = string(MatchRegex)
		}
		policy, problems, err := Compile(config)
		if err != nil || len(problems) > 0 {
			return
		}
		objects := []string{object, "shop/" + object, object + "/dev", "other/" + object, "https://" + object}
		reference, user := newNaive(t, config), policy.User(subject, group)
		check := user.Check(resource, action)
		for _, object := range objects {
			want := reference.decide(subject, []string{group}, resource, action, object)
			if got := check(object); got != want {
				t.Fatalf("%s (%s): %s %s %q: compiled %v, naive %v", subject, group, resource, action, object, got, want)
			}
			if user.Allowed(resource, action, object) != (want == Allowed) {
				t.Fatalf("%s %s %q: the list and the single question differ", resource, action, object)
			}
		}
		if regex || strings.ContainsAny(subject+what+object, "\n\r\",#") || subject != strings.TrimSpace(subject) || subject == "" ||
			what != strings.TrimSpace(what) || object != strings.TrimSpace(object) {
			return // these would have to be quoted in a line
		}
		with := func(effect string) *User {
			more := Config{Data: map[string]string{
				"policy.csv":     csv + "\np, " + strings.Join([]string{subject, literal(resource), literal(action), literal(object), effect}, ", "),
				"policy.default": "role:base",
			}, Projects: config.Projects}
			policy, _, err := Compile(more)
			if err != nil {
				return nil // such as an empty field at the end of a quoted line
			}
			return policy.User(subject)
		}
		before := policy.User(subject)
		if allowed := with("allow"); allowed != nil {
			for _, object := range objects {
				if before.Allowed(resource, action, object) && !allowed.Allowed(resource, action, object) {
					t.Fatalf("%q is forbidden by one more permission", object)
				}
			}
		}
		if denied := with("deny"); denied != nil && denied.Allowed(resource, action, object) && reference.party("role:base", resource, action, object) != Allowed {
			t.Fatalf("%q is allowed in spite of a denial", object)
		}
	})
}
