package registry

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

// Options configure a [Server]. Start from [Default].
type Options struct {
	// Dir is the folder that holds everything. It is made if it doesn't exist. Required.
	Dir string
	// Listen is the TCP address that [Run] serves on, "127.0.0.1:0" for any free port. Unused by [New].
	Listen string
	// Listener, if not nil, is served by [Run] instead of listening on Listen.
	Listener net.Listener
	// URL is the address that clients use, without a trailing slash, e.g. http://127.0.0.1:5000. Notifications name
	// images by its host. Empty: [Run] takes the address it listens on. Required by [New].
	URL string

	// Users may push, pull and delete. Nil: nobody can log in.
	Users basicauth.Users
	// AnonymousRead lets everyone pull.
	AnonymousRead bool
	// AnonymousWrite lets everyone push and delete.
	AnonymousWrite bool

	// Hooks receive Distribution's notification (action push or delete) for every change of a tag.
	Hooks []hook.Endpoint
	// RetryInterval is the longest pause between two tries of a notification whose receiver is down.
	RetryInterval time.Duration

	// Mirrors are the registries this one answers for when asked with ?ns=NAME; images of NAME are repositories NAME/….
	// A request with any other ns is answered from the registry's own repositories.
	Mirrors []string
	// BaseImages are made and stored at the start, if they aren't there yet. Nil: none.
	BaseImages *BaseImages

	// MaxBlob is the size limit in bytes of one upload request.
	MaxBlob int64
	// Logger receives what happens. Nil: slog.Default().
	Logger *slog.Logger
}

// Default returns the options of a local fleet: anonymous read and write, answering for docker.io, without base images.
// Dir is still to be set.
func Default() Options {
	return Options{
		Listen:         "127.0.0.1:0",
		AnonymousRead:  true,
		AnonymousWrite: true,
		RetryInterval:  2 * time.Second, // a restarted hub hears of a tag within the time a person waits without wondering
		Mirrors:        []string{"docker.io"},
		MaxBlob:        20 << 30, // larger than any sane layer; stops a runaway client before the disk is full
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
			errs = append(errs, errors.New("the URL of the registry must be like http://127.0.0.1:5000"))
		}
	}
	if o.MaxBlob <= 0 || o.RetryInterval <= 0 {
		errs = append(errs, errors.New("MaxBlob and RetryInterval must be set: start from registry.Default()"))
	}
	for _, e := range o.Hooks {
		errs = append(errs, e.Validate())
	}
	if o.BaseImages != nil {
		errs = append(errs, o.BaseImages.Validate())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("checking the options of the registry: %w", err)
	}
	return nil
}
