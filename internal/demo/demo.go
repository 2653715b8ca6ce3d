package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Options say what the demo works with. Start from Default.
type Options struct {
	// Fairlead is the program, Fleet the folder of the local fleet (empty: the program's default), Examples the folder
	// with the example repositories.
	Fairlead, Fleet, Examples string
	// Down takes the fleet down at the end.
	Down bool
	// Timeout bounds one step.
	Timeout time.Duration
	// Out is where the demo tells what it does.
	Out io.Writer
}

// Default returns the options for a run from the repository's root.
func Default() Options {
	return Options{
		Fairlead: "bin/fairlead", Examples: "examples", Out: os.Stdout,
		// A cold first image build on two busy cores takes most of it.
		Timeout: 8 * time.Minute,
	}
}

// step is one part of the way.
type step struct {
	title string
	run   func(context.Context, *world) error
}

// steps are the way, in the order in which it is walked.
var steps = []step{
	{"Fleet: a hub and three clusters with real nodes, Git host, registry, builder", stepFleet},
	{"Repositories: the code and its deployment, pushed to the Git host", stepRepositories},
	{"Commit → image: a pushed tag is built by a BuildRule", stepBuild},
	{"Image → Git: the image updater writes the tag for all applications in one commit", stepImageUpdate},
	{"Git → Dev: the application for dev syncs by itself", stepDev},
	{"Canary: staging and production wait for a person, then shift traffic step by step", stepCanary},
	{"Rollback: by history, which holds; and by git revert, which takes the whole way again", stepRollback},
	{"Permissions: who may do what is a policy", stepPermissions},
}

// Run walks the way and prints how it went. The error tells that a step failed; the steps after it are not walked.
func Run(ctx context.Context, options Options) error {
	work, err := os.MkdirTemp("", "fairlead-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo's clones: %w", err)
	}
	defer os.RemoveAll(work)
	w, err := newWorld(options, work)
	if err != nil {
		return err
	}
	passed, failure := walk(ctx, w)
	w.stages.print(options.Out)
	fmt.Fprintf(options.Out, "\ndemo: %d of %d steps passed\n", passed, len(steps))
	if failure != nil {
		w.explain(ctx)
	} else {
		w.farewell()
	}
	if options.Down {
		failure = errors.Join(failure, w.fairleadStreamed(ctx, w.local("down")...))
	}
	return failure
}

func walk(ctx context.Context, w *world) (passed int, err error) {
	for i, s := range steps {
		fmt.Fprintf(w.options.Out, "\n━━ %d/%d  %s\n", i+1, len(steps), s.title)
		began := time.Now()
		bounded, cancel := context.WithTimeout(ctx, w.options.Timeout)
		err := s.run(bounded, w)
		cancel()
		if err != nil {
			fmt.Fprintf(w.options.Out, "✗ step %d failed after %s: %v\n", i+1, seconds(time.Since(began)), err)
			return passed, fmt.Errorf("step %d (%s): %w", i+1, s.title, err)
		}
		fmt.Fprintf(w.options.Out, "✓ %s\n", seconds(time.Since(began)))
		passed++
	}
	return passed, nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// explain shows what a person would look at first after a failure.
func (w *world) explain(ctx context.Context) {
	w.as = "admin"
	for _, args := range [][]string{w.local("status"), {"app", "list", "-o", "wide"}, {"build", "list", "-o", "wide"}} {
		if err := w.fairleadShown(ctx, args...); err != nil {
			w.say("%v", err)
		}
	}
}

// farewell tells how to go on with the fleet that the demo leaves.
func (w *world) farewell() {
	if w.options.Down {
		return
	}
	fleet := func(words ...string) string {
		return strings.Join(slices.Concat([]string{"fairlead", "local", words[0]}, w.local("status")[2:], words[1:]), " ")
	}
	w.say("The fleet is up. Look around:")
	w.say("  %s", fleet("status"))
	w.say("  fairlead login %s --username admin --password %s", w.fleet.Endpoints.Hub, w.adminPassword)
	w.say("  fairlead app list")
	w.say("  %s", fleet("kubectl", "production", "--", "get", "rollouts,pods", "-n", "demo"))
	w.say("  %s", fleet("down"))
}
