package imagepolicy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func changes(app string, updates ...string) AppChanges {
	c := AppChanges{Namespace: "argocd", App: app}
	for _, update := range updates {
		var image, from, to string
		fmt.Sscan(update, &image, &from, &to)
		c.Changes = append(c.Changes, Change{Repository: image, From: ParseVersion(from), To: ParseVersion(to)})
	}
	return c
}

func TestMessage(t *testing.T) {
	const web, side = "ghcr.io/cidemo/echo-server v1.0 v2.1", "localhost:5000/side 1 latest@sha256:ab"
	many := make([]AppChanges, 90)
	for i := range many {
		many[i] = changes(fmt.Sprintf("app-%02d", i), web)
	}
	for name, c := range map[string]struct {
		apps     []AppChanges
		template string
		want     string
	}{
		"one application": {[]AppChanges{changes("echo", web, side)}, "", `build: automatic update of echo

updates image cidemo/echo-server tag 'v1.0' to 'v2.1'
updates image side tag '1' to 'sha256:ab'
`},
		"several that change alike": {[]AppChanges{changes("dev", web), changes("staging", web)}, DefaultMessage,
			`build: automatic update of dev, staging

updates image cidemo/echo-server tag 'v1.0' to 'v2.1'
`},
		"several that don't": {[]AppChanges{changes("dev", web), changes("other", side), changes("staging", web)}, "",
			`build: automatic update of dev, other, staging

dev, staging:
updates image cidemo/echo-server tag 'v1.0' to 'v2.1'

other:
updates image side tag '1' to 'sha256:ab'
`},
		"a template": {[]AppChanges{changes("dev", web), changes("other", side)},
			"[skip ci] {{ .AppName }}\n{{ range .AppChanges }}{{ .AppName }} {{ .Image }} {{ .OldTag }}>{{ .NewTag }}{{ index .Labels \"x\" }}\n{{ end }}",
			"[skip ci] dev, other\ndev cidemo/echo-server v1.0>v2.1\nother side 1>sha256:ab\n"},
	} {
		got, err := Message(c.apps, c.template)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	got, err := Message(many, "")
	subject, body, _ := strings.Cut(got, "\n")
	if err != nil || len(subject) > 160 || !strings.HasSuffix(subject, " more") || !strings.Contains(body, "app-89:\n") {
		t.Errorf("90 applications: %v\n%s", err, got)
	}
	for _, template := range []string{"{{", "{{ .Nothing }}", " {{/* empty */}} ", `{{ range $i := .AppChanges }}{{ printf "%400000d" 1 }}{{ end }}`} {
		if got, err := Message(many, template); err == nil {
			t.Errorf("the template %q gives %d bytes, want an error", template, len(got))
		}
	}
}

func TestMessageIsUpstreams(t *testing.T) {
	app := []AppChanges{changes("echo", "ghcr.io/cidemo/echo-server v1.0 v2.1")}
	ours, err := Message(app, "")
	if err != nil {
		t.Fatal(err)
	}
	upstream, err := Message(app, DefaultMessage+" ")
	if err != nil || strings.TrimSpace(ours) != strings.TrimSpace(upstream) {
		t.Errorf("ours:\n%s\nupstream's template (%v):\n%s", ours, err, upstream)
	}
}

func TestBranchName(t *testing.T) {
	app := changes("echo", "ghcr.io/foo/bar 1.0 1.1")
	for template, want := range map[string]string{
		"":      "",
		"fixed": "fixed",
		"image-updater{{range .Images}}-{{.Name}}-{{.NewTag}}{{end}}": "image-updater-foo/bar-1.1",
		"{{.AppNamespace}}/{{.AppName}}":                              "argocd/echo",
	} {
		if got, err := (WriteBack{Branch: template}).BranchName(app); err != nil || got != want {
			t.Errorf("%q gives %q, %v; want %q", template, got, err, want)
		}
	}
	one, _ := (WriteBack{Branch: "b-{{.SHA256}}"}).BranchName(app)
	two, _ := (WriteBack{Branch: "b-{{.SHA256}}"}).BranchName(changes("echo", "ghcr.io/foo/bar 1.0 1.2"))
	if len(one) != 66 || one == two {
		t.Errorf("the hash should stand for the changes: %q, %q", one, two)
	}
	if got, err := (WriteBack{Branch: "{{.Nothing}}"}).BranchName(app); err == nil {
		t.Errorf("an unknown field gives %q", got)
	}
	for _, bad := range []string{"{{", `{{define "a"}}{{end}}`, `{{template "a"}}`, strings.Repeat("{{range .Images}}{{end}}", 3), strings.Repeat("x", 2000)} {
		if err := checkBranchTemplate(bad); err == nil {
			t.Errorf("the template %.40q should be refused", bad)
		}
	}
}
