package settings

import (
	"regexp"
	"strings"

	"fairlead.dev/fairlead/internal/lru"
	"fairlead.dev/fairlead/internal/project"
)

// The keys of argocd-cmd-params-cm that name, between commas, the namespaces besides the hub's own in which Applications and
// ApplicationSets count: each a glob, or a regular expression between slashes. They are Argo CD's.
const (
	ApplicationNamespacesKey    = "application.namespaces"
	ApplicationSetNamespacesKey = "applicationsetcontroller.namespaces"
)

// Namespaces are those in which objects of a kind count: the hub's own, and those that an operator names.
type Namespaces struct {
	Hub      string
	Patterns []string
}

// NamespacesFrom reads a list between commas.
func NamespacesFrom(hub, list string) Namespaces {
	n := Namespaces{Hub: hub}
	for _, pattern := range strings.Split(list, ",") {
		if pattern = strings.TrimSpace(pattern); pattern != "" {
			n.Patterns = append(n.Patterns, pattern)
		}
	}
	return n
}

// Has tells whether a namespace is one of them. A pattern that can't be read names none.
func (n Namespaces) Has(namespace string) bool {
	if namespace == n.Hub {
		return true
	}
	for _, pattern := range n.Patterns {
		if inner, ok := strings.CutPrefix(pattern, "/"); ok && len(inner) > 1 && strings.HasSuffix(inner, "/") {
			if expression := expressionOf(strings.TrimSuffix(inner, "/")); expression != nil && expression.MatchString(namespace) {
				return true
			}
		} else if project.Glob(pattern, namespace, 0) {
			return true
		}
	}
	return false
}

// expressions remembers what was compiled: there are few, and each is asked often.
var expressions = lru.New[string, *regexp.Regexp](1 << 20)

// expressionOf gives nil for what makes no sense.
func expressionOf(pattern string) *regexp.Regexp {
	expression, ok := expressions.Get(pattern)
	if !ok {
		expression, _ = regexp.Compile(pattern) // the error is nil's reason
		expressions.Put(pattern, expression, int64(64+16*len(pattern)))
	}
	return expression
}
