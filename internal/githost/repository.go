package githost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrName says that a repository's name can't be used.
var ErrName = errors.New("a repository's name must be like owner/name: two to four parts of letters, digits, '-', '_' and '.'")

var (
	namePart   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)
	branchName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$`)
)

// validName keeps names inside the folder and apart from git's own files: no part may be hidden or look like a repository.
func validName(name string) bool {
	parts := strings.Split(name, "/")
	for _, p := range parts {
		if !namePart.MatchString(p) || strings.HasSuffix(p, ".git") || strings.HasSuffix(p, ".lock") || strings.Contains(p, "..") {
			return false
		}
	}
	return len(parts) >= 2 && len(parts) <= 4
}

// validBranch is stricter than git: what everyone uses, and nothing that needs quoting.
func validBranch(name string) bool {
	return branchName.MatchString(name) && path.Clean(name) == name && !strings.HasSuffix(name, ".lock") && !strings.Contains(name, "..")
}

// repository is one bare repository. It may not exist yet. It is the hook.Source of its branches and tags.
type repository struct {
	host *Host
	name string
	dir  string
}

func (h *Host) repository(name string) *repository {
	return &repository{host: h, name: name, dir: filepath.Join(h.repositories(), filepath.FromSlash(name)+".git")}
}

func (r *repository) exists() bool {
	_, err := os.Stat(filepath.Join(r.dir, "HEAD"))
	return err == nil
}

// EnsureRepository makes an empty repository, unless it exists. The name is like shop/app, without .git.
// The error is [ErrName] if the name can't be used.
func (h *Host) EnsureRepository(ctx context.Context, name string) error {
	if !validName(name) {
		return fmt.Errorf("creating repository %q: %w", name, ErrName)
	}
	h.creating.Lock()
	defer h.creating.Unlock()
	r := h.repository(name)
	if r.exists() {
		return nil
	}
	if err := h.create(ctx, r); err != nil {
		return fmt.Errorf("creating repository %q: %w", name, err)
	}
	h.log.Info("created a repository", "repository", name)
	return nil
}

// create makes the repository aside and moves it to its place, so that a crash never leaves half of one there.
func (h *Host) create(ctx context.Context, r *repository) error {
	aside, err := os.MkdirTemp(h.repositories(), asidePrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside)
	bare := filepath.Join(aside, "bare")
	if _, err := h.git(ctx, aside, nil, "init", "--quiet", "--bare", "--template=", "--initial-branch="+h.opts.DefaultBranch, bare); err != nil {
		return err
	}
	// Before the repository can take a push, webhooks know that nobody was told anything of it.
	if err := h.hooks.Add(ctx, r.name, r, true); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.dir), 0o755); err != nil {
		return err
	}
	return os.Rename(bare, r.dir)
}

// names lists the repositories that exist.
func (h *Host) names() ([]string, error) {
	var names []string
	root := h.repositories()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || p == root {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if name, isRepository := strings.CutSuffix(filepath.ToSlash(rel), ".git"); isRepository {
			if validName(name) && h.repository(name).exists() {
				names = append(names, name)
			}
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing repositories: %w", err)
	}
	return names, nil
}

// State returns all branches and tags with the objects they point to.
func (r *repository) State(ctx context.Context) (map[string]string, error) {
	if !r.exists() {
		return map[string]string{}, nil
	}
	out, err := r.host.git(ctx, r.dir, nil, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")
	if err != nil {
		return nil, fmt.Errorf("reading the branches of %s: %w", r.name, err)
	}
	refs := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if id, ref, found := strings.Cut(lines.Text(), " "); found {
			refs[ref] = id
		}
	}
	return refs, lines.Err()
}

// adoptHead points HEAD to the only branch, if the branch it points to doesn't exist: someone's first push was to master.
func (r *repository) adoptHead(ctx context.Context) {
	head, err := os.ReadFile(filepath.Join(r.dir, "HEAD"))
	if err != nil {
		return
	}
	target := strings.TrimSpace(strings.TrimPrefix(string(head), "ref: "))
	if _, err := os.Stat(filepath.Join(r.dir, filepath.FromSlash(target))); err == nil {
		return // the usual case costs no git command
	}
	refs, err := r.State(ctx)
	if err != nil || refs[target] != "" {
		return
	}
	var branches []string
	for ref := range refs {
		if strings.HasPrefix(ref, "refs/heads/") {
			branches = append(branches, ref)
		}
	}
	if len(branches) != 1 {
		return
	}
	if _, err := r.host.git(ctx, r.dir, nil, "symbolic-ref", "HEAD", branches[0]); err != nil {
		r.host.log.Warn("the default branch can't be set", "repository", r.name, "error", err)
	}
}

// defaultBranch is the branch that HEAD points to.
func (r *repository) defaultBranch() string {
	head, err := os.ReadFile(filepath.Join(r.dir, "HEAD"))
	if err != nil {
		return r.host.opts.DefaultBranch
	}
	return strings.TrimPrefix(strings.TrimSpace(strings.TrimPrefix(string(head), "ref: ")), "refs/heads/")
}
