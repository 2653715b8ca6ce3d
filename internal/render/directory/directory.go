// Package directory reads a folder of manifests, YAML, JSON and Jsonnet, with Argo CD's rules of what counts as one.
//
// It doesn't template, but for Jsonnet (package jsonnet evaluates it). It is stricter than Argo CD where leaving out a
// manifest would delete what it made: a link that leads nowhere is an error if its name is a manifest's. Start with Render.
package directory

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/render/jsonnet"
	"fairlead.dev/fairlead/internal/render/manifest"
	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const (
	// skipMarker anywhere in a file leaves the file out.
	skipMarker = "+argocd:skip-file-rendering"
	// maxFiles and maxDepth bound what one source may hold, however it is made.
	maxFiles = 20000
	maxDepth = 64
	// maxBytes bounds all manifests of one source together; Argo CD's default is 10 MB. In memory they take a multiple.
	maxBytes = 16 << 20
)

// manifestName is which files count: those that may hold manifests.
var manifestName = regexp.MustCompile(`^.*\.(yaml|yml|json|jsonnet)$`)

type walker struct {
	ctx              context.Context
	files            fs.FS
	root             string
	options          Options
	expand           func(string) string
	include, exclude glob.Glob
	count, bytes     int
	objects          []*unstructured.Unstructured
	// evaluator is made with the first file of Jsonnet.
	evaluator *jsonnet.Evaluator
}

// Options say what of a folder counts.
type Options struct {
	v1alpha1.ApplicationSourceDirectory
	// NoJsonnet leaves files of Jsonnet out.
	NoJsonnet bool
}

// Render reads the manifests of the folder root, and of those below if options say so, in the order of their paths.
// Include and exclude patterns match paths relative to root; * also matches slashes, and {a,b} means either. Expand replaces
// build variables in Jsonnet's variables; nil leaves them.
func Render(ctx context.Context, files fs.FS, root string, options Options, expand func(string) string) ([]*unstructured.Unstructured, error) {
	w := &walker{ctx: ctx, files: files, root: root, options: options, expand: expand}
	for _, pattern := range []struct {
		name, text string
		compiled   *glob.Glob
	}{{"include", options.Include, &w.include}, {"exclude", options.Exclude, &w.exclude}} {
		if pattern.text == "" {
			continue
		}
		compiled, err := glob.Compile(pattern.text)
		if err != nil {
			return nil, fmt.Errorf("directory.%s: %q is not a pattern: %w", pattern.name, pattern.text, err)
		}
		*pattern.compiled = compiled
	}
	if err := w.folder(".", 0); err != nil {
		return nil, err
	}
	return w.objects, nil
}

func (w *walker) folder(relative string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: folders are nested more than %d deep", relative, maxDepth)
	}
	entries, err := fs.ReadDir(w.files, path.Join(w.root, relative))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := w.entry(path.Join(relative, entry.Name()), entry, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(relative string, entry fs.DirEntry, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return context.Cause(w.ctx)
	}
	if w.count++; w.count > maxFiles {
		return fmt.Errorf("there are more than %d files: narrow the path or directory.include", maxFiles)
	}
	if entry.Type()&fs.ModeSymlink != 0 {
		// A link that leads out of the repository is an error whatever its name, as in Argo CD. Links to folders are not
		// followed, as there.
		info, err := fs.Stat(w.files, path.Join(w.root, relative))
		if err != nil && !w.wanted(relative) && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if info.IsDir() {
			return nil
		}
	}
	if entry.IsDir() {
		if !w.options.Recurse || entry.Name() == ".git" {
			return nil
		}
		return w.folder(relative, depth+1)
	}
	if !w.wanted(relative) {
		return nil
	}
	return w.file(relative)
}

// wanted tells whether a file counts, by its name and the patterns. Exclude wins.
func (w *walker) wanted(relative string) bool {
	if w.options.NoJsonnet && strings.HasSuffix(relative, ".jsonnet") {
		return false
	}
	return (w.options.DisableExtensionFilter || manifestName.MatchString(path.Base(relative))) &&
		(w.exclude == nil || !w.exclude.Match(relative)) &&
		(w.include == nil || w.include.Match(relative))
}

func (w *walker) file(relative string) error {
	name := path.Join(w.root, relative)
	data, err := fs.ReadFile(w.files, name)
	if err != nil {
		return err
	}
	if w.bytes += len(data); w.bytes > maxBytes {
		return fmt.Errorf("the manifests have more than %d bytes together: narrow the path or directory.include", maxBytes)
	}
	if bytes.Contains(data, []byte(skipMarker)) {
		return nil
	}
	if strings.HasSuffix(relative, ".jsonnet") {
		return w.jsonnet(name)
	}
	objects, err := manifest.Parse(name, data)
	if err != nil {
		if !strings.HasSuffix(relative, ".json") && !looksLikeManifest(data) {
			return nil
		}
		return err
	}
	w.objects = append(w.objects, objects...)
	return nil
}

// jsonnet evaluates a file. What it gives counts as if it stood in the folder.
func (w *walker) jsonnet(name string) (err error) {
	if w.evaluator == nil {
		if w.evaluator, err = jsonnet.New(w.ctx, w.files, w.root, w.options.Jsonnet, w.expand); err != nil {
			return err
		}
	}
	texts, err := w.evaluator.Evaluate(name)
	if err != nil {
		return err
	}
	for _, text := range texts {
		if err := w.evaluated(name, text); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) evaluated(name string, text json.RawMessage) error {
	if w.bytes += len(text); w.bytes > maxBytes {
		return fmt.Errorf("%s: with what it evaluates to, the manifests have more than %d bytes together", name, maxBytes)
	}
	objects, err := manifest.Parse(name, text)
	w.objects = append(w.objects, objects...)
	return err
}

// topLevel finds the keys at the start of a line by which people recognise a manifest.
var topLevel = regexp.MustCompile(`(?m)^["']?(apiVersion|kind|metadata)["']?\s*:`)

// looksLikeManifest tells a broken manifest, which is an error, from some other YAML file, which Argo CD ignores too. Argo CD
// wants all three of apiVersion, kind and metadata anywhere in the file; two in one document are enough here, and one in a
// document that isn't YAML at all, so that neither a misspelt key nor a stray bracket deletes what the manifest made.
func looksLikeManifest(data []byte) bool {
	if bytes.Contains(data, []byte("apiVersion")) && bytes.Contains(data, []byte("kind")) && bytes.Contains(data, []byte("metadata")) {
		return true // perhaps in braces, on one line
	}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		document, err := reader.Read()
		if err != nil {
			return false
		}
		keys := map[string]bool{}
		for _, match := range topLevel.FindAllSubmatch(document, -1) {
			keys[string(match[1])] = true
		}
		var any any
		if len(keys) >= 2 || len(keys) == 1 && yaml.Unmarshal(document, &any) != nil {
			return true
		}
	}
}
