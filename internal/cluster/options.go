package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fairlead.dev/fairlead/internal/object"
)

// Options bound and tune the connections to clusters.
type Options struct {
	// RequestTimeout bounds each request but watches.
	RequestTimeout time.Duration
	// Patience is how long Get and Watch wait for a cluster before they answer that it isn't ready yet; whoever asked is
	// told by a Change when it is.
	Patience time.Duration
	// RetryMin and RetryMax space the attempts to reach a cluster again; they double in between, with jitter.
	RetryMin, RetryMax time.Duration
	// Grace is for how long watches may fail before the cluster counts as unreachable: a restart of its API server should
	// not alarm every application.
	Grace time.Duration
	// Tracking is how objects tell their application.
	Tracking object.Tracking
	// Logger is nil for the default one.
	Logger *slog.Logger
}

// Default are the options for production.
func Default() Options {
	return Options{
		RequestTimeout: 30 * time.Second,
		Patience:       2 * time.Second,
		RetryMin:       time.Second,
		RetryMax:       15 * time.Second,
		Grace:          10 * time.Second,
	}
}

// Validate tells what is wrong with the options.
func (o Options) Validate() error {
	for name, d := range map[string]time.Duration{
		"request timeout": o.RequestTimeout, "patience": o.Patience, "shortest retry": o.RetryMin, "longest retry": o.RetryMax, "grace": o.Grace,
	} {
		if d <= 0 {
			return fmt.Errorf("the clusters' %s must be positive", name)
		}
	}
	if o.RetryMax < o.RetryMin {
		return errors.New("the clusters' longest retry must not be shorter than the shortest")
	}
	return nil
}

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.Default()
	}
	return o.Logger
}
