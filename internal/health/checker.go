package health

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/lru"
	"fairlead.dev/fairlead/internal/lua"
)

// Checker judges objects by an operator's scripts, and where there is none by the built-in rules. A nil Checker knows only
// these. It is safe for concurrent use.
type Checker struct {
	exact   map[string]*lua.Program
	globs   []pattern
	results *lru.Cache[version, *Status]
}

type pattern struct {
	text    string
	matches glob.Glob
	program *lua.Program
}

// version is one state of one object.
type version struct {
	uid             types.UID
	resourceVersion string
}

// resultBytes bounds what a Checker remembers: some ten thousand results.
const resultBytes = 4 << 20

// hookFinalizer holds a deleted hook until the sync has seen how it ended.
const hookFinalizer = "argocd.argoproj.io/hook-finalizer"

// NewChecker makes a Checker of scripts by kind, as argocd-cm writes kinds: group/Kind, Kind for the core group, or a glob
// of these. Patterns that can't be read are left out.
func NewChecker(scripts map[string]*lua.Program) *Checker {
	c := &Checker{exact: map[string]*lua.Program{}, results: lru.New[version, *Status](resultBytes)}
	for kind, program := range scripts {
		if !strings.Contains(kind, "*") {
			c.exact[kind] = program
		} else if g, err := glob.Compile(kind); err == nil {
			c.globs = append(c.globs, pattern{kind, g, program})
		}
	}
	// The more is written out, the better a pattern fits.
	slices.SortFunc(c.globs, func(a, b pattern) int {
		if d := len(b.text) - len(a.text); d != 0 {
			return d
		}
		return strings.Compare(a.text, b.text)
	})
	return c
}

func (c *Checker) script(kind schema.GroupKind) *lua.Program {
	if c == nil || len(c.exact) == 0 && len(c.globs) == 0 {
		return nil
	}
	name := kind.Kind
	if kind.Group != "" {
		name = kind.Group + "/" + kind.Kind
	}
	if program := c.exact[name]; program != nil {
		return program
	}
	for _, p := range c.globs {
		if p.matches.Match(name) {
			return p.program
		}
	}
	return nil
}

// Of is the object's health; nil if nothing says what is healthy for it. An object that is being deleted is Progressing.
func (c *Checker) Of(u *unstructured.Unstructured) *Status {
	if u.GetDeletionTimestamp() != nil && !slices.Contains(u.GetFinalizers(), hookFinalizer) {
		return progressing("Pending deletion")
	}
	kind := u.GroupVersionKind().GroupKind()
	if program := c.script(kind); program != nil {
		if status := c.judge(program, u); status != nil {
			return status
		}
	}
	if rule := rules[kind]; rule != nil {
		return rule(u)
	}
	if rule := shipped(kind); rule != nil {
		return rule(u)
	}
	return nil
}

// judge runs a script once for each version of an object.
func (c *Checker) judge(program *lua.Program, u *unstructured.Unstructured) *Status {
	at := version{u.GetUID(), u.GetResourceVersion()}
	cacheable := at.uid != "" && at.resourceVersion != ""
	if cacheable {
		if known, ok := c.results.Get(at); ok {
			return known
		}
	}
	status := run(program, u)
	if cacheable {
		bytes := int64(256)
		if status != nil {
			bytes += int64(len(status.Message))
		}
		c.results.Put(at, status, bytes)
	}
	return status
}

// run is what a script says; nil if it says nothing. A script that fails, or says what is no health, leaves it unknown.
func run(program *lua.Program, u *unstructured.Unstructured) *Status {
	result, err := program.Run(map[string]any{"obj": u.Object}, nil)
	if err != nil {
		return unknown(err.Error())
	}
	var fields map[string]any
	switch result := result.(type) {
	case nil:
		return nil
	case map[string]any:
		fields = result
	default:
		return unknown(fmt.Sprintf("expect table output from Lua script, not %T", result))
	}
	if len(fields) == 0 {
		return nil
	}
	code, _ := fields["status"].(string)
	if _, valid := order[v1alpha1.HealthStatusCode(code)]; !valid {
		return unknown("Lua returned an invalid health status")
	}
	message, _ := fields["message"].(string)
	return &Status{v1alpha1.HealthStatusCode(code), message}
}
