package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// part is one measurement.
type part struct {
	name string
	// needed parts run if another of the suite was asked for: it builds on what they leave behind.
	needed bool
	// hub is true where the hub runs, so that there is something to profile.
	hub bool
	run func(context.Context, *world) error
}

// suite is what is measured on one hub, in this order.
type suite struct {
	name  string
	parts []part
}

// suites run one after the other, each with an API server of its own.
var suites = []suite{
	{"engine", []part{
		{"bare client", false, false, bareClient},
		{"cold start", true, true, coldStart},
		{"commit to one", false, true, commitToOne},
		{"commit to all", false, true, commitToAll},
		{"self-heal", false, true, selfHeal},
		{"at rest", false, true, atRest},
		{"restart", false, true, restart},
		{"helm chart", false, true, helmChart},
		{"kustomize base", false, true, sharedBase},
		{"member clusters", false, true, memberClusters},
	}},
	{"api", []part{
		{"api: many applications", true, false, manyApplications},
		{"api: lists", false, true, lists},
		{"api: filters and pages", false, true, filtersAndPages},
		{"api: watches", false, true, watches},
	}},
	{"sets", []part{
		{"sets: bare client", false, false, bareSet},
		{"sets: generated applications", false, true, generated},
	}},
}

// asked are the parts of a suite that a run is to have: none, or those whose names match with those that they need.
func (s suite) asked(only *regexp.Regexp) (parts []part) {
	matches := func(p part) bool { return only.MatchString(p.name) }
	if !slices.ContainsFunc(s.parts, matches) {
		return nil
	}
	for _, p := range s.parts {
		if p.needed || matches(p) {
			parts = append(parts, p)
		}
	}
	return parts
}

// Run measures and prints the table. The error says that something could not be measured; a row over its target is none.
func Run(ctx context.Context, options Options) error {
	if err := options.Validate(); err != nil {
		return err
	}
	only := regexp.MustCompile(options.Only)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	var t table
	for _, s := range suites {
		parts := s.asked(only)
		if len(parts) == 0 {
			continue
		}
		if err := s.run(ctx, options, parts, &t); err != nil {
			t.print(options.Out)
			return err
		}
	}
	t.print(options.Out)
	epilogue(options, &t, time.Since(began))
	return nil
}

// run measures parts of the suite on a new world.
func (s suite) run(ctx context.Context, options Options, parts []part, t *table) error {
	dir, err := os.MkdirTemp("", "fl-bench-") // short: sockets are in it
	if err != nil {
		return fmt.Errorf("making a folder for the bench: %w", err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(ctx)
	w, err := newWorld(ctx, options, dir, t)
	if err != nil {
		cancel()
		return err
	}
	defer w.close()
	defer cancel()
	for _, p := range parts {
		w.say("%s …", p.name)
		began := time.Now()
		finish := func() {}
		if p.hub {
			finish = w.profile(ctx, p.name)
		}
		err := p.run(ctx, w)
		finish()
		if err != nil {
			return fmt.Errorf("measuring %s: %w%s", p.name, err, w.hub.lastWords())
		}
		w.say("  took %s", time.Since(began).Round(time.Second))
	}
	return nil
}

func epilogue(options Options, t *table, took time.Duration) {
	say := func(format string, args ...any) { fmt.Fprintf(options.Out, format+"\n", args...) }
	say("\nMeasured in %s; the bench, the hub, the API server and etcd (which doesn't wait for the disk) share this machine.", took.Round(time.Second))
	say("The engine has %d applications, the lists %d, the application set makes %d.", options.Applications, options.Listed, options.Generated)
	say("ratio is ours to the bare client, which makes the same writes with the same concurrency and nothing around them.")
	say("The same on Argo CD: docs/performance.md, \"The same on Argo CD\".")
	if over := t.over(); over == 0 {
		say("All rows with a target are ok.")
	} else {
		say("%d rows are over target.", over)
	}
}

// profile takes CPU for some seconds from now, and the heap when the part has ended, if profiles are wanted.
func (w *world) profile(ctx context.Context, name string) (finish func()) {
	if w.options.Profiles == "" {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.hub.saveProfile(ctx, "profile?seconds=10", filepath.Join(w.options.Profiles, fileName(name)+".cpu"))
	}()
	return func() {
		<-done
		_ = w.hub.saveProfile(ctx, "heap?gc=1", filepath.Join(w.options.Profiles, fileName(name)+".heap"))
		if log, err := os.ReadFile(w.hub.log()); err == nil {
			_ = os.WriteFile(filepath.Join(w.options.Profiles, "hub.log"), log, 0o644)
		}
	}
}
