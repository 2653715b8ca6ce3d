package kustomize

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Base is a folder's repository that a kustomization names by its URL.
type Base struct {
	// URL is as Git takes it. Ref is a branch, tag or commit; empty means the default branch.
	URL, Ref string
	// Submodules tells whether the files of Git submodules belong to it.
	Submodules bool
}

// userHost is user@host at the start of a path, by which Kustomize recognises scp-like URLs.
var userHost = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)

// isRemote tells whether Kustomize would take a path for a URL, by the rules of its repospec.go: a scheme that it knows, a
// user before a host, or github.com. It is asked of every path, whether such a file exists or not, because Kustomize tries
// the network first.
func isRemote(entry string) bool {
	// In the files of a generator, "key=path" is a path after the sign.
	for _, candidate := range []string{entry, entry[strings.Index(entry, "=")+1:]} {
		lower := strings.ToLower(strings.TrimSpace(candidate))
		for strings.HasPrefix(lower, "git::") {
			lower = strings.TrimPrefix(lower, "git::")
		}
		for _, prefix := range []string{"http:", "https:", "ssh://", "file://", "github.com/", "github.com:"} {
			if strings.HasPrefix(lower, prefix) {
				return true
			}
		}
		if userHost.MatchString(lower) {
			return true
		}
	}
	return false
}

// isFileURL tells the URL of a manifest from that of a repository. Kustomize finds out by trying; here a name that ends as
// manifests do decides, unless something marks a repository.
func isFileURL(entry string) bool {
	scheme, rest, ok := strings.Cut(entry, "://")
	if scheme = strings.ToLower(scheme); !ok || scheme != "http" && scheme != "https" {
		return false
	}
	rest, _, _ = strings.Cut(rest, "?")
	for _, mark := range []string{"//", ".git/", "_git/"} {
		if strings.Contains(rest, mark) {
			return false
		}
	}
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(rest)))
}

var errNoRepository = errors.New("it names neither a repository (https://host/owner/name//folder?ref=v1, git@host:owner/name) nor a YAML file")

// parseBase reads the URL of a base as Kustomize does (its repospec.go has the grammar): where the repository ends is marked by
// _git/, // or .git, and else after the second part of the path. Folder is that of the kustomization in the repository.
func parseBase(entry string) (base Base, folder string, err error) {
	location, query, _ := strings.Cut(strings.TrimSpace(entry), "?")
	for len(location) > 5 && strings.EqualFold(location[:5], "git::") {
		location = location[5:]
	}
	host, rest, err := splitHost(location)
	if err != nil {
		return Base{}, "", err
	}
	repository, folder, ok := splitRepository(rest)
	folder = path.Join(".", strings.TrimPrefix(folder, "/"))
	if !ok || strings.Trim(repository, "/") == "" {
		return Base{}, "", errNoRepository
	}
	if folder == ".." || strings.HasPrefix(folder, "../") {
		return Base{}, "", errors.New("its folder leads out of the repository")
	}
	base = Base{URL: host + repository, Submodules: true}
	if values, err := url.ParseQuery(query); err == nil {
		if base.Ref = values.Get("ref"); base.Ref == "" {
			base.Ref = values.Get("version")
		}
		if wanted, err := strconv.ParseBool(values.Get("submodules")); err == nil {
			base.Submodules = wanted
		}
	}
	return base, folder, nil
}

// splitHost takes scheme, user and host off, up to where the path begins. GitHub's may be written without a scheme.
func splitHost(location string) (host, rest string, err error) {
	scheme, remainder, hasScheme := strings.Cut(location, "://")
	if !hasScheme {
		remainder = location
	}
	user := userHost.FindString(remainder)
	isGitHub := isGitHubHost(remainder[len(user):])
	switch {
	case hasScheme && !slices.Contains([]string{"https", "http", "ssh"}, strings.ToLower(scheme)):
		return "", "", errors.New("only repositories over https, http and ssh are bases")
	case !hasScheme && user == "" && !isGitHub:
		return "", "", errNoRepository
	}
	ends := strings.IndexAny(remainder, "/")
	if !hasScheme {
		// Without a scheme the host may end with a colon, as in git@host:owner/name.
		ends = strings.IndexAny(remainder, "/:")
	}
	if ends <= len(user) {
		return "", "", errNoRepository
	}
	rest = remainder[ends+1:]
	switch {
	case isGitHub && (user != "" || strings.EqualFold(scheme, "ssh")):
		if user == "" {
			user = "git@"
		}
		return user + "github.com:", rest, nil
	case isGitHub:
		return "https://github.com/", rest, nil
	case !hasScheme && remainder[ends] == '/':
		return "ssh://" + remainder[:ends+1], rest, nil
	case !hasScheme:
		return remainder[:ends+1], rest, nil
	default:
		return strings.ToLower(scheme) + "://" + remainder[:ends+1], rest, nil
	}
}

func isGitHubHost(text string) bool {
	lower := strings.ToLower(text)
	return strings.HasPrefix(lower, "github.com/") || strings.HasPrefix(lower, "github.com:")
}

// splitRepository tells a repository's path from that of the folder in it.
func splitRepository(location string) (repository, folder string, ok bool) {
	if before, after, found := strings.Cut(location, "_git/"); found {
		name, folder, _ := strings.Cut(after, "/")
		return before + "_git/" + name, folder, name != ""
	}
	if repository, folder, found := strings.Cut(location, "//"); found {
		return repository, folder, true
	}
	if before, folder, found := strings.Cut(location, ".git"); found {
		return before + ".git", folder, true
	}
	parts := strings.SplitN(location, "/", 3)
	if len(parts) < 2 || parts[1] == "" {
		return "", "", false
	}
	repository = parts[0] + "/" + parts[1]
	if len(parts) == 3 {
		folder = parts[2]
	}
	return repository, folder, true
}

var userinfo = regexp.MustCompile(`(^|://)[^/@:]*:[^/@]*@`)

// public is an entry without what may be a secret in it: a password, or a query that isn't Kustomize's.
func public(entry string) string {
	entry, query, _ := strings.Cut(entry, "?")
	entry = userinfo.ReplaceAllString(entry, "$1")
	if values, err := url.ParseQuery(query); err == nil && values.Get("ref") != "" {
		entry += "?ref=" + values.Get("ref")
	}
	return entry
}
