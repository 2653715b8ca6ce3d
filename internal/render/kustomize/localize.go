package kustomize

import (
	"bytes"
	"fmt"
	"path"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// localize puts what was fetched in the place of a kustomization's remote entries. An entry that wasn't fetched stays, and is
// refused by inspect.
func (r *repository) localize(name string, content []byte) ([]byte, error) {
	if len(r.names) == 0 || !mayBeRemote(content) {
		return content, nil
	}
	k, ok := parse(content)
	if !ok {
		return content, nil
	}
	changed := false
	for _, entries := range [][]string{k.Resources, k.Components} {
		for i, entry := range entries {
			local := r.local(entry)
			if local == "" {
				continue
			}
			relative, err := filepath.Rel(path.Dir(name), local)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.shown(name), err)
			}
			entries[i] = relative
			r.localized[localEntry{name, entries[i]}] = true
			changed = true
		}
	}
	if !changed {
		return content, nil
	}
	return yaml.Marshal(k)
}

// local is where what an entry names was put; empty if it isn't remote, or wasn't fetched.
func (r *repository) local(entry string) string {
	if !isRemote(entry) {
		return ""
	}
	if text, ok := r.fetched.Files[entry]; ok && isFileURL(entry) {
		name := path.Join(mountName(entry), "resource.yaml")
		r.overlay[name] = text
		return name
	}
	base, folder, err := parseBase(entry)
	if _, ok := r.fetched.Bases[base]; err != nil || !ok {
		return ""
	}
	return path.Join(mountName(base), folder)
}

// mayBeRemote is a quick look for what every remote entry has.
func mayBeRemote(content []byte) bool {
	return bytes.ContainsAny(content, "@") || bytes.Contains(content, []byte("://")) || bytes.Contains(bytes.ToLower(content), []byte("github.com"))
}
