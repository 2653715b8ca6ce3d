package deeplink

import (
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/expr-lang/expr"
	"sigs.k8s.io/yaml"
)

// Keys of argocd-cm: the links of applications, of their objects, and of projects.
const (
	ApplicationLinks = "application.links"
	ResourceLinks    = "resource.links"
	ProjectLinks     = "project.links"
)

// Subject is what conditions and templates look at, by upstream's names: resource, application (also app), cluster, project,
// managedByURL. A name that isn't there is nil to a condition and "<no value>" in a template.
type Subject map[string]any

// Names of a Subject.
const (
	Resource         = "resource"
	Application      = "application"
	ShortApplication = "app"
	Cluster          = "cluster"
	Project          = "project"
	ManagedByURL     = "managedByURL"
)

// Link is what an operator says of a link.
type Link struct {
	// URL is a text/template with sprig's functions, but for those that tell about the process's surroundings.
	URL   string `json:"url"`
	Title string `json:"title"`
	// Description and IconClass are for pages that show the link; nil where there is none.
	Description *string `json:"description,omitempty"`
	IconClass   *string `json:"icon.class,omitempty"`
	// Condition is an expression (github.com/expr-lang/expr) that must be true; nil is always.
	Condition *string `json:"if,omitempty"`
}

// Parse reads a value of argocd-cm: a YAML list. Empty is no link.
func Parse(text string) ([]Link, error) {
	var links []Link
	if err := yaml.Unmarshal([]byte(text), &links); err != nil {
		return nil, fmt.Errorf("reading deep links: %w", err)
	}
	return links, nil
}

// Evaluate gives the links that the subject's conditions let through, with their URLs made. A link that can't be evaluated is
// left out; the error, which joins one for each of those, is for the operator, and the links are right all the same.
func Evaluate(links []Link, subject Subject) (shown []Link, err error) {
	var failures []error
	for _, link := range links {
		wanted, err := link.wanted(subject)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if !wanted {
			continue
		}
		if link.URL, err = link.address(subject); err != nil {
			failures = append(failures, err)
			continue
		}
		shown = append(shown, link)
	}
	return shown, errors.Join(failures...)
}

func (l Link) wanted(subject Subject) (bool, error) {
	if l.Condition == nil {
		return true, nil
	}
	result, err := expr.Eval(*l.Condition, map[string]any(subject))
	if err != nil {
		return false, fmt.Errorf("evaluating the condition %q of the deep link %q: %w", *l.Condition, l.Title, err)
	}
	wanted, ok := result.(bool)
	if !ok {
		return false, fmt.Errorf("evaluating the condition %q of the deep link %q: it is neither true nor false", *l.Condition, l.Title)
	}
	return wanted, nil
}

// maxURL bounds an address, in bytes; browsers take less.
const maxURL = 64 << 10

func (l Link) address(subject Subject) (string, error) {
	parsed, err := template.New("deep link").Funcs(functions).Parse(l.URL)
	if err != nil {
		return "", fmt.Errorf("reading the address of the deep link %q: %w", l.Title, err)
	}
	var out limited
	if err := parsed.Execute(&out, map[string]any(subject)); err != nil {
		return "", fmt.Errorf("making the address of the deep link %q: %w", l.Title, err)
	}
	return out.String(), nil
}

var functions = func() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, name)
	}
	return all
}()

// limited is a builder that takes maxURL bytes.
type limited struct{ strings.Builder }

func (l *limited) Write(data []byte) (int, error) {
	if l.Len()+len(data) > maxURL {
		return 0, fmt.Errorf("it is longer than %d bytes", maxURL)
	}
	return l.Builder.Write(data)
}
