package access

import (
	"fmt"
	"strings"
	"testing"
)

// TestListsDontTryAllRules: an application is tried with the rules that name its project and those that name none, and that
// says the same as trying all.
func TestListsDontTryAllRules(t *testing.T) {
	var csv strings.Builder
	for i := range 200 {
		fmt.Fprintf(&csv, "p, u, applications, get, team%d/*, allow\n", i)
	}
	policy := compile(t, Config{Data: map[string]string{"policy.csv": csv.String()}})
	concerned := policy.User("u").parties[0].about(Applications, Get)
	if len(concerned.named) != 200 || len(concerned.others) != 0 {
		t.Errorf("%d projects are named, and %d rules have to be tried for every application", len(concerned.named), len(concerned.others))
	}
	for project, rules := range concerned.named {
		if len(rules) != 1 {
			t.Errorf("%d rules are tried for applications of %s", len(rules), project)
		}
	}

	policy, objects := manyPolicies(t)
	user := policy.User("u")
	check := user.Check(Applications, Get)
	allowed := 0
	for _, object := range objects {
		want := None
		for _, p := range user.parties {
			var about party
			for _, r := range p {
				if r.matchResource(Applications) && r.matchAction(Get) {
					about = append(about, r)
				}
			}
			want = max(want, about.decide(object, projectOf(Applications, object)))
		}
		got := check(object)
		if got != want {
			t.Errorf("%s: %v, but %v where all rules are tried", object, got, want)
		}
		if got == Allowed {
			allowed++
		}
	}
	if allowed == 0 || allowed == len(objects) {
		t.Errorf("%d of %d objects are allowed: that compares nothing", allowed, len(objects))
	}
}

// manyPolicies are 200 of different shapes for user u, and the names of 10,000 applications.
func manyPolicies(t testing.TB) (*Policy, []string) {
	t.Helper()
	var csv strings.Builder
	for i := range 200 {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&csv, "p, u, applications, get, team%d/*, allow\n", i)
		case 1:
			fmt.Fprintf(&csv, "p, u, applications, *, team%d/app*1, allow\n", i)
		case 2:
			fmt.Fprintf(&csv, "p, role:r%d, applications, \"{get,sync}\", *%d/app?*, allow\ng, u, role:r%d\n", i, i, i)
		default:
			fmt.Fprintf(&csv, "p, u, applications, get, team%d/app%d, deny\n", i, i)
		}
	}
	objects := make([]string, 10_000)
	for i := range objects {
		objects[i] = fmt.Sprintf("team%d/app%d", i%400, i)
	}
	return compile(t, Config{Data: map[string]string{"policy.csv": csv.String()}}), objects
}
