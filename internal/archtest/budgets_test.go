package archtest

import (
	"go/ast"
	"path"
	"strings"
	"testing"
)

// The budgets: what a reader can hold in mind.
const (
	maxFileLines        = 500
	maxFunctionLines    = 80
	maxParameters       = 6
	maxInterfaceMethods = 3
)

// waivers lets one thing over its budget, by "file" or "file:name", with the reason.
var waivers = map[string]string{
	"internal/controller/application/recorder.go:Eventf": "it is client-go's interface",
}

// grabBags are names that say nothing about what is inside.
var grabBags = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base"}

func TestBudgets(t *testing.T) {
	used := map[string]bool{}
	over := func(key, format string, args ...any) {
		if _, ok := waivers[key]; ok {
			used[key] = true
			return
		}
		t.Errorf(key+": "+format, args...)
	}
	for _, file := range sources(t) {
		if file.generated {
			continue
		}
		if n := file.lines(); n > maxFileLines {
			over(file.path, "%d lines; split it by subject (at most %d)", n, maxFileLines)
		}
		ast.Inspect(file.ast, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.FuncDecl:
				key := file.path + ":" + n.Name.Name
				if lines := file.fset.Position(n.End()).Line - file.fset.Position(n.Pos()).Line + 1; lines > maxFunctionLines {
					over(key, "%d lines; name its steps (at most %d)", lines, maxFunctionLines)
				}
				if count := n.Type.Params.NumFields(); count > maxParameters {
					over(key, "%d parameters; make a struct of them (at most %d)", count, maxParameters)
				}
			case *ast.TypeSpec:
				if i, ok := n.Type.(*ast.InterfaceType); ok && i.Methods.NumFields() > maxInterfaceMethods {
					over(file.path+":"+n.Name.Name, "%d methods; split it (at most %d)", i.Methods.NumFields(), maxInterfaceMethods)
				}
			}
			return true
		})
	}
	for key := range waivers {
		if !used[key] {
			t.Errorf("%s: the waiver is no longer needed", key)
		}
	}
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	documented := map[string]bool{}
	for _, file := range sources(t) {
		documented[file.pkg] = documented[file.pkg] || file.ast.Doc != nil
		for _, bag := range grabBags {
			if path.Base(file.pkg) == bag {
				t.Errorf("%s: the name says nothing about what is in it", file.pkg)
			}
		}
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s: no file has a package comment: say what it is, what it is not, where to start", pkg)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, file := range sources(t) {
		if file.generated || strings.HasSuffix(file.pkg, "/testdata") {
			continue
		}
		for _, decl := range file.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Recv == nil && d.Doc == nil {
					t.Errorf("%s: %s has no comment", file.path, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					ts, ok := spec.(*ast.TypeSpec)
					if ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
						t.Errorf("%s: type %s has no comment", file.path, ts.Name.Name)
					}
				}
			}
		}
	}
}
