package imagepolicy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"
)

// The author of commits where nothing else is configured; tools that read histories look for it.
const (
	DefaultAuthorName  = "argocd-image-updater"
	DefaultAuthorEmail = "noreply@argoproj.io"
)

// DefaultMessage is the template of the commit message for one application, and upstream's.
const DefaultMessage = `build: automatic update of {{ .AppName }}

{{ range .AppChanges -}}
updates image {{ .Image }} tag '{{ .OldTag }}' to '{{ .NewTag }}'
{{ end -}}
`

// Change is one image of one application that gets another version.
type Change struct {
	// Repository is the image's name, Alias its alias or empty.
	Repository, Alias string
	From, To          Version
}

// AppChanges are the changes of one application.
type AppChanges struct {
	Namespace, App string
	Changes        []Change
}

// messageChange and the struct in Message are what templates see; the names are upstream's.
type messageChange struct {
	AppName, Image, OldTag, NewTag string
	Labels                         map[string]string
}

// maxText bounds what a template may write, in bytes.
const maxText = 256 << 10

// maxSubject is the length from which the list of applications in a subject is cut, in bytes.
const maxSubject = 100

// Message words one commit for the changes of some applications. Empty text means DefaultMessage.
//
// For one application it is upstream's message. For several, the subject names them all ("app1, app2", or "app1, app2 and
// 88 more"), and the body has upstream's lines once for all applications that change alike, under their names if there are
// others. A template of one's own is run once, with the joined names as .AppName and all changes (each with its own .AppName).
func Message(apps []AppChanges, text string) (string, error) {
	if strings.TrimSpace(text) == "" || text == DefaultMessage {
		return defaultMessage(apps), nil
	}
	tmpl, err := template.New("git.commit-message-template").Option("missingkey=zero").Parse(text)
	if err != nil {
		return "", fmt.Errorf("reading the commit message template: %w", err)
	}
	data := struct {
		AppName    string
		AppChanges []messageChange
	}{AppName: names(apps, maxSubject)}
	for _, app := range apps {
		for _, change := range app.Changes {
			data.AppChanges = append(data.AppChanges, messageChange{app.App, shortName(change.Repository), change.From.Label(),
				change.To.Label(), map[string]string{}})
		}
	}
	var message limitedText
	if err := tmpl.Execute(&message, data); err != nil {
		return "", fmt.Errorf("writing the commit message from its template: %w", err)
	}
	if strings.TrimSpace(message.String()) == "" {
		return "", errors.New("writing the commit message from its template: it is empty")
	}
	return message.String(), nil
}

func defaultMessage(apps []AppChanges) string {
	type group struct {
		apps  []AppChanges
		lines string
	}
	var groups []group
	for _, app := range apps {
		var lines strings.Builder
		for _, change := range app.Changes {
			fmt.Fprintf(&lines, "updates image %s tag '%s' to '%s'\n", shortName(change.Repository), change.From.Label(), change.To.Label())
		}
		if i := slices.IndexFunc(groups, func(g group) bool { return g.lines == lines.String() }); i >= 0 {
			groups[i].apps = append(groups[i].apps, app)
			continue
		}
		groups = append(groups, group{[]AppChanges{app}, lines.String()})
	}
	message := "build: automatic update of " + names(apps, maxSubject) + "\n"
	for _, g := range groups {
		message += "\n"
		// Names that the subject doesn't spell out are in the body, so that searching the history finds them.
		if len(groups) > 1 || names(apps, maxSubject) != names(apps, maxText) {
			message += names(g.apps, maxText) + ":\n"
		}
		message += g.lines
	}
	return message
}

// names joins the applications' names, up to about limit bytes.
func names(apps []AppChanges, limit int) string {
	joined := ""
	for i, app := range apps {
		if i > 0 && len(joined)+len(app.App) > limit {
			return fmt.Sprintf("%s and %d more", joined, len(apps)-i)
		}
		if i > 0 {
			joined += ", "
		}
		joined += app.App
	}
	return joined
}

// maxBranch is the longest name of a branch, in bytes; upstream cuts there too.
const maxBranch = 255

// checkBranchTemplate refuses templates that don't parse, and those that could keep the hub busy: whoever may annotate an
// application writes them.
func checkBranchTemplate(text string) error {
	if len(text) > 1024 {
		return errors.New("the branch template is longer than 1024 bytes")
	}
	if strings.Count(text, "range") > 2 || strings.Contains(text, "define") || strings.Contains(text, "block") ||
		strings.Contains(text, "template") {
		return errors.New("the branch template may use range twice, and neither define, block nor template")
	}
	if _, err := template.New("git-branch").Parse(text); err != nil {
		return fmt.Errorf("the branch template can't be read: %w", err)
	}
	return nil
}

// BranchName is the branch to push the changes of one application to: the template of the git-branch annotation filled in.
func (w WriteBack) BranchName(app AppChanges) (string, error) {
	if !strings.Contains(w.Branch, "{{") {
		return w.Branch, nil
	}
	tmpl, err := template.New("git-branch").Parse(w.Branch)
	if err != nil {
		return "", fmt.Errorf("reading the branch template of application %s: %w", app.App, err)
	}
	type image struct{ Name, Alias, OldTag, NewTag string }
	data := struct {
		Images                                   []image
		SHA256, AppName, AppNamespace, TargetKey string
	}{AppName: app.App, AppNamespace: app.Namespace, TargetKey: hash(w.Repository, w.Base, w.Target.Path)[:8]}
	var ids []string
	for _, c := range app.Changes {
		data.Images = append(data.Images, image{shortName(c.Repository), c.Alias, c.From.Label(), c.To.Label()})
		ids = append(ids, fmt.Sprintf("%s-%s-%s,", shortName(c.Repository), c.From.Label(), c.To.Label()))
	}
	data.SHA256 = hash(ids...)
	var name limitedText
	if err := tmpl.Execute(&name, data); err != nil {
		return "", fmt.Errorf("naming the branch for application %s: %w", app.App, err)
	}
	branch := strings.TrimSpace(name.String())
	if branch == "" {
		return "", fmt.Errorf("naming the branch for application %s: the template gives no name", app.App)
	}
	return branch[:min(len(branch), maxBranch)], nil
}

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// limitedText takes what a template writes, up to maxText.
type limitedText struct{ text strings.Builder }

func (t *limitedText) String() string { return t.text.String() }

func (t *limitedText) Write(p []byte) (int, error) {
	if t.text.Len()+len(p) > maxText {
		return 0, fmt.Errorf("the text is longer than %d bytes", maxText)
	}
	return t.text.Write(p)
}
