package git

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	// maxSubmoduleDepth is how deep submodules may lie in submodules.
	maxSubmoduleDepth = 8
	// maxSubmodules bounds how many repositories the reading of one commit may fetch.
	maxSubmodules = 100
)

// submodules is how a tree finds the repositories of its submodules.
type submodules struct {
	remote func(ctx context.Context, url string) (Remote, error)
	// chain are the repositories from the outermost to this one.
	chain []string
	// count is shared by all that hangs below one tree.
	count *atomic.Int32

	mu     sync.Mutex
	opened map[string]openedSubmodule
}

type openedSubmodule struct {
	tree *Tree
	err  error
}

// WithSubmodules returns the tree with the files of its submodules in it: at the commit that the tree pins, of the repository
// that .gitmodules names. They are fetched when something reads them. Remote finds the credentials for a URL. Without this,
// and where there is no .gitmodules, a submodule shows as an irregular file.
func (t *Tree) WithSubmodules(remote func(ctx context.Context, url string) (Remote, error)) *Tree {
	followed := *t
	followed.submodules = &submodules{
		remote: remote, chain: []string{t.repository.where.key()}, count: new(atomic.Int32), opened: map[string]openedSubmodule{},
	}
	return &followed
}

// followsSubmodules tells whether submodules of this tree show as folders. Its answer is noted, as it hangs on .gitmodules.
func (t *Tree) followsSubmodules() (bool, error) {
	if t.submodules == nil {
		return false, nil
	}
	_, found, err := t.moduleFile()
	if err != nil {
		return false, err
	}
	if !found {
		t.note(fact{path: modulesFile, kind: factAbsent})
		return false, nil
	}
	t.note(fact{path: modulesFile, kind: factPresent})
	return true, nil
}

const modulesFile = ".gitmodules"

func (t *Tree) moduleFile() (Entry, bool, error) {
	root, err := t.folder(t.root)
	if err != nil {
		return Entry{}, false, err
	}
	entry, ok := root.find(modulesFile)
	// A link could lead anywhere; git refuses it too.
	return entry, ok && entry.Mode.IsFile(), nil
}

// submodule opens the tree of a submodule. What is wrong with it is told, and not remembered by who reads: the commit is the
// same when somebody has mended a URL, a credential or a host.
func (t *Tree) submodule(at string, commit ID) (*Tree, error) {
	s := t.submodules
	key := at + "\x00" + commit.String()
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.opened[key]
	if !ok {
		known.tree, known.err = t.openSubmodule(at, commit)
		s.opened[key] = known
	}
	if known.err != nil {
		t.note(fact{kind: factUnreadable})
		return nil, known.err
	}
	inside := *known.tree
	// The pinned commit, which is noted, says all of what is in there.
	inside.observe = func(f fact) {
		if f.kind == factUnreadable {
			t.note(f)
		}
	}
	return &inside, nil
}

func (t *Tree) openSubmodule(at string, commit ID) (*Tree, error) {
	url, err := t.submoduleURL(at)
	if err != nil {
		return nil, fmt.Errorf("opening Git submodule %s: %w", at, err)
	}
	fail := func(err error) error {
		return fmt.Errorf("opening Git submodule %s (%s at %s): %w", at, userinfo.ReplaceAllString(url, "$1"), commit.String()[:7], err)
	}
	s := t.submodules
	where, err := parseAddress(url)
	if err != nil {
		return nil, fail(err)
	}
	switch {
	case where.scheme == "file" && t.repository.where.scheme != "file":
		return nil, fail(fmt.Errorf("a repository of the network can't name one on the hub's disk: %w", ErrOutsideRepository))
	case slices.Contains(s.chain, where.key()):
		return nil, fail(errors.New("the repository contains itself"))
	case len(s.chain) > maxSubmoduleDepth:
		return nil, fail(fmt.Errorf("submodules lie more than %d deep in each other", maxSubmoduleDepth))
	case s.count.Add(1) > maxSubmodules:
		return nil, fail(fmt.Errorf("there are more than %d submodules", maxSubmodules))
	}
	// Whoever reads may give up earlier; the fetch goes on, bounded by Options.Timeout, and the next reader has its fruit.
	ctx := t.repository.store.alive
	remote, err := s.remote(ctx, url)
	if err != nil {
		return nil, fail(err)
	}
	tree, err := t.repository.store.Repository(remote).Tree(ctx, commit.String())
	if err != nil {
		return nil, fail(err)
	}
	tree.submodules = &submodules{
		remote: s.remote, chain: append(slices.Clone(s.chain), where.key()), count: s.count, opened: map[string]openedSubmodule{},
	}
	return tree, nil
}

// submoduleURL is what .gitmodules says of a path.
func (t *Tree) submoduleURL(at string) (string, error) {
	entry, found, err := t.moduleFile()
	if err != nil {
		return "", err
	}
	if !found {
		return "", errors.New("the repository has no .gitmodules that tells where it comes from")
	}
	content, err := t.repository.blob(entry.ID)
	if err != nil {
		return "", err
	}
	modules, err := parseConfig(content)
	if err != nil {
		return "", fmt.Errorf("reading .gitmodules: %w", err)
	}
	url := urlOfSubmodule(modules, at)
	if url == "" {
		return "", errors.New(".gitmodules doesn't tell where it comes from")
	}
	return resolveSubmoduleURL(t.repository.where.text, url)
}

// urlOfSubmodule finds the URL of the submodule at a path; of repeated settings the last one counts.
func urlOfSubmodule(modules []configEntry, at string) string {
	urls, paths := map[string]string{}, map[string]string{}
	for _, entry := range modules {
		switch {
		case entry.section != "submodule" || entry.subsection == "":
		case entry.key == "url":
			urls[entry.subsection] = entry.value
		case entry.key == "path":
			paths[entry.subsection] = path.Clean(entry.value)
		}
	}
	for name, p := range paths {
		if p == at {
			return urls[name]
		}
	}
	return ""
}

// resolveSubmoduleURL makes a URL that begins with ./ or ../ absolute, as git-submodule(1) tells: each ../ takes a part off the
// repository's own URL.
func resolveSubmoduleURL(base, url string) (string, error) {
	if !strings.HasPrefix(url, "./") && !strings.HasPrefix(url, "../") {
		return url, nil
	}
	base = strings.TrimRight(base, "/")
	// What comes before the path stays.
	host := ""
	if scheme, rest, ok := strings.Cut(base, "://"); ok {
		name, _, _ := strings.Cut(rest, "/")
		host = scheme + "://" + name
	} else if name, _, ok := strings.Cut(base, ":"); ok {
		host = name
	}
	outside := fmt.Errorf("its relative URL %q leads out of %s", url, host)
	separator := "/"
	rest := url
	for {
		if below, ok := strings.CutPrefix(rest, "./"); ok {
			rest = below
			continue
		}
		below, ok := strings.CutPrefix(rest, "../")
		if !ok {
			break
		}
		cut := strings.LastIndexAny(base, "/:")
		if cut < len(host) {
			return "", outside
		}
		base, separator, rest = base[:cut], base[cut:cut+1], below
	}
	if rest == "" || strings.Contains("/"+rest+"/", "/../") {
		return "", outside
	}
	return strings.TrimRight(base+separator+rest, "/"), nil
}
