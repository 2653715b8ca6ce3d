package archtest

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// layer is a floor of the house. Imports go decide ← do ← drive ← wire and do ← face ← wire; api is below all of them.
type layer string

const (
	api    layer = "api"
	decide layer = "decide"
	do     layer = "do"
	drive  layer = "drive"
	face   layer = "face"
	wire   layer = "wire"
)

// mayImport says which layers a layer may import, its own among them.
var mayImport = map[layer][]layer{
	api:    {api},
	decide: {api, decide},
	do:     {api, decide, do},
	drive:  {api, decide, do, drive},
	face:   {api, decide, do, face},
	wire:   {api, decide, do, drive, face, wire},
}

// layers places each package; the longest prefix wins, so a subfolder named after a technology can be of another layer
// than the pure package above it. A new package needs a line here.
var layers = map[string]layer{
	"api": api,

	"internal/access":                  decide,
	"internal/appset":                  decide,
	"internal/badge":                   decide,
	"internal/build":                   decide,
	"internal/deeplink":                decide,
	"internal/dependency":              decide,
	"internal/diff":                    decide,
	"internal/event":                   decide,
	"internal/health":                  decide,
	"internal/imagepolicy":             decide,
	"internal/object":                  decide,
	"internal/project":                 decide,
	"internal/protocol":                decide,
	"internal/rollout":                 decide,
	"internal/signature":               decide,
	"internal/signature/signaturetest": decide,
	"internal/slug":                    decide,
	"internal/syncplan":                decide,
	"internal/syncwindow":              decide,

	"internal/action":        decide,
	"internal/customization": decide,
	"internal/lua":           decide,

	"internal/appset/generator": do,
	"internal/archive":          do,
	"internal/artifact":         do,
	"internal/build/buildkit":   do,
	"internal/build/buildlog":   do,
	"internal/build/buildtest":  do,
	"internal/build/source":     do,
	"internal/client":           do,
	"internal/cluster":          do,
	"internal/desired":          do,
	"internal/git":              do,
	"internal/githost":          do,
	"internal/hook":             do,
	"internal/basicauth":        do,
	"internal/login":            do,
	"internal/lru":              decide,
	"internal/oci":              do,
	"internal/project/live":     do,
	"internal/registry":         do,
	"internal/render":           do,
	"internal/rollout/workload": do,
	"internal/scm":              do,
	"internal/serve":            do,
	"internal/settings":         do,
	"internal/trace":            do,
	"internal/web":              do,

	"internal/controller": drive,
	"internal/syncrun":    drive,

	"internal/cli":    face,
	"internal/server": face,

	"cmd":               wire,
	"internal/app":      wire,
	"internal/bench":    wire,
	"internal/demo":     wire,
	"conformance":       wire,
	"internal/archtest": wire,
	"internal/local":    wire,
	"internal/testkube": wire,
}

// impure are imports that a pure package must not reach, not even through another package of this module.
var impure = map[string]string{
	"k8s.io/client-go":               "a decision takes values, not clients",
	"sigs.k8s.io/controller-runtime": "a decision takes values, not clients",
	"net/http":                       "a decision does not use the network",
	"os":                             "a decision does not read files or the environment",
	"os/exec":                        "a decision does not run programs",
	"github.com/go-git/go-git/v5":    "a decision does not read repositories",
}

// forbidden are imports that nothing in this module may have.
var forbidden = map[string]string{
	"k8s.io/kubernetes":           "it belongs to the module sandbox/ only",
	"github.com/argoproj/argo-cd": "its client belongs to the conformance modules only",
}

func layerOf(pkg string) (layer, bool) {
	for prefix := pkg; prefix != "."; {
		if l, ok := layers[prefix]; ok {
			return l, true
		}
		cut := strings.LastIndex(prefix, "/")
		if cut < 0 {
			break
		}
		prefix = prefix[:cut]
	}
	return "", false
}

func TestImportsFollowTheLayers(t *testing.T) {
	graph := importGraph(t)
	for _, pkg := range graph.packages() {
		own, ok := layerOf(pkg)
		if !ok {
			t.Errorf("package %s has no layer: give it a line in the table", pkg)
			continue
		}
		for _, imported := range graph[pkg] {
			for path, reason := range forbidden {
				if within(imported, path) {
					t.Errorf("%s imports %s: %s", pkg, imported, reason)
				}
			}
			local, inModule := strings.CutPrefix(imported, module+"/")
			if !inModule {
				continue
			}
			if other, ok := layerOf(local); ok && !contains(mayImport[own], other) {
				t.Errorf("%s (%s) imports %s (%s): %s may import only %v", pkg, own, local, other, own, mayImport[own])
			}
		}
	}
}

func TestPurePackagesStayPure(t *testing.T) {
	graph := importGraph(t)
	for _, pkg := range graph.packages() {
		if l, _ := layerOf(pkg); l != decide && l != api {
			continue
		}
		for path, reason := range impure {
			if chain := graph.chain(pkg, path, map[string]bool{}); chain != nil {
				t.Errorf("%s must not reach %s (%s):\n\t%s", pkg, path, reason, strings.Join(chain, "\n\t→ "))
			}
		}
	}
}

// imports maps a package of this module to all that its files import.
type imports map[string][]string

func importGraph(t *testing.T) imports {
	graph := imports{}
	for _, file := range sources(t) {
		for _, spec := range file.ast.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(fmt.Errorf("%s: %w", file.path, err))
			}
			graph[file.pkg] = append(graph[file.pkg], path)
		}
	}
	return graph
}

func (g imports) packages() []string {
	var names []string
	for name := range g {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// chain is a way from a package to an import that is, or is inside, target; nil when there is none.
func (g imports) chain(pkg, target string, seen map[string]bool) []string {
	if seen[pkg] {
		return nil
	}
	seen[pkg] = true
	for _, imported := range g[pkg] {
		if imported == target || (strings.Contains(target, ".") && within(imported, target)) {
			return []string{pkg, imported}
		}
		if local, ok := strings.CutPrefix(imported, module+"/"); ok {
			if rest := g.chain(local, target, seen); rest != nil {
				return append([]string{pkg}, rest...)
			}
		}
	}
	return nil
}

func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

func contains(all []layer, one layer) bool {
	for _, l := range all {
		if l == one {
			return true
		}
	}
	return false
}
