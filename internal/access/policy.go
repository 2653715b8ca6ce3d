package access

import (
	"fmt"
	"strings"
	"sync"
)

// maxDepth bounds how many roles may stand between a user and a rule, as upstream does; it also ends circles.
const maxDepth = 10

// maxUsers bounds the prepared users that a policy remembers.
const maxUsers = 1024

// Config is what a policy is made of.
type Config struct {
	// Data is that of the ConfigMap argocd-rbac-cm: policy.csv, policy.*.csv, policy.default, policy.matchMode, scopes.
	Data map[string]string
	// Projects holds the policy text of each project's own roles, by project (see ProjectPolicy).
	Projects map[string]string
}

// Policy is a compiled policy. It is safe for concurrent use, and never changes.
type Policy struct {
	defaultRole string
	scopes      []string
	rules       map[string][]*compiledRule // by subject
	roles       map[string][]grouping      // by member

	mu    sync.Mutex
	users map[string]*User
}

type compiledRule struct {
	rule
	matchResource, matchAction, matchObject matcher
}

// Compile prepares a policy. Its error wraps ErrPolicy, and names policy and line; the policy is then not to be used.
// Faults in a project's own roles concern that project alone: they are returned as problems, and its roles count for
// nothing.
func Compile(config Config) (policy *Policy, problems []error, err error) {
	mode := MatchGlob
	if MatchMode(config.Data["policy.matchMode"]) == MatchRegex {
		mode = MatchRegex
	}
	p := &Policy{
		defaultRole: strings.TrimSpace(config.Data["policy.default"]),
		scopes:      scopes(config.Data["scopes"]),
		rules:       map[string][]*compiledRule{}, roles: map[string][]grouping{}, users: map[string]*User{},
	}
	if err := p.add(builtins()); err != nil {
		return nil, nil, err
	}
	parsed, err := parseConfig(config.Data, mode)
	if err != nil {
		return nil, nil, err
	}
	if err := p.add(parsed); err != nil {
		return nil, nil, err
	}
	for project, text := range config.Projects {
		own, err := parse("project "+project, text, mode)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		for i := range own.rules {
			own.rules[i].project = project
		}
		for i := range own.groups {
			own.groups[i].project = project
		}
		if err := p.add(own); err != nil {
			problems = append(problems, err)
		}
	}
	return p, problems, nil
}

// add compiles all of the rules before it takes any.
func (p *Policy) add(parsed policies) error {
	compiled := make([]*compiledRule, len(parsed.rules))
	for i, r := range parsed.rules {
		compiled[i] = &compiledRule{rule: r}
		for _, part := range []struct {
			pattern string
			into    *matcher
		}{
			{r.resource, &compiled[i].matchResource}, {r.action, &compiled[i].matchAction}, {r.object, &compiled[i].matchObject},
		} {
			m, err := newMatcher(part.pattern, r.mode)
			if err != nil {
				return fmt.Errorf("%w: %s: %v", ErrPolicy, r.where, err)
			}
			*part.into = m
		}
	}
	for _, r := range compiled {
		p.rules[r.subject] = append(p.rules[r.subject], r)
	}
	for _, g := range parsed.groups {
		p.roles[g.member] = append(p.roles[g.member], g)
	}
	return nil
}

// scopes reads the list of token claims that hold groups, "[groups, email]"; the default is groups alone.
func scopes(text string) []string {
	var list []string
	for part := range strings.SplitSeq(strings.Trim(strings.TrimSpace(text), "[]"), ",") {
		if part = strings.Trim(strings.TrimSpace(part), `'"`); part != "" {
			list = append(list, part)
		}
	}
	if list == nil {
		return []string{"groups"}
	}
	return list
}

// Scopes are the token claims whose values count as a user's groups.
func (p *Policy) Scopes() []string { return p.scopes }

// User prepares the decisions for a user (or project role, or nobody: "") and the groups that a token gives.
func (p *Policy) User(subject string, groups ...string) *User {
	key := strings.Join(append([]string{subject}, groups...), "\x00")
	p.mu.Lock()
	defer p.mu.Unlock()
	if user, ok := p.users[key]; ok {
		return user
	}
	user := &User{}
	user.project, _, _ = ProjectRoleOf(subject)
	// The default role, the user and each group that the policy knows decide for themselves, as upstream's do: what one
	// of them allows is allowed. Within one, a deny wins.
	if p.defaultRole != "" {
		user.byDefault = p.party(p.defaultRole)
	}
	user.parties = append(user.parties, p.party(subject))
	for _, group := range groups {
		if len(p.roles[group]) > 0 {
			user.parties = append(user.parties, p.party(group))
		}
	}
	if len(p.users) >= maxUsers {
		clear(p.users)
	}
	p.users[key] = user
	return user
}

// party collects the rules of a subject and of all roles that it has.
func (p *Policy) party(subject string) party {
	type membership struct{ role, project string }
	var rules party
	seen := map[membership]bool{{subject, ""}: true}
	level := []membership{{subject, ""}}
	for depth := 0; len(level) > 0 && depth <= maxDepth; depth++ {
		var next []membership
		for _, m := range level {
			for _, r := range p.rules[m.role] {
				if m.project != "" {
					if r.project != "" && r.project != m.project {
						continue
					}
					limited := *r
					limited.project = m.project
					r = &limited
				}
				rules = append(rules, r)
			}
			for _, g := range p.roles[m.role] {
				project := m.project
				if g.project != "" {
					if project != "" && project != g.project {
						continue
					}
					project = g.project
				}
				if step := (membership{g.role, project}); !seen[step] {
					seen[step] = true
					next = append(next, step)
				}
			}
		}
		level = next
	}
	return rules
}

// ProjectPolicy is the policy text of a project's roles: each may get its project, has its own policies, and the groups
// that it names as members.
func ProjectPolicy(project string, roles []ProjectRole) string {
	var b strings.Builder
	for _, role := range roles {
		name := ProjectSubject(project, role.Name)
		fmt.Fprintf(&b, "p, %s, projects, get, %s, allow\n", name, project)
		for _, line := range role.Policies {
			b.WriteString(line + "\n")
		}
		for _, group := range role.Groups {
			fmt.Fprintf(&b, "g, %s, %s\n", quote(group), name)
		}
	}
	return b.String()
}

// ProjectSubject is who a token of a project's role stands for: proj:PROJECT:ROLE.
func ProjectSubject(project, role string) string { return "proj:" + project + ":" + role }

// ProjectRoleOf takes a project's subject apart; ok is false for all others.
func ProjectRoleOf(subject string) (project, role string, ok bool) {
	parts := strings.Split(subject, ":")
	if len(parts) != 3 || parts[0] != "proj" {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// ProjectRole is a role in a project's spec.
type ProjectRole struct {
	Name     string
	Policies []string
	Groups   []string
}

// quote protects the commas in the names of LDAP groups.
func quote(field string) string {
	if strings.ContainsAny(field, ",\"") {
		return `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
	}
	return field
}
