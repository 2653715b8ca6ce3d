package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const module = "fairlead.dev/fairlead"

// root is the repository, seen from this package.
const root = "../.."

// sourceFile is one parsed Go file that isn't a test.
type sourceFile struct {
	// path is relative to the repository, pkg the import path without the module.
	path, pkg string
	ast       *ast.File
	fset      *token.FileSet
	generated bool
}

func (f sourceFile) lines() int { return f.fset.File(f.ast.Pos()).LineCount() }

// sources parses the main module: everything but the modules nested in it.
func sources(t *testing.T) []sourceFile {
	t.Helper()
	var files []sourceFile
	for _, top := range []string{"api", "cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && entry.Name() == "testdata" {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			fset := token.NewFileSet()
			parsed, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			files = append(files, sourceFile{
				path: relative, pkg: filepath.ToSlash(filepath.Dir(relative)), ast: parsed, fset: fset,
				generated: ast.IsGenerated(parsed),
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) == 0 {
		t.Fatal("found no sources: is the test run from its own folder?")
	}
	return files
}
