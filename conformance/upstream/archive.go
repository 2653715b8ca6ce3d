// Package upstream reads files of Argo CD's own module, as the cases that conformance runs judge us by. It is fetched
// through the Go module proxy, checked against its known sum and read from the archive; nothing of it is built or kept here.
// Start with Open.
package upstream

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

const (
	module = "github.com/argoproj/argo-cd/v3@v3.6.0"
	// sum is what go.sum would say; it is here because nothing of upstream is in go.mod.
	sum = "h1:nagGlvbbk58cvQLplUD2uoKXaNazgfB0LdRk4PuJZl4="
	// maxFile bounds one file, in bytes; upstream's largest case is a hundredth of it.
	maxFile = 4 << 20
)

// Archive is a folder of upstream's module.
type Archive struct {
	reader *zip.ReadCloser
	files  map[string]*zip.File
}

// Open fetches the module, unless it lies in the module cache, and opens a folder of it.
func Open(folder string) (*Archive, error) {
	// The command reports an error when the module asks for a newer Go than ours, but has downloaded it by then: the path
	// and the sum decide.
	out, runErr := exec.Command("go", "mod", "download", "-json", module).Output()
	var downloaded struct{ Zip, Sum, Error string }
	if err := json.Unmarshal(out, &downloaded); err != nil {
		return nil, fmt.Errorf("downloading %s: %w", module, errors.Join(err, runErr))
	}
	if downloaded.Zip == "" {
		return nil, fmt.Errorf("downloading %s: %s", module, downloaded.Error)
	}
	if downloaded.Sum != sum {
		return nil, fmt.Errorf("downloading %s: its sum is %s, not %s", module, downloaded.Sum, sum)
	}
	reader, err := zip.OpenReader(downloaded.Zip)
	if err != nil {
		return nil, fmt.Errorf("opening the archive of %s: %w", module, err)
	}
	a := &Archive{reader, map[string]*zip.File{}}
	for _, file := range reader.File {
		if name, ok := strings.CutPrefix(file.Name, module+"/"+folder+"/"); ok {
			a.files[name] = file
		}
	}
	return a, nil
}

// Close closes the archive.
func (a *Archive) Close() error { return a.reader.Close() }

// Names are the files whose names, relative to the folder, end so, in order.
func (a *Archive) Names(suffix string) []string {
	var names []string
	for name := range a.files {
		if strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Read is the content of a file. The error names it.
func (a *Archive) Read(name string) ([]byte, error) {
	file := a.files[name]
	if file == nil {
		return nil, fmt.Errorf("reading %s: it is not in the archive", name)
	}
	r, err := file.Open()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, nil
}
