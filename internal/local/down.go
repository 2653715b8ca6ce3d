package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"fairlead.dev/fairlead/internal/local/cgroup"
)

// Down stops everything and takes away what the fleet made outside its folder. The data stays.
func Down(ctx context.Context, dir string, progress io.Writer) error {
	f, err := open(dir, Tools{})
	if err != nil {
		return err
	}
	unlock, err := lockStart(dir)
	if err != nil {
		return err
	}
	defer unlock()
	supervisor, err := running(dir)
	if err != nil {
		return err
	}
	if supervisor != 0 {
		fmt.Fprintln(progress, "stopping the fleet")
		if err := f.stop(ctx); err != nil {
			return err
		}
	}
	if err := f.clean(ctx); err != nil {
		return fmt.Errorf("cleaning up after the fleet: %w", err)
	}
	return nil
}

// Reset is Down, and deletes the fleet's folder with all its data.
func Reset(ctx context.Context, dir string, progress io.Writer) error {
	if err := Down(ctx, dir, progress); err != nil {
		return err
	}
	fmt.Fprintf(progress, "deleting %s\n", dir)
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("deleting the fleet's data: %w", err)
	}
	return nil
}

// clean removes bridge, rules, control groups and the link for sockets. All may be there after the supervisor was
// killed, and what it left may take a moment to be gone.
func (f *Fleet) clean(ctx context.Context) error {
	var errs []error
	if f.State.Nodes {
		errs = append(errs, f.bridge().Remove())
		waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		var left error
		if poll(waiting, func() bool { left = cgroup.Remove(f.cgroup()); return left == nil }) != nil {
			errs = append(errs, left)
		}
	}
	if f.sockets != f.path("run") {
		errs = append(errs, removeIfThere(f.sockets))
	}
	return errors.Join(errs...)
}
