//go:build e2e

package demo

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Masterminds/semver/v3"
)

// processes are what is killed: one of each kind that a release depends on.
var processes = []string{"hub", "git", "registry", "builder", "staging-agent"}

// boundary is a moment of a release's way at which a process is killed.
type boundary struct {
	name  string
	reach func(context.Context, *world) error
	// canary says that a canary is under way.
	canary bool
}

// boundaries are these moments in order.
var boundaries = []boundary{
	{name: "the tag is pushed", reach: func(context.Context, *world) error { return nil }},
	{name: "the build runs", reach: func(ctx context.Context, w *world) error {
		return w.until(ctx, "the build to run", func() (bool, string, error) {
			b, found, err := w.findBuild(ctx, w.release)
			return found && b.Status.Phase != "Pending" && b.Status.Phase != "", b.Status.Phase, err
		})
	}},
	{name: "the image is pushed", reach: func(ctx context.Context, w *world) error {
		_, err := w.waitForBuild(ctx, w.release)
		return err
	}},
	{name: "the tag is committed", reach: func(ctx context.Context, w *world) error { return w.waitForWriteBack(ctx, "echo-dev", "echo-staging") }},
	{name: "dev is applied", reach: func(ctx context.Context, w *world) error {
		return w.until(ctx, "dev to be applied", func() (bool, string, error) {
			image, err := w.kubectl(ctx, "dev", "-n", "demo", "get", "deployment", "echo", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
			return strings.HasSuffix(image, ":"+w.release), image, err
		})
	}},
	{name: "staging's canary is under way", canary: true, reach: func(ctx context.Context, w *world) error {
		if err := w.answers(ctx, "dev", "echo", w.release); err != nil {
			return err
		}
		if err := w.waitsForPerson(ctx, "echo-staging"); err != nil {
			return err
		}
		return w.fairleadShown(ctx, "app", "sync", "echo-staging", "--async")
	}},
}

// TestReleaseArrivesAfterAnyKill kills each process at each boundary of a release's way. Nothing is done by hand after it:
// the release arrives all the same.
func TestReleaseArrivesAfterAnyKill(t *testing.T) {
	w := openWorld(t)
	for _, boundary := range boundaries {
		for _, process := range processes {
			t.Run(boundary.name+"/"+process, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
				defer cancel()
				w.options.Out = t.Output()
				if err := w.releaseWithKill(ctx, process, boundary); err != nil {
					w.explain(ctx)
					t.Fatal(err)
				}
			})
		}
	}
}

// releaseWithKill takes a release to a boundary, kills a process there, and waits until the release has arrived: in dev, and
// where a canary is concerned in staging too.
func (w *world) releaseWithKill(ctx context.Context, process string, at boundary) error {
	canary := at.canary
	version, err := semver.StrictNewVersion(w.release)
	if err != nil {
		return err
	}
	w.release = version.IncMinor().String()
	if err := w.pushRelease(ctx, w.release, "version "+w.release); err != nil {
		return err
	}
	if err := at.reach(ctx, w); err != nil {
		return err
	}
	if err := w.kill(ctx, process); err != nil {
		return err
	}
	if err := w.answers(ctx, "dev", "echo", w.release); err != nil {
		return err
	}
	if process != "staging-agent" && !canary {
		return nil // nothing that leads a canary was killed
	}
	if err := w.waitForWriteBack(ctx, "echo-staging"); err != nil {
		return err
	}
	if err := w.eventuallySynced(ctx, "echo-staging"); err != nil {
		return err
	}
	return w.answers(ctx, "staging", "echo", w.release)
}

// kill ends a process of the fleet with SIGKILL and waits until the supervisor has started it again.
func (w *world) kill(ctx context.Context, process string) error {
	if err := w.inspect(ctx); err != nil {
		return err
	}
	victim, err := w.fleet.unit(process)
	if err != nil {
		return err
	}
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing %s: %w", process, err)
	}
	return w.until(ctx, process+" to run again", func() (bool, string, error) {
		if err := w.inspect(ctx); err != nil {
			return false, err.Error(), nil
		}
		again, err := w.fleet.unit(process)
		return again.PID != victim.PID && w.fleet.Ready, "it is away", err
	})
}

// eventuallySynced has a person sync an application to the release and take its canary to the end, and try again where a
// process is away.
func (w *world) eventuallySynced(ctx context.Context, app string) error {
	return w.until(ctx, app+" to take the release", func() (bool, string, error) {
		if _, err := w.fairleadOutput(ctx, "app", "sync", app, "--timeout", "30s"); err != nil {
			return false, err.Error(), nil
		}
		c, err := w.canary(ctx, app)
		if err != nil {
			return false, err.Error(), nil
		}
		if c.Phase == "Paused" {
			_, err = w.fairleadOutput(ctx, "rollout", "promote", app, "--full")
		}
		return c.Phase == "Healthy", c.String(), err
	})
}

// openWorld brings the fleet to where the demo begins.
func openWorld(t *testing.T) *world {
	t.Helper()
	options := Default()
	options.Fairlead, options.Examples, options.Fleet = "../../bin/fairlead", "../../examples", os.Getenv("FAIRLEAD_FLEET")
	options.Out = t.Output()
	w, err := newWorld(options, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(context.Context, *world) error{stepFleet, stepRepositories} {
		if err := step(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	return w
}
