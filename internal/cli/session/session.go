// Package session keeps the command line's logins: which servers there are, as whom, with which token. The file and its
// format are those of argocd, so that one login serves both programs:
// https://argo-cd.readthedocs.io/en/stable/user-guide/commands/argocd_login/.
//
// The file is readable by its owner only. Start with Load.
package session

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/golang-jwt/jwt/v5"
	"sigs.k8s.io/yaml"
)

// File is the content of the file.
type File struct {
	// CurrentContext is the name of the context that commands use; empty for none.
	CurrentContext string       `json:"current-context"`
	Contexts       []ContextRef `json:"contexts"`
	Servers        []Server     `json:"servers"`
	Users          []User       `json:"users"`
	// PromptsEnabled makes commands ask before they delete.
	PromptsEnabled bool `json:"prompts-enabled"`

	path string
}

// ContextRef joins a server and a user.
type ContextRef struct {
	Name   string `json:"name"`
	Server string `json:"server"`
	User   string `json:"user"`
}

// Context is a ContextRef with what it refers to.
type Context struct {
	Name   string
	Server Server
	User   User
}

// Server is a server and how it is spoken to.
type Server struct {
	// Server is HOST[:PORT], or "kubernetes" with Core.
	Server          string `json:"server"`
	Insecure        bool   `json:"insecure,omitempty"`
	GRPCWeb         bool   `json:"grpc-web,omitempty"`
	GRPCWebRootPath string `json:"grpc-web-root-path"`
	// CertificateAuthority is PEM in base64.
	CertificateAuthority string `json:"certificate-authority-data,omitempty"`
	// ClientCertificate and ClientKey are paths, the Data ones PEM in base64.
	ClientCertificate     string `json:"client-certificate,omitempty"`
	ClientKey             string `json:"client-certificate-key,omitempty"`
	ClientCertificateData string `json:"client-certificate-data,omitempty"`
	ClientKeyData         string `json:"client-certificate-key-data,omitempty"`
	PlainText             bool   `json:"plain-text,omitempty"`
	// Core is no server at all: the cluster of the kubeconfig is spoken to.
	Core bool `json:"core,omitempty"`
}

// User is a login; the name is that of its context.
type User struct {
	Name         string `json:"name"`
	AuthToken    string `json:"auth-token,omitempty"`
	RefreshToken string `json:"refresh-token,omitempty"`
}

// Claims are what the user's token says, unchecked.
func (u User) Claims() (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser(jwt.WithoutClaimsValidation()).ParseUnverified(u.AuthToken, &claims); err != nil {
		return nil, fmt.Errorf("reading the token of %q: %w", u.Name, err)
	}
	return claims, nil
}

// DefaultPath is where argocd has its file.
func DefaultPath() string {
	if dir := os.Getenv("ARGOCD_CONFIG_DIR"); dir != "" {
		return filepath.Join(dir, "config")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "."
	}
	if old := filepath.Join(home, ".argocd"); exists(old) {
		return filepath.Join(old, "config")
	}
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "argocd", "config")
	}
	return filepath.Join(home, ".config", "argocd", "config")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Load reads the file; one that does not exist is empty.
func Load(path string) (*File, error) {
	file := &File{path: path}
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("config file has incorrect permission flags:%s.change the file permission either to 0400 or 0600. (%s)", info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading logins: %w", err)
	}
	if err := yaml.Unmarshal(text, file); err != nil {
		return nil, fmt.Errorf("reading logins from %s: %w; delete the file and log in again", path, err)
	}
	return file, nil
}

// Empty holds for a file without logins.
func (f *File) Empty() bool { return len(f.Servers) == 0 }

// Context is the context of that name, or the current one for "".
func (f *File) Context(name string) (Context, error) {
	if name == "" {
		name = f.CurrentContext
	}
	if name == "" {
		return Context{}, errors.New("local config: current-context unset")
	}
	for _, ref := range f.Contexts {
		if ref.Name != name {
			continue
		}
		context := Context{Name: name, User: User{Name: ref.User}}
		i := slices.IndexFunc(f.Servers, func(s Server) bool { return s.Server == ref.Server })
		if i < 0 {
			return Context{}, fmt.Errorf("Server '%s' undefined", ref.Server)
		}
		context.Server = f.Servers[i]
		if i := slices.IndexFunc(f.Users, func(u User) bool { return u.Name == ref.User }); i >= 0 {
			context.User = f.Users[i]
		}
		return context, nil
	}
	return Context{}, fmt.Errorf("Context '%s' undefined", name)
}

// At is the context of a server, the current one first; ok is false if there is none.
func (f *File) At(server string) (found Context, ok bool) {
	for _, ref := range f.Contexts {
		if ref.Server != server && ref.Name != server {
			continue
		}
		if context, err := f.Context(ref.Name); err == nil && (!ok || ref.Name == f.CurrentContext) {
			found, ok = context, true
		}
	}
	return found, ok
}

// Set keeps a context and makes it the current one.
func (f *File) Set(context Context) {
	put(&f.Servers, context.Server, func(s Server) string { return s.Server })
	put(&f.Users, context.User, func(u User) string { return u.Name })
	put(&f.Contexts, ContextRef{Name: context.Name, Server: context.Server.Server, User: context.User.Name}, func(c ContextRef) string { return c.Name })
	f.CurrentContext = context.Name
}

func put[T any](list *[]T, item T, name func(T) string) {
	for i := range *list {
		if name((*list)[i]) == name(item) {
			(*list)[i] = item
			return
		}
	}
	*list = append(*list, item)
}

// Forget drops the tokens of a user; false if there is none of that name.
func (f *File) Forget(user string) bool {
	for i := range f.Users {
		if f.Users[i].Name == user {
			f.Users[i].AuthToken, f.Users[i].RefreshToken = "", ""
			return true
		}
	}
	return false
}

// Remove drops a context with its user, and its server where no other context has it; false if there is none.
func (f *File) Remove(name string) bool {
	i := slices.IndexFunc(f.Contexts, func(c ContextRef) bool { return c.Name == name })
	if i < 0 {
		return false
	}
	server := f.Contexts[i].Server
	f.Contexts = slices.Delete(f.Contexts, i, i+1)
	f.Users = slices.DeleteFunc(f.Users, func(u User) bool { return u.Name == name })
	if !slices.ContainsFunc(f.Contexts, func(c ContextRef) bool { return c.Server == server }) {
		f.Servers = slices.DeleteFunc(f.Servers, func(s Server) bool { return s.Server == server })
	}
	if f.CurrentContext == name {
		f.CurrentContext = ""
	}
	return true
}

// ClientCertificatePEM is the certificate that the client shows, and its key; nil for none.
func (s Server) ClientCertificatePEM() (certificate, key []byte, err error) {
	read := os.ReadFile
	one, other := s.ClientCertificate, s.ClientKey
	if one == "" && other == "" {
		read = base64.StdEncoding.DecodeString
		one, other = s.ClientCertificateData, s.ClientKeyData
	}
	if one == "" && other == "" {
		return nil, nil, nil
	}
	if one == "" || other == "" {
		return nil, nil, errors.New("client-certificate and client-certificate-key must always be specified together")
	}
	if certificate, err = read(one); err != nil {
		return nil, nil, fmt.Errorf("reading the client certificate: %w", err)
	}
	if key, err = read(other); err != nil {
		return nil, nil, fmt.Errorf("reading the key of the client certificate: %w", err)
	}
	return certificate, key, nil
}

// Save writes the file in one step, so that a crash leaves the old one or the new one; one without logins is removed.
func (f *File) Save() error {
	if f.Empty() {
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing logins: %w", err)
		}
		return nil
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("writing logins: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("writing logins: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(f.path), ".config-*") // 0600
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
