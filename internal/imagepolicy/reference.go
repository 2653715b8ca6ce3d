package imagepolicy

import (
	"errors"
	"fmt"
	"strings"
)

// Version is what comes after an image's name: a tag, a digest, or both. The zero value means none.
type Version struct {
	Tag string
	// Digest has its algorithm: "sha256:…".
	Digest string
}

// IsZero tells whether there is neither tag nor digest.
func (v Version) IsZero() bool { return v == Version{} }

// String is the form that manifests use behind "name:": "tag", "tag@digest"; for a digest alone "@digest".
func (v Version) String() string {
	if v.Digest == "" {
		return v.Tag
	}
	return v.Tag + "@" + v.Digest
}

// Label is the short form for people and commit messages: the digest if there is one, else the tag.
func (v Version) Label() string {
	if v.Digest != "" {
		return v.Digest
	}
	return v.Tag
}

// ParseVersion reads "tag", "tag@digest" or "@digest". Anything is accepted: what is in a file may be any text.
func ParseVersion(s string) Version {
	tag, digest, _ := strings.Cut(s, "@")
	return Version{Tag: tag, Digest: digest}
}

// Reference is an image as manifests name it: [registry/]path[:tag][@digest].
type Reference struct {
	// Repository is the registry and path, as written.
	Repository string
	Version
}

// ParseReference reads an image's name. It checks no more than it needs to take it apart.
func ParseReference(s string) (Reference, error) {
	s = strings.TrimSpace(s)
	rest, digest, hasDigest := strings.Cut(s, "@")
	repository, tag := splitTag(rest)
	switch {
	case repository == "" || strings.ContainsAny(s, " \t\r\n"):
		return Reference{}, fmt.Errorf("reading image %q: want [registry/]name[:tag][@digest]", s)
	case hasDigest && !strings.Contains(digest, ":"):
		return Reference{}, fmt.Errorf("reading image %q: a digest is like sha256:…", s)
	}
	return Reference{Repository: repository, Version: Version{Tag: tag, Digest: digest}}, nil
}

// String is [registry/]path[:tag][@digest].
func (r Reference) String() string {
	switch {
	case r.Tag == "" && r.Digest == "":
		return r.Repository
	case r.Tag == "":
		return r.Repository + "@" + r.Digest
	default:
		return r.Repository + ":" + r.Version.String()
	}
}

// splitTag cuts at the colon behind the last slash: a colon before it belongs to the registry's port.
func splitTag(s string) (repository, tag string) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 || strings.Contains(s[colon:], "/") {
		return s, ""
	}
	return s[:colon], s[colon+1:]
}

// dockerHub is the registry of images that name none.
const dockerHub = "docker.io"

// SplitRegistry gives the registry's host (with port) and the path in it. Names without a host belong to docker.io, where a
// single word is in library/: "nginx" is docker.io and library/nginx.
func SplitRegistry(repository string) (host, path string) {
	host, path, ok := strings.Cut(repository, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		host, path = dockerHub, repository
	}
	if host == "index.docker.io" || host == "registry-1.docker.io" {
		host = dockerHub
	}
	if host == dockerHub && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	return strings.ToLower(host), path
}

// SameRepository tells whether two names mean the same repository.
func SameRepository(a, b string) bool {
	hostA, pathA := SplitRegistry(a)
	hostB, pathB := SplitRegistry(b)
	return hostA == hostB && pathA == pathB
}

// shortName is the name without its registry, as commit messages show it.
func shortName(repository string) string {
	host, path, ok := strings.Cut(repository, "/")
	if ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
		return path
	}
	return repository
}

// checkRepository refuses what can't be a repository's name, such as an empty one.
func checkRepository(s string) error {
	if s == "" {
		return errors.New("the image has no name")
	}
	if strings.ContainsAny(s, " \t\r\n@\"'") || strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") {
		return fmt.Errorf("%q is no image name: want [registry/]name", s)
	}
	return nil
}
