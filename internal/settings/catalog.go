package settings

import (
	"strings"

	"fairlead.dev/fairlead/internal/event"
)

// Catalog finds repositories among those that an operator configured. It doesn't change, and is safe for concurrent use.
type Catalog struct {
	repositories []Repository
	// at are the places in repositories by normal URL; prefixes are the templates' in the form in which they are compared.
	at        map[string][]int
	templates []Repository
	prefixes  []string
}

// NewCatalog is made of the Secrets of type repository and those of type repo-creds. The slices belong to the catalog then.
func NewCatalog(repositories, templates []Repository) *Catalog {
	c := &Catalog{repositories: repositories, at: make(map[string][]int, len(repositories)), templates: templates}
	for i, r := range repositories {
		normal := event.CanonicalURL(r.URL)
		c.at[normal] = append(c.at[normal], i)
	}
	for _, t := range templates {
		c.prefixes = append(c.prefixes, prefixForm(t.URL))
	}
	return c
}

// Repositories are those that have a Secret of their own, in the order in which they were given. They must not be changed.
func (c *Catalog) Repositories() []Repository { return c.repositories }

// Find picks the repository with that URL (however it is spelled) that applications of the project may use: the project's
// own, else one of no project. It gets the credentials of the template with the longest matching prefix if it has none of
// its own. Without a match it is the bare URL. An empty project has none of its own.
func (c *Catalog) Find(url, project string) Repository {
	found, known := Repository{URL: url}, false
	for _, i := range c.at[event.CanonicalURL(url)] {
		r := c.repositories[i]
		if r.Project != "" && r.Project != project {
			continue
		}
		if !known || found.Project == "" && r.Project != "" {
			found, known = r, true
			found.URL = url
		}
	}
	found, _ = c.Inherited(found, project)
	return found
}

// Inherited is a repository with what it inherits from the template with the longest matching prefix that the project may
// use, if it has no credentials of its own, and whether there is one.
func (c *Catalog) Inherited(r Repository, project string) (Repository, bool) {
	if r.HasCredentials() {
		return r, false
	}
	best, longest := -1, 0
	form := prefixForm(r.URL)
	for i, t := range c.templates {
		prefix := c.prefixes[i]
		if t.Project != "" && t.Project != project || !strings.HasPrefix(form, prefix) || best >= 0 && len(prefix) <= longest {
			continue
		}
		best, longest = i, len(prefix)
	}
	if best < 0 {
		return r, false
	}
	return r.Inherit(c.templates[best]), true
}
