package buildlog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
)

// Options configure a [Store]. Start from [Default].
type Options struct {
	// Dir holds the logs of builds that run or ran lately; it is made if missing. Required.
	Dir string
	// MaxBytes bounds one log. What a build prints beyond it is left out, but for the end.
	MaxBytes int64
	// MaxFiles bounds the finished logs that stay in Dir; the oldest go first.
	MaxFiles int
	// Suffix is added to the image's repository to name that of the logs.
	Suffix string
	// Credentials tells how to log on to the registry of a repository. Nil, or empty strings: anonymously.
	Credentials func(ctx context.Context, repository string) (username, password string, err error)
	// PlainHTTP tells whether a registry (host:port) is spoken to without TLS. Nil: those on this machine.
	PlainHTTP func(registry string) bool
	// Transport reaches registries. Nil: http.DefaultTransport.
	Transport http.RoundTripper
}

// Default returns the options of a hub. Dir is still to be set.
func Default() Options {
	return Options{
		MaxBytes: 8 << 20, // some 80,000 lines; nobody reads more, and a loop that prints doesn't fill the disk
		MaxFiles: 200,     // the builds of a busy day
		Suffix:   "/buildlogs",
	}
}

// Validate tells what is wrong with the options.
func (o Options) Validate() error {
	if o.Dir == "" {
		return errors.New("checking the options of build logs: no folder given (Dir)")
	}
	if o.MaxBytes < 1<<10 || o.MaxFiles <= 0 || o.Suffix == "" {
		return errors.New("checking the options of build logs: MaxBytes, MaxFiles and Suffix must be set: start from Default")
	}
	return nil
}

// ErrNoLog means that the log of a build is neither on this hub nor in the registry.
var ErrNoLog = errors.New("there is no log")

// Store keeps logs. It is safe for concurrent use.
type Store struct {
	options Options

	mu sync.Mutex
	// open are the logs that are being written, or that somebody waits for.
	open map[string]*feed
}

// NewStore opens the folder of logs.
func NewStore(options Options) (*Store, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(options.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for build logs: %w", err)
	}
	return &Store{options: options, open: map[string]*feed{}}, nil
}

// feed is one log that grows. Its changed channel is closed, and replaced, at each change.
type feed struct {
	mu      sync.Mutex
	changed chan struct{}
	// users counts writers and readers; the last one out removes the feed.
	users int
}

func (f *feed) notify() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *feed) next() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (s *Store) acquire(key string) *feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.open[key]
	if f == nil {
		f = &feed{changed: make(chan struct{})}
		s.open[key] = f
	}
	f.users++
	return f
}

func (s *Store) release(key string, f *feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.users--; f.users == 0 {
		delete(s.open, key)
	}
}

// key names a build's file. UID is part of it, because a Build that was deleted and made again is another one.
func key(b *v1alpha1.Build) string {
	sum := sha256.Sum256([]byte(b.Namespace + "/" + b.Name + "/" + string(b.UID)))
	name := unsafe.ReplaceAllString(b.Name, "-")
	return name[:min(len(name), 150)] + "-" + hex.EncodeToString(sum[:6])
}

var unsafe = regexp.MustCompile(`[^a-zA-Z0-9._-]+`)

// growing and finished are the file of a log before and after its end.
func (s *Store) growing(key string) string  { return filepath.Join(s.options.Dir, key+growingSuffix) }
func (s *Store) finished(key string) string { return filepath.Join(s.options.Dir, key+finishedSuffix) }

const (
	growingSuffix  = ".log"
	finishedSuffix = ".done"
)

// Writer opens the log of a build for writing, behind what an earlier attempt wrote. Every occurrence of a secret is
// replaced by "***". There is one writer per build at a time. After Close another attempt may go on with the log; End ends
// it.
func (s *Store) Writer(b *v1alpha1.Build, secrets []string) (io.WriteCloser, error) {
	key := key(b)
	file, err := os.OpenFile(s.growing(key), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of build %q: %w", b.Name, err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("opening the log of build %q: %w", b.Name, err)
	}
	s.prune()
	f := s.acquire(key)
	return &writer{
		file: file, size: info.Size(), max: s.options.MaxBytes, secrets: maskable(secrets),
		changed: f.notify, closed: func() { s.release(key, f) },
	}, nil
}

// End says that a build's log is complete: everybody who follows it comes to an end. A log that was never begun is
// complete and empty.
func (s *Store) End(b *v1alpha1.Build) error {
	key := key(b)
	f := s.acquire(key)
	defer s.release(key, f)
	defer f.notify()
	err := os.Rename(s.growing(key), s.finished(key))
	if errors.Is(err, os.ErrNotExist) {
		var file *os.File
		if file, err = os.OpenFile(s.finished(key), os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
			err = file.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("ending the log of build %q: %w", b.Name, err)
	}
	return nil
}

// Follow copies the log of a build to w. With follow it goes on until the log is ended, or ctx is; it also waits for a
// build that has not begun. The log of a finished build comes from the registry where this hub hasn't got it. The error is
// ErrNoLog if there is nothing to show, and then says why.
func (s *Store) Follow(ctx context.Context, b *v1alpha1.Build, follow bool, w io.Writer) error {
	key := key(b)
	f := s.acquire(key)
	defer s.release(key, f)
	var offset int64
	for {
		// Both are taken before the file is read, so that nothing that comes in between is missed.
		changed := f.next()
		_, err := os.Stat(s.finished(key))
		complete := err == nil || b.Status.Phase.Completed()
		n, err := s.copyFrom(key, offset, w)
		offset += n
		missing := errors.Is(err, os.ErrNotExist)
		switch {
		case err != nil && !missing:
			return fmt.Errorf("reading the log of build %q: %w", b.Name, err)
		case complete && missing:
			return s.fromRegistry(ctx, b, w)
		case complete, !follow && !missing:
			return nil
		case !follow:
			return fmt.Errorf("%w of build %q yet: it has not begun", ErrNoLog, b.Name)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// openFile opens a log for reading, wherever its life stands.
func (s *Store) openFile(key string) (*os.File, error) {
	file, err := os.Open(s.growing(key))
	if errors.Is(err, os.ErrNotExist) {
		file, err = os.Open(s.finished(key))
	}
	return file, err
}

func (s *Store) copyFrom(key string, offset int64, w io.Writer) (int64, error) {
	file, err := s.openFile(key)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	return io.Copy(w, file)
}

// prune removes the oldest finished logs beyond the limit. They are a cache, so errors don't matter.
func (s *Store) prune() {
	entries, err := os.ReadDir(s.options.Dir)
	if err != nil || len(entries) <= s.options.MaxFiles {
		return
	}
	type aged struct {
		name string
		at   time.Time
	}
	var logs []aged
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && strings.HasSuffix(entry.Name(), finishedSuffix) {
			logs = append(logs, aged{entry.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(logs, func(a, b aged) int { return b.at.Compare(a.at) })
	for _, old := range logs[min(len(logs), s.options.MaxFiles):] {
		os.Remove(filepath.Join(s.options.Dir, old.name))
	}
}

// credentials are those for a repository, in the registry client's form.
func (s *Store) credentials(ctx context.Context, repository string) (authn.Authenticator, error) {
	if s.options.Credentials == nil {
		return authn.Anonymous, nil
	}
	username, password, err := s.options.Credentials(ctx, repository)
	if err != nil {
		return nil, fmt.Errorf("looking up the credentials of %s: %w", repository, err)
	}
	if username == "" && password == "" {
		return authn.Anonymous, nil
	}
	return &authn.Basic{Username: username, Password: password}, nil
}

// maskable takes secrets apart into lines, as the log is masked line by line, and drops what can't be masked sensibly: one
// or two characters would blank out half of the text. Longer ones come first, as they may hold shorter ones.
func maskable(secrets []string) []string {
	var parts []string
	for _, secret := range secrets {
		for part := range strings.Lines(secret) {
			if part = strings.TrimSpace(part); len(part) > 2 {
				parts = append(parts, part)
			}
		}
	}
	slices.SortFunc(parts, func(a, b string) int { return len(b) - len(a) })
	return parts
}
