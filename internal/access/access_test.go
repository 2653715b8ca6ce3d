package access

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func compile(t testing.TB, config Config) *Policy {
	t.Helper()
	p, problems, err := Compile(config)
	if err != nil || len(problems) > 0 {
		t.Fatalf("compiling: %v, %v", err, problems)
	}
	return p
}

// TestDecisions reads requests as "subject[+group…] resource action object" and what is due.
func TestDecisions(t *testing.T) {
	for name, test := range map[string]struct {
		config   Config
		requests map[string]Decision
	}{
		"built-in roles": {
			Config{Data: map[string]string{"policy.csv": "g, ann, role:readonly\ng, bob, role:admin"}},
			map[string]Decision{
				"admin applications sync p/a":                     Allowed,
				"admin applications action/apps/Deployment/x p/a": Allowed,
				"admin applications get p/a":                      Allowed,
				"admin builds create p/rule":                      Allowed,
				"admin exec create p/a":                           Allowed,
				"bob clusters delete https://c":                   Allowed,
				"ann applications get p/ns/a":                     Allowed,
				"ann builds get p/rule":                           Allowed,
				"ann applications sync p/a":                       None,
				"ann accounts update ann":                         None,
				"eve applications get p/a":                        None,
				" applications get p/a":                           None,
				"role:readonly applications get p/a":              Allowed,
				"ann applications get noproject":                  None,
			},
		},
		"five fields allow": {
			Config{Data: map[string]string{"policy.csv": `
				# the template of ACK One's manual
				p, team01-user01, applications, get, team01/production-app
				p, team01-user01, applications, sync, team01/production-app
				p, team01-admin, applications, *, team01/*
				p, team01-user02, applications, *, team01/staging-app, allow`}},
			map[string]Decision{
				"team01-user01 applications sync team01/production-app":  Allowed,
				"team01-user01 applications sync team01/staging-app":     None,
				"team01-admin applications delete team01/any":            Allowed,
				"team01-admin applications delete team02/any":            None,
				"team01-user02 applications sync team01/production-app":  None,
				"team01-user02 applications rollback team01/staging-app": Allowed,
			},
		},
		"deny wins": {
			Config{Data: map[string]string{"policy.csv": `
				p, role:dev, applications, *, shop/*, allow
				p, role:dev, applications, sync, shop/production, deny
				p, dan, applications, sync, shop/staging, deny
				g, dan, role:dev`}},
			map[string]Decision{
				"dan applications sync shop/dev":        Allowed,
				"dan applications sync shop/staging":    Denied,
				"dan applications sync shop/production": Denied,
				"dan applications get shop/production":  Allowed,
			},
		},
		"default role is never denied, as upstream's": {
			Config{Data: map[string]string{"policy.default": "role:readonly", "policy.csv": "p, eve, *, *, *, deny"}},
			map[string]Decision{
				"eve applications get p/a":  Allowed,
				"eve applications sync p/a": Denied,
				" applications get p/a":     Allowed,
			},
		},
		"groups": {
			Config{Data: map[string]string{"policy.csv": `
				g, "CN=Ops,DC=example", role:ops
				p, role:ops, applications, action/argoproj.io/Rollout/*, */*, allow
				g, role:ops, role:readonly
				p, direct, clusters, delete, *, allow`}},
			map[string]Decision{
				"u+CN=Ops,DC=example applications action/argoproj.io/Rollout/promote-full p/a": Allowed,
				"u+CN=Ops,DC=example applications action/apps/Deployment/restart p/a":          None,
				"u+CN=Ops,DC=example applications get p/a":                                     Allowed,
				"u applications get p/a": None,
				// A group must be named by a g line to count, as upstream filters them.
				"u+direct clusters delete c": None,
			},
		},
		"overlays and circles": {
			Config{Data: map[string]string{
				"policy.csv": "g, a, role:b\ng, role:b, role:c\ng, role:c, role:b", "policy.z.csv": "p, role:c, projects, get, *, allow",
				"other": "p, nonsense",
			}},
			map[string]Decision{"a projects get x": Allowed},
		},
		"globs": {
			Config{Data: map[string]string{"policy.csv": `
				p, u, applications, "{get,sync}", team-?/app[0-9]*, allow
				p, u, applications, delete, t/[!p]*, allow
				p, u, "applications", update, "a/{x,y}-\*", allow`}},
			map[string]Decision{
				"u applications sync team-a/app1":    Allowed,
				"u applications get team-a/app1/x/y": Allowed,
				"u applications get team-ab/app1":    None,
				"u applications get team-a/apps":     None,
				"u applications update team-a/app1":  None,
				"u applications delete t/prod":       None,
				"u applications delete t/dev":        Allowed,
			},
		},
		"regular expressions": {
			Config{Data: map[string]string{"policy.matchMode": "regex", "policy.csv": "p, u, ^applications$, (get|sync), ^(a|b)/x.$, allow"}},
			map[string]Decision{
				"u applications sync b/x1":    Allowed,
				"u applications sync b/x12":   None,
				"admin applications sync b/x": Allowed,
			},
		},
		"project roles": {
			Config{Projects: map[string]string{
				"shop": ProjectPolicy("shop", []ProjectRole{{
					Name: "ci", Policies: []string{"p, proj:shop:ci, applications, *, */*, allow"}, Groups: []string{"shop,ops"},
				}}),
			}},
			map[string]Decision{
				"proj:shop:ci applications sync shop/a":  Allowed,
				"proj:shop:ci applications sync other/a": None,
				"proj:shop:ci projects get shop":         Allowed,
				"proj:shop:ci projects get other":        None,
				"u+shop,ops applications delete shop/a":  Allowed,
				"u+shop,ops applications delete other/a": None,
				"u+shop,ops clusters get https://c":      None,
			},
		},
		"a project's token opens its project only, whatever policy.csv says": {
			Config{
				Data: map[string]string{"policy.csv": `
					p, proj:shop:ci, applications, sync, */*, allow
					p, proj:shop:ci, clusters, get, *, allow
					p, role:all, applications, delete, */*, allow
					g, proj:shop:ci, role:all
					p, proj:shop:ci, applications, sync, shop/production, deny`},
				Projects: map[string]string{"shop": ProjectPolicy("shop", []ProjectRole{{
					Name: "ci", Policies: []string{"p, proj:shop:ci, applications, override, shop/*, allow"},
				}})},
			},
			map[string]Decision{
				"proj:shop:ci applications sync shop/a":          Allowed,
				"proj:shop:ci applications sync shop/team/a":     Allowed,
				"proj:shop:ci applications override shop/a":      Allowed,
				"proj:shop:ci applications sync shop/production": Denied,
				"proj:shop:ci applications sync other/a":         None,
				"proj:shop:ci applications delete shop/a":        Allowed,
				"proj:shop:ci applications delete other/a":       None,
				"proj:shop:ci clusters get https://c":            Allowed,
				"proj:shop:ci clusters get other/https://c":      None,
				"proj:shop:ci clusters get in-cluster":           Allowed,
				"proj:shop applications sync shop/a":             None,
				"proj:shop:other applications sync shop/a":       None,
			},
		},
		"the default role counts for project tokens too": {
			Config{Data: map[string]string{"policy.default": "role:readonly"}},
			map[string]Decision{"proj:shop:ci applications get other/a": Allowed, "proj:shop:ci applications sync shop/a": None},
		},
		"objects of applications, and what is inherited": {
			Config{Data: map[string]string{"policy.csv": `
				p, u, applications, update, shop/*, allow
				p, u, applications, delete/*/Pod/*/*, shop/*, allow
				p, all, applications, update/*, shop/*, allow
				p, star, applications, *, shop/*, allow
				p, u, logs, get, shop/*, allow
				p, u, exec, create, shop/ns/a, allow`}},
			map[string]Decision{
				"u applications update shop/a":                            Allowed,
				"u applications update/apps/Deployment/ns/web shop/a":     None,
				"u applications delete//Pod/ns/web-1 shop/a":              Allowed,
				"u applications delete/apps/Deployment/ns/web shop/a":     None,
				"u applications delete shop/a":                            None,
				"all applications update/apps/Deployment/ns/w shop/a":     Allowed,
				"all applications update shop/a":                          None,
				"star applications action/apps/Deployment/restart shop/a": Allowed,
				"star applications rollback shop/ns/a":                    Allowed,
				"u logs get shop/a":                                       Allowed,
				"u exec create shop/ns/a":                                 Allowed,
				"u exec create shop/other/a":                              None,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			policy := compile(t, test.config)
			for asked, want := range test.requests {
				f := strings.Split(asked, " ")
				names := strings.Split(f[0], "+")
				if got := policy.User(names[0], names[1:]...).Check(f[1], f[2])(f[3]); got != want {
					t.Errorf("%s: got %d, want %d", asked, got, want)
				}
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	for text, want := range map[string]string{
		"p, u, applications, get":               "line 1 (\"p, u, applications, get\"): it has 4 fields",
		"\n\np, u, applications, get, a/b, yes": "line 3",
		"g, u":                                  "g, USER OR GROUP, ROLE",
		"x, u, r":                               "begins with \"x\"",
		"p, u, \"applications, get, a/b, allow": "policy.csv, line 1",
		"p, u, applications, get, a/{b, allow":  "isn't closed",
		"p, u, applications, get, a/[b, allow":  "isn't closed",
		"p, u, applications, get, a}, allow":    "isn't open",
		`p, u, applications, get, a\, allow`:    "backslash",
		strings.Repeat("#", maxPolicy+1):        "more than",
	} {
		policy, _, err := Compile(Config{Data: map[string]string{"policy.csv": text}})
		if policy != nil || !errors.Is(err, ErrPolicy) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got error %v, want one with %q", text, err, want)
		}
	}
	_, _, err := Compile(Config{Data: map[string]string{"policy.matchMode": "regex", "policy.csv": "p, u, (, get, x, allow"}})
	if !errors.Is(err, ErrPolicy) {
		t.Errorf("a broken regular expression gave %v", err)
	}
}

func TestBrokenProjectConcernsItselfOnly(t *testing.T) {
	policy, problems, err := Compile(Config{Projects: map[string]string{"bad": "p, u", "good": "p, u, applications, get, good/a, allow"}})
	if err != nil || len(problems) != 1 || !strings.Contains(problems[0].Error(), "project bad") {
		t.Fatalf("got %v, %v", problems, err)
	}
	if !policy.User("u").Allowed(Applications, Get, "good/a") {
		t.Error("the good project's policy was lost")
	}
}

func TestScopes(t *testing.T) {
	for text, want := range map[string]string{"": "[groups]", "[groups, email]": "[groups email]", "'[cognito:groups]'": "[cognito:groups]"} {
		if got := fmt.Sprint(compile(t, Config{Data: map[string]string{"scopes": strings.Trim(text, "'")}}).Scopes()); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestObjectNames(t *testing.T) {
	if got := ApplicationName("argocd", "p", "argocd", "a"); got != "p/a" {
		t.Error(got)
	}
	if got := ApplicationName("argocd", "p", "team", "a"); got != "p/team/a" {
		t.Error(got)
	}
	if got := InProject("", "https://c"); got != "https://c" {
		t.Error(got)
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add("p, u, applications, get, a/*, allow\ng, u, role:admin", "a/b", false)
	f.Add(`p, u, *, {a,b}*, [!x]?\*, deny`, "xx", false)
	f.Add("p, u, [[:alpha:]], [a-], [^], allow", "-", false)
	f.Add("p, u, ., .*, ^a|b$, allow", "b", true)
	f.Fuzz(func(t *testing.T, csv, object string, regex bool) {
		data := map[string]string{"policy.csv": csv}
		if regex {
			data["policy.matchMode"] = "regex"
		}
		policy, _, err := Compile(Config{Data: data, Projects: map[string]string{"a": csv}})
		if err != nil {
			if !errors.Is(err, ErrPolicy) {
				t.Fatal(err)
			}
			return
		}
		policy.User("u", "g").Allowed(Applications, Get, object)
		if !policy.User("admin").Allowed(Applications, Get, "p/a") && !strings.Contains(csv, "deny") {
			t.Fatal("the admin lost a permission without any deny")
		}
	})
}

// FuzzWildcard holds the quick matcher against the regular expression of the same glob.
func FuzzWildcard(f *testing.F) {
	f.Add("a*b?c*", "aXXbYcZ")
	f.Add("*2/app?*", "team2/app22")
	f.Add("??", "é")
	f.Add("**a", "ba\xffa")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if strings.ContainsAny(pattern, `[]{}\`) || len(pattern) > 100 || len(s) > 100 || !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return
		}
		expression, err := globToRegexp(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := wildcard(pattern, s), regexp.MustCompile(expression).MatchString(s); got != want {
			t.Errorf("%q on %q: got %v, want %v", pattern, s, got, want)
		}
	})
}
