package githost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"fairlead.dev/fairlead/internal/basicauth"
	"fairlead.dev/fairlead/internal/hook"
	"fairlead.dev/fairlead/internal/serve"

	"github.com/gofrs/flock"
)

// ErrInUse says that another Host works on the same folder.
var ErrInUse = errors.New("another Git host uses this folder: stop it first")

// orphanWait is how long a start waits for git commands of an earlier Host. Those of a push end at once; packing a large
// repository may take longer.
const orphanWait = 10 * time.Second

// Host serves the repositories of one folder. It is an http.Handler.
type Host struct {
	opts  Options
	log   *slog.Logger
	auth  *basicauth.Checker
	hooks *hook.Group
	lock  *flock.Flock
	// orphans are git commands that an earlier Host, which was killed, has left running.
	orphans *orphanage
	// slots bounds the git processes that serve requests.
	slots chan struct{}
	// creating serialises the making of repositories.
	creating sync.Mutex
	stop     context.CancelFunc
	work     sync.WaitGroup
}

// New opens the folder, mends what a crash left in it, and begins to deliver what webhooks haven't been told yet.
// Close ends it. The error is [ErrInUse] if another Host has the folder.
func New(ctx context.Context, opts Options) (*Host, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	if opts.URL == "" {
		return nil, errors.New("starting the Git host: no URL given, and webhooks need one to name repositories by")
	}
	opts.URL = strings.TrimRight(opts.URL, "/")
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	git, err := exec.LookPath(opts.Git)
	if err != nil {
		return nil, fmt.Errorf("starting the Git host: finding git: %w; install git, or name its path", err)
	}
	if opts.Git, err = filepath.Abs(git); err != nil {
		return nil, fmt.Errorf("starting the Git host: finding git: %w", err)
	}
	h := &Host{
		opts: opts, log: opts.Logger, auth: basicauth.NewChecker(opts.Users), slots: make(chan struct{}, opts.Processes),
	}
	if err := h.open(ctx); err != nil {
		return nil, fmt.Errorf("starting the Git host: %w", err)
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.stop = stop
	h.work.Go(func() { h.maintain(background) })
	return h, nil
}

func (h *Host) open(ctx context.Context) error {
	if err := os.MkdirAll(h.repositories(), 0o755); err != nil {
		return err
	}
	h.lock = flock.New(filepath.Join(h.opts.Dir, "lock"))
	if locked, err := h.lock.TryLock(); err != nil {
		return fmt.Errorf("locking %s: %w", h.opts.Dir, err)
	} else if !locked {
		return ErrInUse
	}
	err := h.openLocked(ctx)
	if err != nil {
		h.release()
	}
	return err
}

// release frees what open has taken.
func (h *Host) release() {
	if h.hooks != nil {
		h.hooks.Close()
	}
	if h.orphans != nil {
		h.orphans.close()
	}
	_ = h.lock.Close()
}

func (h *Host) openLocked(ctx context.Context) error {
	if err := writeGuard(h.guard()); err != nil {
		return err
	}
	var alone bool
	var err error
	if h.orphans, alone, err = openOrphanage(ctx, filepath.Join(h.opts.Dir, "git.lock"), orphanWait); err != nil {
		return err
	}
	if !alone {
		h.log.Warn("git commands of an earlier Git host still run; what they leave behind is mended at the next start")
	} else if err := h.mend(); err != nil {
		return err
	}
	names, err := h.names()
	if err != nil {
		return err
	}
	h.hooks, err = hook.NewGroup(hook.Options{
		Dir: filepath.Join(h.opts.Dir, "hooks"), Endpoints: h.opts.Hooks, RetryInterval: h.opts.RetryInterval, Logger: h.log,
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := h.hooks.Add(ctx, name, h.repository(name), false); err != nil {
			// One broken repository mustn't take the others down.
			h.log.Error("a repository is broken and has no webhooks", "repository", name, "error", err)
		}
	}
	return nil
}

// Close ends webhooks and maintenance and frees the folder. Requests must have ended before.
func (h *Host) Close() {
	h.stop()
	h.work.Wait()
	h.release()
}

// Run serves a Host until ctx ends.
func Run(ctx context.Context, opts Options) error {
	listener, err := serve.Listen(ctx, opts.Listener, opts.Listen)
	if err != nil {
		return fmt.Errorf("starting the Git host: %w", err)
	}
	if opts.URL == "" {
		opts.URL = "http://" + listener.Addr().String()
	}
	h, err := New(ctx, opts)
	if err != nil {
		_ = listener.Close()
		return err
	}
	defer h.Close()
	h.log.Info("serving Git", "url", opts.URL, "dir", opts.Dir)
	if err := serve.HTTP(ctx, listener, h); err != nil {
		return fmt.Errorf("serving Git: %w", err)
	}
	return nil
}

// repositories is the folder of all repositories.
func (h *Host) repositories() string { return filepath.Join(h.opts.Dir, "repositories") }

// guard is the folder of the git hooks that protect branches.
func (h *Host) guard() string { return filepath.Join(h.opts.Dir, "guard") }
