package access

import (
	"fmt"
	"testing"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func project(repos []string, destinations ...v1alpha1.ApplicationDestination) *v1alpha1.AppProject {
	p := &v1alpha1.AppProject{Spec: v1alpha1.AppProjectSpec{SourceRepos: repos, Destinations: destinations}}
	p.Name = "shop"
	return p
}

func TestPermitsSource(t *testing.T) {
	for _, test := range []struct {
		repos  []string
		source string
		want   bool
	}{
		{nil, "https://git/a", false},
		{[]string{"*"}, "https://git/a/b.git", true},
		{[]string{"*", "!https://git/secret"}, "https://git/secret.git", false},
		{[]string{"*", "!https://git/secret"}, "https://git/open", true},
		{[]string{"https://git/team/*"}, "https://git/team/app", true},
		{[]string{"https://git/team/*"}, "https://git/team/app/sub", false},
		{[]string{"https://git/team/**"}, "https://git/team/app/sub", true},
		{[]string{"https://git/team/app"}, "https://GIT/team/app.git", true},
		{[]string{"https://git/team/["}, "https://git/team/x", false},
	} {
		if got := PermitsSource(project(test.repos), test.source); got != test.want {
			t.Errorf("%v, %s: got %v", test.repos, test.source, got)
		}
	}
}

func TestPermitsDestination(t *testing.T) {
	type d = v1alpha1.ApplicationDestination
	target := d{Server: "https://prod:6443", Name: "prod", Namespace: "shop-web"}
	for i, test := range []struct {
		allowed []d
		want    bool
	}{
		{nil, false},
		{[]d{{Server: "*", Namespace: "*"}}, true},
		{[]d{{Server: "https://prod:6443", Namespace: "shop-*"}}, true},
		{[]d{{Name: "pro*", Namespace: "shop-web"}}, true},
		{[]d{{Server: "https://dev:6443", Namespace: "*"}}, false},
		{[]d{{Server: "*", Namespace: "*"}, {Server: "*", Namespace: "!shop-web"}}, false},
		{[]d{{Server: "*", Namespace: "*"}, {Server: "!https://prod:*", Namespace: "*"}}, false},
		{[]d{{Server: "*", Namespace: "*"}, {Name: "!dev", Namespace: "*"}}, true},
		{[]d{{Namespace: "*"}}, false},
	} {
		if got := PermitsDestination(project(nil, test.allowed...), target); got != test.want {
			t.Errorf("case %d: got %v", i, got)
		}
	}
}

func TestCheckBounds(t *testing.T) {
	p := project([]string{"https://git/a"}, v1alpha1.ApplicationDestination{Server: "*", Namespace: "ok"})
	spec := &v1alpha1.ApplicationSpec{Source: &v1alpha1.ApplicationSource{RepoURL: "https://git/b"}}
	got := CheckBounds(p, spec, v1alpha1.ApplicationDestination{Server: "https://c", Namespace: "no"})
	want := "[application repo https://git/b is not permitted in project 'shop' application destination server 'https://c' and" +
		" namespace 'no' do not match any of the allowed destinations in project 'shop']"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v", got)
	}
}
