package oci

import (
	"errors"
	"strings"
	"time"

	"k8s.io/utils/clock"
)

// Options configure a Client. Start from Default.
type Options struct {
	// InsecureRegistries are hosts, with port, that are spoken to over plain HTTP; a path behind the host is ignored.
	InsecureRegistries []string
	// Timeout bounds one question, with its retries.
	Timeout time.Duration
	// MaxTags bounds the tags of one repository.
	MaxTags int
	// MaxCached bounds the images whose time is remembered.
	MaxCached int
	// MaxBlobBytes bounds a blob that is downloaded.
	MaxBlobBytes int64
	// TagLifetime is how long a tag is taken to name the same image, where nobody says otherwise (Forget).
	TagLifetime time.Duration
	// RetryDelay is the pause before a request is repeated, growing threefold; there are three attempts.
	RetryDelay time.Duration
	// Clock tells the time; nil means the real one.
	Clock clock.PassiveClock
}

// Default returns the options of a hub.
func Default() Options {
	return Options{
		Timeout:      30 * time.Second, // a registry that pages through tens of thousands of tags needs some seconds
		MaxTags:      50_000,
		MaxCached:    20_000,                 // about 5 MB
		MaxBlobBytes: 32 << 20,               // the largest public charts are about 1 MiB
		TagLifetime:  30 * time.Minute,       // tags of builds don't move; who moves one anyway is seen within this time
		RetryDelay:   200 * time.Millisecond, // enough for a registry that restarts its workers, too little to hold up others
	}
}

// Validate tells what can't be used.
func (o Options) Validate() error {
	switch {
	case o.Timeout <= 0 || o.TagLifetime < 0 || o.RetryDelay < 0:
		return errors.New("checking the options of the registry client: the timeout must be positive, the other durations not negative")
	case o.MaxTags <= 0 || o.MaxCached <= 0 || o.MaxBlobBytes <= 0:
		return errors.New("checking the options of the registry client: the bounds of tags, cached images and blobs must be positive")
	}
	return nil
}

// insecure tells whether the host is one for plain HTTP.
func (o Options) insecure(host string) bool {
	for _, listed := range o.InsecureRegistries {
		listed = strings.TrimPrefix(strings.TrimPrefix(listed, "http://"), "https://")
		listed, _, _ = strings.Cut(listed, "/")
		if strings.EqualFold(listed, host) {
			return true
		}
	}
	return false
}
