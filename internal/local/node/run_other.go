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

// Run needs Linux.
func Run(context.Context, Spec, *os.File, *slog.Logger) error { return errors.ErrUnsupported }
