// Package jsonnet evaluates the Jsonnet files of a folder of manifests, in process, from a tree of a Git repository.
//
// Imports are read from the repository and nowhere else: beside the importing file, then in the library folders that the
// application names, then in its own folder. An evaluation is bounded in its stack, its time, its input and its output, and
// ends with its context, also in the middle of an endless recursion.
//
// It doesn't decide which files are evaluated (package directory does). Start with Evaluator; bound.go says how an
// evaluation is ended, nesting.go what its parser is spared.
package jsonnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"github.com/google/go-jsonnet"
)

const (
	// maxStack is Jsonnet's own default for the depth of calls.
	maxStack = 500
	// maxOutputBytes bounds what one file evaluates to; the API server takes 1.5 MB an object.
	maxOutputBytes = 64 << 20
	// maxStackTrace is how many lines of a stack trace an error shows: it ends up in a condition.
	maxStackTrace = 10
)

// Evaluator evaluates files with the same options. Files that several of them import are read and parsed once. It is for one
// goroutine at a time.
type Evaluator struct {
	vm       *jsonnet.VM
	importer *importer
	bound    *bound
}

// New makes an evaluator for the files of an application's folder root. Expand replaces build variables in the values of
// external variables and top-level arguments; nil leaves them.
func New(ctx context.Context, files fs.FS, root string, options v1alpha1.ApplicationSourceJsonnet, expand func(string) string) (*Evaluator, error) {
	libraries := []string{root}
	for _, lib := range options.Libs {
		folder, err := library(files, lib)
		if err != nil {
			return nil, err
		}
		libraries = append(libraries, folder)
	}
	e := &Evaluator{
		vm:       jsonnet.MakeVM(),
		importer: &importer{ctx: ctx, files: files, libraries: libraries, known: map[string]jsonnet.Contents{}},
		bound:    &bound{ctx: ctx, growth: maxGrowth},
	}
	e.vm.MaxStack = maxStack
	e.vm.Importer(e.importer)
	e.vm.ErrorFormatter.SetMaxStackTraceSize(maxStackTrace)
	// std.trace is for a developer's terminal.
	e.vm.SetTraceOut(io.Discard)
	e.bound.hold(e.vm)
	return e, e.variables(options, expand)
}

// library checks a folder of libraries, which is given relative to the repository's root.
func library(files fs.FS, lib string) (string, error) {
	folder := path.Clean(strings.TrimLeft(lib, "/"))
	if !fs.ValidPath(folder) {
		return "", fmt.Errorf("directory.jsonnet.libs: %q leads out of the repository", lib)
	}
	info, err := fs.Stat(files, folder)
	if err != nil {
		return "", fmt.Errorf("directory.jsonnet.libs: %w", err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("directory.jsonnet.libs: %s is not a folder", folder)
	}
	return folder, nil
}

// variables passes the external variables and the top-level arguments.
func (e *Evaluator) variables(options v1alpha1.ApplicationSourceJsonnet, expand func(string) string) error {
	for _, group := range []struct {
		name      string
		variables []v1alpha1.JsonnetVar
		text      func(name, value string)
		code      func(name, code string)
	}{
		{"extVars", options.ExtVars, e.vm.ExtVar, e.vm.ExtCode},
		{"tlas", options.TLAs, e.vm.TLAVar, e.vm.TLACode},
	} {
		for _, variable := range group.variables {
			value := variable.Value
			if expand != nil {
				value = expand(value)
			}
			if !variable.Code {
				group.text(variable.Name, value)
				continue
			}
			if err := checkNesting(value); err != nil {
				return fmt.Errorf("directory.jsonnet.%s: code of %q: %w", group.name, variable.Name, err)
			}
			group.code(variable.Name, value)
		}
	}
	return nil
}

// Evaluate evaluates a file, and returns the JSON of each object that it is: itself, or the elements of the array that it is.
// What is null is left out. Errors show Jsonnet's own message with file and line.
func (e *Evaluator) Evaluate(file string) ([]json.RawMessage, error) {
	text, err := e.vm.EvaluateFile(file)
	// Ours come out wrapped in Jsonnet's words, or as a panic that it has caught.
	if reason := errors.Join(e.bound.reason, e.importer.reason); reason != nil {
		return nil, fmt.Errorf("evaluating Jsonnet %s: %w", file, reason)
	}
	if err != nil {
		return nil, fmt.Errorf("evaluating Jsonnet %s: %s", file, strings.TrimSpace(err.Error()))
	}
	if len(text) > maxOutputBytes {
		return nil, fmt.Errorf("evaluating Jsonnet %s: it gives %d bytes, and %d are allowed", file, len(text), maxOutputBytes)
	}
	return split(file, []byte(text))
}

func split(file string, text []byte) ([]json.RawMessage, error) {
	parts := []json.RawMessage{text}
	if text[0] == '[' {
		if err := json.Unmarshal(text, &parts); err != nil {
			return nil, fmt.Errorf("reading what Jsonnet %s gives: %w", file, err)
		}
	}
	var objects []json.RawMessage
	for i, part := range parts {
		switch {
		case string(part) == "null" || string(part) == "null\n":
		case part[0] == '{':
			objects = append(objects, part)
		case len(parts) == 1 && text[0] != '[':
			return nil, fmt.Errorf("%s: it evaluates to %.40q: it must be an object or an array of objects", file, strings.TrimSpace(string(part)))
		default:
			return nil, fmt.Errorf("%s: element %d of what it evaluates to is %.40q: it must be an object", file, i, strings.TrimSpace(string(part)))
		}
	}
	return objects, nil
}
