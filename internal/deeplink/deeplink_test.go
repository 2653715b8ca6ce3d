package deeplink

import (
	"strings"
	"testing"
)

var subject = Subject{
	Application:      map[string]any{"metadata": map[string]any{"name": "shop"}, "spec": map[string]any{"project": "retail"}},
	ShortApplication: map[string]any{"metadata": map[string]any{"name": "shop"}},
	Resource:         map[string]any{"data": map[string]any{"key": "value"}},
	Project:          map[string]any{"spec": map[string]any{"sourceRepos": []any{"https://git/x"}}},
	Cluster:          map[string]any{"name": "eu-1"},
}

func TestLinksOfASubject(t *testing.T) {
	for name, c := range map[string]struct{ config, want, fails string }{
		"none":               {config: "", want: ""},
		"templates":          {config: `[{title: a, url: "https://x/{{.application.metadata.name}}/{{.resource.data.key}}/{{index .project.spec.sourceRepos 0}}/{{.cluster.name}}"}]`, want: "a=https://x/shop/value/https://git/x/eu-1"},
		"the short name":     {config: `[{title: a, url: "{{.app.metadata.name | upper}}", if: 'app.metadata.name == "shop"'}]`, want: "a=SHOP"},
		"a condition":        {config: `[{title: a, url: u, if: 'application.spec.project == "retail"'}, {title: b, url: u, if: 'application.spec.project == "x"'}]`, want: "a=u"},
		"a missing name":     {config: `[{title: a, url: u, if: 'nothing != nil && nothing.x == 1'}, {title: b, url: v}]`, want: "b=v"},
		"a broken condition": {config: `[{title: a, url: u, if: 'application.('}, {title: b, url: v}]`, want: "b=v", fails: "condition"},
		"no boolean":         {config: `[{title: a, url: u, if: '1 + 1'}]`, fails: "neither true nor false"},
		"a broken template":  {config: `[{title: a, url: "{{"}, {title: b, url: v}]`, want: "b=v", fails: "reading the address"},
		"surroundings":       {config: `[{title: a, url: '{{env "HOME"}}'}]`, fails: `function "env" not defined`},
		"an endless address": {config: `[{title: a, url: '{{repeat 100000 "x"}}'}]`, fails: "longer than"},
	} {
		links, err := Parse(c.config)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		shown, err := Evaluate(links, subject)
		var got []string
		for _, link := range shown {
			got = append(got, link.Title+"="+link.URL)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %q", name, got, c.want)
		}
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: the error is %v, want one with %q", name, err, c.fails)
		}
	}
}

func TestLinksMustBeAList(t *testing.T) {
	if _, err := Parse("title: a"); err == nil {
		t.Error("a mapping was taken for a list")
	}
	links, err := Parse("[{title: a, url: u, description: d, icon.class: fa-x}]")
	if err != nil || *links[0].Description != "d" || *links[0].IconClass != "fa-x" {
		t.Errorf("got %+v, %v", links, err)
	}
}
