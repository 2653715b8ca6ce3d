package project

import (
	"errors"
	"strings"
	"testing"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func TestValidate(t *testing.T) {
	role := func(policies ...string) func(*v1alpha1.AppProject) {
		return func(p *v1alpha1.AppProject) {
			p.Spec.Roles = []v1alpha1.ProjectRole{{Name: "ci", Policies: policies}}
		}
	}
	group := func(groups ...string) func(*v1alpha1.AppProject) {
		return func(p *v1alpha1.AppProject) {
			p.Spec.Roles = []v1alpha1.ProjectRole{{Name: "ci", Groups: groups}}
		}
	}
	destinations := func(d ...v1alpha1.ApplicationDestination) func(*v1alpha1.AppProject) {
		return func(p *v1alpha1.AppProject) { p.Spec.Destinations = d }
	}
	account := func(server, namespace, name string) func(*v1alpha1.AppProject) {
		return func(p *v1alpha1.AppProject) {
			p.Spec.DestinationServiceAccounts = append(p.Spec.DestinationServiceAccounts,
				v1alpha1.ApplicationDestinationServiceAccount{Server: server, Namespace: namespace, DefaultServiceAccount: name})
		}
	}
	window := func(change func(*v1alpha1.SyncWindow)) func(*v1alpha1.AppProject) {
		return func(p *v1alpha1.AppProject) {
			one := func() *v1alpha1.SyncWindow {
				return &v1alpha1.SyncWindow{Kind: "allow", Schedule: "* * * * *", Duration: "1h", Applications: []string{"*"}}
			}
			second := one()
			change(second)
			p.Spec.SyncWindows = v1alpha1.SyncWindows{one(), nil, second}
		}
	}
	for name, c := range map[string]struct {
		change func(*v1alpha1.AppProject)
		kind   FaultKind
		want   string
	}{
		"nothing":             {func(*v1alpha1.AppProject) {}, 0, ""},
		"good policies":       {role("p, proj:shop:ci, applications, action/apps/Deployment/*, shop/team/*, allow", "p, proj:shop:ci, repositories, *, shop/*, deny"), 0, ""},
		"five fields":         {role("p, proj:shop:ci, applications, get, shop/*"), Malformed, "must be of the form: 'p, sub, res, act, obj, eft'"},
		"two lines":           {role("p, proj:shop:ci, applications, get, shop/*, allow\ng, me, role:admin"), Malformed, "must be of the form: 'p, sub, res, act, obj, eft'"},
		"another's subject":   {role("p, proj:other:ci, applications, get, shop/*, allow"), Malformed, "policy subject must be: 'proj:shop:ci', not 'proj:other:ci'"},
		"another's role":      {role("p, role:admin, applications, get, shop/*, allow"), Malformed, "policy subject must be: 'proj:shop:ci', not 'role:admin'"},
		"a hub's resource":    {role("p, proj:shop:ci, accounts, get, shop/*, allow"), Malformed, "project resource must be: 'applications', 'applicationsets', 'repositories', 'exec', 'logs' or 'clusters', not 'accounts'"},
		"unknown action":      {role("p, proj:shop:ci, applications, fly, shop/*, allow"), Malformed, "invalid action 'fly'"},
		"another's object":    {role("p, proj:shop:ci, applications, get, other/*, allow"), Malformed, "object must be of form 'shop/*', 'shop[/<NAMESPACE>]/<APPNAME>' or 'shop/<APPNAME>', not 'other/*'"},
		"a longer project":    {role("p, proj:shop:ci, applications, get, shop2/*, allow"), Malformed, "object must be of form"},
		"everything":          {role("p, proj:shop:ci, applications, get, *, allow"), Malformed, "object must be of form"},
		"unknown effect":      {role("p, proj:shop:ci, applications, get, shop/*, perhaps"), Malformed, "effect must be: 'allow' or 'deny'"},
		"a policy twice":      {role("p, proj:shop:ci, applications, get, shop/*, allow", "p, proj:shop:ci, applications, get, shop/*, allow"), Duplicate, "already exists for role 'ci'"},
		"a role twice":        {func(p *v1alpha1.AppProject) { p.Spec.Roles = []v1alpha1.ProjectRole{{Name: "ci"}, {Name: "ci"}} }, Duplicate, "role 'ci' already exists"},
		"a role's name":       {func(p *v1alpha1.AppProject) { p.Spec.Roles = []v1alpha1.ProjectRole{{Name: "ci,x"}} }, Malformed, "invalid role name 'ci,x'"},
		"groups":              {group("ops", "CN=ops", `"a, b"`), 0, ""},
		"a group twice":       {group("ops", "ops"), Duplicate, "group 'ops' already exists for role 'ci'"},
		"a comma":             {group("a,b"), Malformed, "group 'a,b' must be quoted"},
		"no group":            {group(""), Malformed, "group '' is empty"},
		"a line break":        {group("a\nb"), Malformed, "contains invalid characters"},
		"a leading space":     {group(" a"), Malformed, "group 'a' contains a leading space"},
		"destinations":        {destinations(v1alpha1.ApplicationDestination{Server: "s", Namespace: "n"}, v1alpha1.ApplicationDestination{Name: "s", Namespace: "n2"}), 0, ""},
		"a destination twice": {destinations(v1alpha1.ApplicationDestination{Server: "s", Namespace: "n"}, v1alpha1.ApplicationDestination{Name: "s", Namespace: "n"}), Malformed, "destination 's/n' already added"},
		"no server":           {destinations(v1alpha1.ApplicationDestination{Server: "!*", Namespace: "n"}), Malformed, "server has an invalid format, '!*'"},
		"no namespace":        {destinations(v1alpha1.ApplicationDestination{Server: "s", Namespace: "!*"}), Malformed, "namespace has an invalid format, '!*'"},
		"no repository":       {func(p *v1alpha1.AppProject) { p.Spec.SourceRepos = []string{"*", "!*"} }, Malformed, "source repository has an invalid format, '!*'"},
		"a repository twice":  {func(p *v1alpha1.AppProject) { p.Spec.SourceRepos = []string{"*", "*"} }, Malformed, "source repository '*' already added"},
		"a namespace twice":   {func(p *v1alpha1.AppProject) { p.Spec.SourceNamespaces = []string{"a", "a"} }, Malformed, "source namespace 'a' already added"},
		"accounts":            {account("https://x", "a*", "team:deployer"), 0, ""},
		"an account twice":    {func(p *v1alpha1.AppProject) { account("s", "n", "a")(p); account("s", "n", "b")(p) }, Malformed, "destinationServiceAccount 's/n' already added"},
		"no account":          {account("s", "n", "  "), Malformed, "defaultServiceAccount has an invalid format, '  '"},
		"a path":              {account("s", "n", "a/b"), Malformed, "defaultServiceAccount has an invalid format, 'a/b'"},
		"a denial":            {account("!s", "n", "a"), Malformed, "server has an invalid format, '!s'"},
		"a broken pattern":    {account("s", "[[ech*", "a"), Malformed, "namespace has an invalid format, '[[ech*'"},
		"a window twice":      {window(func(w *v1alpha1.SyncWindow) { w.ManualSync = true }), Duplicate, "sync window with kind 'allow', schedule '* * * * *', and duration '1h' already exists"},
		"other windows":       {window(func(w *v1alpha1.SyncWindow) { w.TimeZone = "Europe/Zurich" }), 0, ""},
		"a bad window":        {window(func(w *v1alpha1.SyncWindow) { w.Schedule = "bad" }), Malformed, "bad schedule"},
		"a window of nothing": {window(func(w *v1alpha1.SyncWindow) { w.Applications = nil }), Incomplete, "window 'allow':'* * * * *':'1h' requires one of application, cluster or namespace"},
		"a long story":        {window(func(w *v1alpha1.SyncWindow) { w.Kind, w.Description = "deny", strings.Repeat("x", 256) }), Malformed, "description must not exceed 255 characters"},
	} {
		p := &v1alpha1.AppProject{}
		p.Name = "shop"
		c.change(p)
		err := Validate(p, func(w *v1alpha1.SyncWindow) error {
			if w.Schedule == "bad" {
				return errors.New("bad schedule")
			}
			return nil
		})
		var fault *Fault
		switch {
		case c.want == "" && err == nil:
		case c.want != "" && errors.As(err, &fault) && fault.Kind == c.kind && strings.Contains(fault.Text, c.want):
		default:
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// FuzzValidatePolicy: whatever a role's policy is, one that is taken is one line about the role and the project.
func FuzzValidatePolicy(f *testing.F) {
	f.Add("p, proj:shop:ci, applications, get, shop/*, allow")
	f.Add("p,proj:shop:ci,applications,get,shop/*,allow\ng, x, role:admin")
	f.Add(`p, proj:shop:ci, applications, get, "shop/*, allow"`)
	f.Fuzz(func(t *testing.T, policy string) {
		if validatePolicy("shop", "ci", policy) != nil {
			return
		}
		fields := strings.Split(policy, ",")
		if strings.ContainsAny(policy, "\n\r\"") || strings.TrimSpace(fields[1]) != "proj:shop:ci" || !strings.HasPrefix(strings.TrimSpace(fields[4]), "shop/") {
			t.Errorf("it was taken: %q", policy)
		}
	})
}

func TestTokensAreListedTwice(t *testing.T) {
	p := &v1alpha1.AppProject{}
	p.Spec.Roles = []v1alpha1.ProjectRole{{Name: "ci", JWTTokens: []v1alpha1.JWTToken{{IssuedAt: 5}}}, {Name: "idle"}}
	p.Status.JWTTokensByRole = map[string]v1alpha1.JWTTokens{
		"ci": {Items: []v1alpha1.JWTToken{{IssuedAt: 7, ID: "seven"}}}, "gone": {Items: []v1alpha1.JWTToken{{IssuedAt: 6, ID: "six"}}},
	}
	NormalizeTokens(p)
	if got := p.Spec.Roles[0].JWTTokens; len(got) != 2 || got[0].ID != "seven" || got[1].ID != "5" {
		t.Errorf("got %+v", got)
	}
	if got := p.Status.JWTTokensByRole; len(got) != 1 || len(got["ci"].Items) != 2 {
		t.Errorf("got %+v", got)
	}
	if RemoveToken(p, "ci", 0, "nobody's") || RemoveToken(p, "idle", 5, "") || RemoveToken(p, "none", 5, "") {
		t.Error("something was removed")
	}
	if !RemoveToken(p, "ci", 5, "") || !RemoveToken(p, "ci", 0, "seven") {
		t.Error("nothing was removed")
	}
	NormalizeTokens(p)
	if len(p.Spec.Roles[0].JWTTokens) != 0 || p.Status.JWTTokensByRole != nil {
		t.Errorf("got %+v", p)
	}
}

func TestOtherSchemesAreOtherRepositories(t *testing.T) {
	p := &v1alpha1.AppProject{}
	p.Spec.SourceRepos = []string{"https://git.example/team/*", "git@git.example:tools/*"}
	for address, want := range map[string]bool{
		"https://git.example/team/app": true, "https://Git.Example/Team/App.git": true, "https://user@git.example/team/app/": true,
		"ssh://git@git.example/tools/x": true, "git@git.example:tools/x.git": true,
		"git@git.example:team/app": false, "http://git.example/team/app": false, "https://git.example/tools/x": false,
		"https://git.example/team/a/b": false,
	} {
		if got := PermitsSource(p, address); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}
