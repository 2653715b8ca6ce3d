package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/lru"
	"k8s.io/utils/clock"
)

// Options are how a Store works. Start from Default.
type Options struct {
	// Dir holds the mirrors; it is made if missing, and belongs to one process at a time. Required.
	Dir string
	// Git is the git program: a path, or a name looked up in PATH.
	Git string
	// Timeout bounds each git command.
	Timeout time.Duration
	// Parallel bounds the git commands on mirrors that run at once, over all repositories, and beside them those that talk to
	// one host: one that hangs must not keep others waiting.
	Parallel int
	// MaxFileBytes bounds each file (and each listing) that is read from a repository.
	MaxFileBytes int64
	// CacheBytes bounds the memory for objects that were read, over all repositories.
	CacheBytes int64
	// LFSBytes bounds the disk for objects of Git LFS, over all repositories; they are kept until it is full.
	LFSBytes int64
	// IdleReader is after how long without a read a repository's `git cat-file` is ended.
	IdleReader time.Duration
	// PushAttempts bounds how often Commit starts again when somebody else was faster.
	PushAttempts int
	// Tunnel is a program, with its first arguments, that runs the function Tunnel: it gets a host and a port as two further
	// arguments, and the proxy in the variable TunnelVariable. SSH goes through proxies with it; with nil it can't.
	Tunnel []string
	// Clock tells the time of commits.
	Clock clock.PassiveClock
}

// Default returns the options that suit a hub; Dir is left to be set.
func Default() Options {
	return Options{
		Git: "git",
		// A first clone of a large monorepo over a slow line takes minutes; a dead line is noticed earlier (http.lowSpeedTime).
		Timeout: 5 * time.Minute,
		// Transport waits for the network more than it computes.
		Parallel: 8,
		// Larger files are not manifests; the largest charts as archives stay below 10 MB.
		MaxFileBytes: 16 << 20,
		// The trees of a monorepo of 10,000 applications and the files that they share.
		CacheBytes: 16 << 20,
		// A hundred of the largest charts. What falls out is downloaded again.
		LFSBytes: 1 << 30,
		// Longer than the pause between two reconciles of a busy repository, short enough that 1,000 quiet ones cost nothing.
		IdleReader: 20 * time.Second,
		// With jitter, ten writers that all push at once are through after about six rounds.
		PushAttempts: 8,
		Clock:        clock.RealClock{},
	}
}

// Validate tells the first option that can't be.
func (o Options) Validate() error {
	switch {
	case o.Dir == "":
		return errors.New("the folder for Git mirrors is not set")
	case o.Git == "":
		return errors.New("the git program is not set")
	case o.Timeout <= 0, o.IdleReader <= 0:
		return errors.New("the time limits for git must be positive")
	case o.Parallel <= 0, o.PushAttempts <= 0:
		return errors.New("the number of parallel git commands and of push attempts must be positive")
	case o.MaxFileBytes <= 0 || o.CacheBytes < 0 || o.LFSBytes < 0:
		return errors.New("the size limits for git must be positive")
	case o.Clock == nil:
		return errors.New("the clock for commits is not set")
	}
	return nil
}

// Store holds the mirrors of all repositories. It is safe for concurrent use.
type Store struct {
	options Options
	lock    *os.File
	slots   chan struct{}
	trees   *lru.Cache[ID, *treeObject]
	blobs   *lru.Cache[ID, []byte]

	large lfsSpace
	apps  *AppTokens

	// alive ends when the store is closed; every git process hangs on it.
	alive context.Context
	close context.CancelCauseFunc

	mu      sync.Mutex
	mirrors map[string]*mirror
	// hosts are the places for commands that talk to each.
	hosts map[string]chan struct{}
}

// NewStore opens the folder of mirrors and takes it for this process. Close it when done.
func NewStore(options Options) (*Store, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(options.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder for Git mirrors: %w", err)
	}
	options.Dir = dir
	s := &Store{
		options: options,
		slots:   make(chan struct{}, options.Parallel),
		trees:   lru.New[ID, *treeObject](options.CacheBytes / 2),
		blobs:   lru.New[ID, []byte](options.CacheBytes / 2),
		mirrors: map[string]*mirror{},
		hosts:   map[string]chan struct{}{},
		large:   lfsSpace{mirrors: filepath.Join(dir, "mirrors"), most: options.LFSBytes, used: -1},
		apps:    NewAppTokens(options.Clock),
	}
	if err := os.MkdirAll(s.home(), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for Git mirrors: %w", err)
	}
	if s.lock, err = lockFile(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("opening the folder for Git mirrors %s: %w", dir, err)
	}
	// Keys of a former process; its remotes may be gone.
	if err := os.RemoveAll(filepath.Join(dir, "keys")); err != nil {
		_ = unlockFile(s.lock)
		return nil, fmt.Errorf("removing old keys: %w", err)
	}
	s.alive, s.close = context.WithCancelCause(context.Background())
	return s, nil
}

// Close ends all git processes. Running calls fail with ErrClosed.
func (s *Store) Close() error {
	s.close(ErrClosed)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, mirror := range s.mirrors {
		mirror.objects.stop()
	}
	os.RemoveAll(filepath.Join(s.options.Dir, "keys"))
	return unlockFile(s.lock)
}

// Repository returns the repository at the remote's URL, as the remote's credentials see it; the same remote gives the same
// value. It doesn't touch disk or network: a wrong URL shows at the first use.
func (s *Store) Repository(remote Remote) *Repository {
	where, err := parseAddress(remote.URL)
	if err != nil {
		return &Repository{mirror: &mirror{store: s}, invalid: err}
	}
	key := where.key()
	if remote.Scope != "" {
		// A space is in no URL's key.
		key += " " + remote.Scope
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shared, ok := s.mirrors[key]
	if !ok {
		shared = newMirror(s, key, where.text)
		s.mirrors[key] = shared
	}
	return shared.user(remote, where)
}

// placesAt are those for commands that talk to an address's host. Files have the machine's.
func (s *Store) placesAt(where address) chan struct{} {
	host, _, _ := strings.Cut(event.NormalizeURL(where.text), "/")
	if where.scheme == "file" || host == "" {
		return s.slots
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	places := s.hosts[host]
	if places == nil {
		if len(s.hosts) >= 1000 {
			clear(s.hosts) // applications name hosts, and must not fill the memory with them
		}
		places = make(chan struct{}, s.options.Parallel)
		s.hosts[host] = places
	}
	return places
}

// home is an empty folder that git takes for the user's.
func (s *Store) home() string { return filepath.Join(s.options.Dir, "home") }

var unsafeName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// folderName is unique by its hash, and readable for whoever looks into the cache.
func folderName(key string) string {
	sum := sha256.Sum256([]byte(key))
	readable := unsafeName.ReplaceAllString(key, "-")
	if len(readable) > 80 {
		readable = readable[len(readable)-80:]
	}
	return hex.EncodeToString(sum[:6]) + "-" + readable
}
