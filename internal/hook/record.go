package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// record is the file of what one receiver has been told of one source.
type record struct {
	path string
	// Source and Endpoint are for people who look into the file.
	Source   string            `json:"source"`
	Endpoint string            `json:"endpoint"`
	Told     map[string]string `json:"told"`
}

// load reads the record. A missing file gives an error that is fs.ErrNotExist.
func (r *record) load() error {
	data, err := os.ReadFile(r.path)
	if err != nil {
		return fmt.Errorf("reading what was told: %w", err)
	}
	if err := json.Unmarshal(data, r); err != nil {
		return fmt.Errorf("reading what was told from %s: %w", r.path, err)
	}
	if r.Told == nil {
		r.Told = map[string]string{}
	}
	return nil
}

// save writes the record, so that after a crash or a power cut it is either the old or the new one.
func (r *record) save() error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing what was told: %w", err)
	}
	tmp := r.path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing what was told: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, r.path)
	}
	if err != nil {
		return fmt.Errorf("writing what was told: %w", err)
	}
	return nil
}

// exists says whether the record has been written before.
func (r *record) exists() bool {
	_, err := os.Stat(r.path)
	return !errors.Is(err, fs.ErrNotExist)
}

// recordPath is flat, with the source's name escaped, so that names can't leave the folder or clash.
func recordPath(dir, source string, to Endpoint) string {
	return filepath.Join(dir, escape(source)+"."+to.id()+".json")
}
