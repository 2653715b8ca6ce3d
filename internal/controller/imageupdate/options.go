package imageupdate

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"

	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/imagepolicy"
	"fairlead.dev/fairlead/internal/oci"
)

// Options say how the controller works. Start from Default.
type Options struct {
	// Namespace is the hub's. Applications elsewhere have their namespace in the name of their .argocd-source file.
	Namespace string
	// PollInterval is the time between two looks at a destination when nothing was heard of it.
	PollInterval time.Duration
	// MaxBackoff is the longest pause between two tries of a destination that fails.
	MaxBackoff time.Duration
	// Concurrency is how many destinations are worked on at a time, Requests how many questions to registries run for one.
	Concurrency, Requests int
	// AuthorName and AuthorEmail sign commits where argocd-image-updater-config has no git.user and git.email.
	AuthorName, AuthorEmail string
	// HistoryDepth is how many commits back people's reverts are looked for.
	HistoryDepth int
}

// Default returns the options of a hub.
func Default() Options {
	return Options{
		Namespace:    "argocd",
		PollInterval: 2 * time.Minute, // upstream's
		MaxBackoff:   2 * time.Minute, // who mends a repository doesn't want to wait longer
		Concurrency:  4,               // most of a round is waiting for other hosts
		Requests:     8,               // what registries put up with from one client
		AuthorName:   imagepolicy.DefaultAuthorName,
		AuthorEmail:  imagepolicy.DefaultAuthorEmail,
		HistoryDepth: 5000, // months of a busy repository; read in some hundred milliseconds, and only before a commit
	}
}

// Validate tells what can't be used.
func (o Options) Validate() error {
	switch {
	case o.PollInterval <= 0 || o.MaxBackoff <= 0:
		return errors.New("checking the options of the image updater: the poll interval and the backoff must be positive")
	case o.Concurrency <= 0 || o.Requests <= 0 || o.HistoryDepth <= 0:
		return errors.New("checking the options of the image updater: concurrency, requests and history depth must be positive")
	case o.AuthorName == "" || o.AuthorEmail == "":
		return errors.New("checking the options of the image updater: commits need an author with name and e-mail address")
	}
	return nil
}

// Deps are what the controller works with. All are required but those that say otherwise.
type Deps struct {
	Git *git.Store
	// Remote finds the credentials that the hub has for a repository, as applications of a project may use it.
	Remote   func(ctx context.Context, url, project string) (git.Remote, error)
	Registry *oci.Client
	// ConfigMap is the data of a ConfigMap of the hub; nil if it doesn't exist.
	ConfigMap func(ctx context.Context, name string) (map[string]string, error)
	// Serves tells whether Applications of a namespace are the hub's; nil means all.
	Serves func(ctx context.Context, namespace string) bool
	// LookupEnv resolves pull secrets of the kind env:NAME; nil refuses them.
	LookupEnv func(name string) (string, bool)
	// Bus brings images and pushes, and takes the news of our own pushes.
	Bus *event.Bus
	// Recorder takes Kubernetes Events; nil means none.
	Recorder events.EventRecorder
	// Metrics receives the counters; nil means none.
	Metrics prometheus.Registerer
	// Clock is the time; nil means the real one.
	Clock clock.PassiveClock
	// Logger; nil means slog.Default().
	Logger *slog.Logger
}
