//go:build !linux

package node

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"fairlead.dev/fairlead/internal/local/supervise"
)

// Isolation is empty where there are no namespaces.
var Isolation supervise.Isolation

// Enter needs Linux.
func Enter(Spec, *os.File, ...string) error { return errors.ErrUnsupported }

// Run needs Linux.
func Run(context.Context, Spec, *slog.Logger) error { return errors.ErrUnsupported }

// Snapshotter is of no use where there are no nodes.
func Snapshotter(string) string { return "native" }
