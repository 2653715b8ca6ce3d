package artifact

import (
	"errors"
	"log/slog"
	"time"

	"k8s.io/utils/clock"

	"fairlead.dev/fairlead/internal/archive"
	"fairlead.dev/fairlead/internal/oci"
)

// Options configure a Client. Start from Default.
type Options struct {
	// Dir keeps downloads; empty keeps none.
	Dir string
	// MaxDiskBytes bounds them, MaxMemoryBytes those that are kept unpacked.
	MaxDiskBytes, MaxMemoryBytes int64
	// MaxIndexBytes bounds an index, MaxArchiveBytes a download, Archive what it unpacks to, and MaxFileBytes a value file.
	MaxIndexBytes, MaxArchiveBytes, MaxFileBytes int64
	Archive                                      archive.Limits
	// Timeout bounds one download.
	Timeout time.Duration
	// Lifetime is how long an index or list of tags counts as new, for those that want to see it anew.
	Lifetime time.Duration
	// Parallel bounds the questions to one host at a time.
	Parallel int
	// FirstPause and LongestPause are how long a host is left alone that has failed once, and again and again.
	FirstPause, LongestPause time.Duration
	// InsecureRegistries are hosts that are spoken to without encryption.
	InsecureRegistries []string
	// LayerTypes are the media types that an artifact's layer may have, where the caller names none.
	LayerTypes []string
	Clock      clock.Clock
	Logger     *slog.Logger
}

// Default are the options of a hub, without a folder.
func Default() Options {
	return Options{
		MaxDiskBytes:    512 << 20,
		MaxMemoryBytes:  32 << 20, // a hundred charts of a hub's daily use
		MaxIndexBytes:   64 << 20, // the largest public index has 25 MiB
		MaxArchiveBytes: 32 << 20,
		MaxFileBytes:    4 << 20,
		Archive:         archive.Default(),
		Timeout:         30 * time.Second,
		Lifetime:        2 * time.Second, // a hundred applications that are refreshed together ask once
		Parallel:        4,
		FirstPause:      time.Second,
		LongestPause:    time.Minute, // so that a repository that is back is seen soon after
		LayerTypes: []string{
			"application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip", ChartLayer,
		},
		Clock:  clock.RealClock{},
		Logger: slog.Default(),
	}
}

// ChartLayer is the media type of a chart in a registry: https://helm.sh/docs/topics/registries/.
const ChartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// Validate tells what can't be used.
func (o Options) Validate() error {
	switch {
	case o.MaxDiskBytes < 0 || o.MaxMemoryBytes < 0 || o.Lifetime < 0:
		return errors.New("checking the options of the artifact client: sizes and times can't be negative")
	case o.MaxIndexBytes <= 0 || o.MaxArchiveBytes <= 0 || o.MaxFileBytes <= 0 || o.Archive.Bytes <= 0 || o.Archive.Files <= 0:
		return errors.New("checking the options of the artifact client: the bounds of downloads must be positive")
	case o.Timeout <= 0 || o.Parallel <= 0 || o.FirstPause <= 0 || o.LongestPause <= 0:
		return errors.New("checking the options of the artifact client: timeout, pauses and parallel questions must be positive")
	case o.Clock == nil || o.Logger == nil:
		return errors.New("checking the options of the artifact client: clock and logger are required")
	}
	return nil
}

func (o Options) registry() oci.Options {
	registry := oci.Default()
	registry.InsecureRegistries, registry.Timeout, registry.MaxBlobBytes = o.InsecureRegistries, o.Timeout, o.MaxArchiveBytes
	return registry
}
