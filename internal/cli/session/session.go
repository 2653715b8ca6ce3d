// Package session keeps the command line's logins in one file: which hub, as whom, with which token.
//
// The file is readable by its owner only. Start with Load.
package session

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// File is the content of the file.
type File struct {
	// Current is the server of the login that commands use.
	Current string  `json:"current,omitempty"`
	Logins  []Login `json:"logins,omitempty"`

	path string
}

// Login is one hub and a session there.
type Login struct {
	// Server is the hub's URL, such as http://127.0.0.1:8080.
	Server string `json:"server"`
	Token  string `json:"token,omitempty"`
	// Insecure accepts any certificate.
	Insecure bool `json:"insecure,omitempty"`
}

// Load reads the file; one that does not exist is empty.
func Load(path string) (*File, error) {
	file := &File{path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading logins: %w", err)
	}
	if err := yaml.UnmarshalStrict(text, file); err != nil {
		return nil, fmt.Errorf("reading logins from %s: %w; delete the file and log in again", path, err)
	}
	return file, nil
}

// Login is the login at that server, or the current one when server is empty; ok is false if there is none.
func (f *File) Login(server string) (login Login, ok bool) {
	if server == "" {
		server = f.Current
	}
	for _, l := range f.Logins {
		if l.Server == server {
			return l, true
		}
	}
	return Login{Server: server}, false
}

// Set keeps a login and makes it the current one.
func (f *File) Set(login Login) {
	f.Remove(login.Server)
	f.Logins = append(f.Logins, login)
	f.Current = login.Server
}

// Remove forgets the login at that server.
func (f *File) Remove(server string) {
	var kept []Login
	for _, l := range f.Logins {
		if l.Server != server {
			kept = append(kept, l)
		}
	}
	f.Logins = kept
	if f.Current == server {
		f.Current = ""
	}
}

// Save writes the file in one step, so that a crash leaves the old one or the new one.
func (f *File) Save() error {
	text, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("writing logins: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("writing logins: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(f.path), ".logins-*") // 0600
	if err != nil {
		return fmt.Errorf("writing logins: %w", err)
	}
	defer os.Remove(temporary.Name()) // after the rename there is nothing left to remove
	_, err = temporary.Write(text)
	if err := errors.Join(err, temporary.Close()); err != nil {
		return fmt.Errorf("writing logins: %w", err)
	}
	if err := os.Rename(temporary.Name(), f.path); err != nil {
		return fmt.Errorf("writing logins: %w", err)
	}
	return nil
}
