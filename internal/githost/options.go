package githost

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"fairlead.dev/fairlead/internal/basicauth"
	"fairlead.dev/fairlead/internal/hook"
)

// Options configure a [Host]. Start from [Default].
type Options struct {
	// Dir is the folder that holds everything. It is made if it doesn't exist. Required.
	Dir string
	// Listen is the TCP address that [Run] serves on, "127.0.0.1:0" for any free port. Unused by [New].
	Listen string
	// Listener, if not nil, is served by [Run] instead of listening on Listen.
	Listener net.Listener
	// URL is the address that clients use, without a trailing slash, e.g. http://127.0.0.1:3000. Webhooks name
	// repositories by it. Empty: [Run] takes the address it listens on. Required by [New].
	URL string

	// Users may push (and read). Nil: nobody can log in.
	Users basicauth.Users
	// AnonymousRead lets everyone clone and fetch.
	AnonymousRead bool
	// AnonymousWrite lets everyone push. For tests and closed networks.
	AnonymousWrite bool
	// NoCreateOnPush turns off that the first push to an unknown repository makes it.
	NoCreateOnPush bool

	// Hooks receive a Gitea push event for every change of a branch or tag of every repository.
	Hooks []hook.Endpoint
	// RetryInterval is the longest pause between two tries of a webhook whose receiver is down.
	RetryInterval time.Duration

	// DefaultBranch is what HEAD of a new repository points to.
	DefaultBranch string
	// Git is the git binary, a path or a name looked up in PATH.
	Git string
	// MaxPush is the size limit of one push in bytes, on the wire and unpacked from gzip.
	MaxPush int64
	// Timeout bounds one Git request (a clone, a fetch or a push).
	Timeout time.Duration
	// Processes bounds how many git processes serve requests at the same time; further requests wait.
	Processes int
	// Logger receives what happens. Nil: slog.Default().
	Logger *slog.Logger
}

// Default returns the options of a local fleet: anonymous read, pushes only by users. Dir is still to be set.
func Default() Options {
	return Options{
		Listen:        "127.0.0.1:0",
		AnonymousRead: true,
		RetryInterval: 2 * time.Second, // a restarted hub hears of a push within the time a person waits without wondering
		DefaultBranch: "main",
		Git:           "git",
		MaxPush:       1 << 30,          // larger than any repository of manifests or service code; stops a runaway client
		Timeout:       10 * time.Minute, // a first clone of MaxPush bytes at 2 MB/s
		Processes:     16,               // git is bound by CPU and disk; more only take memory from each other
	}
}

// Validate tells what is wrong with the options that [New] and [Run] share.
func (o Options) Validate() error {
	var errs []error
	if o.Dir == "" {
		errs = append(errs, errors.New("no folder given (Dir)"))
	}
	if o.URL != "" {
		if u, err := url.Parse(o.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			errs = append(errs, errors.New("the URL of the Git host must be like http://127.0.0.1:3000"))
		}
	}
	if !validBranch(o.DefaultBranch) {
		errs = append(errs, fmt.Errorf("%q can't be the default branch: it is no branch name", o.DefaultBranch))
	}
	if o.Git == "" || o.MaxPush <= 0 || o.Timeout <= 0 || o.Processes <= 0 || o.RetryInterval <= 0 {
		errs = append(errs, errors.New("options Git, MaxPush, Timeout, Processes and RetryInterval must be set: start from githost.Default()"))
	}
	for _, e := range o.Hooks {
		errs = append(errs, e.Validate())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("checking the options of the Git host: %w", err)
	}
	return nil
}
