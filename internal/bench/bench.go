package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// part is one measurement.
type part struct {
	name string
	// needed parts run even if they weren't asked for: others build on what they leave behind.
	needed bool
	run    func(context.Context, *world) error
}

// parts run in this order on one hub.
var parts = []part{
	{"bare client", false, bareClient},
	{"cold start", true, coldStart},
	{"commit to one", false, commitToOne},
	{"commit to all", false, commitToAll},
	{"self-heal", false, selfHeal},
	{"at rest", false, atRest},
	{"restart", false, restart},
	{"helm chart", false, helmChart},
	{"kustomize base", false, sharedBase},
	{"member clusters", false, memberClusters},
}

// Run measures and prints the table. The error says that something could not be measured; a row over its target is none.
func Run(ctx context.Context, options Options) error {
	if err := options.Validate(); err != nil {
		return err
	}
	only := regexp.MustCompile(options.Only)
	dir, err := os.MkdirTemp("", "fl-bench-") // short: sockets are in it
	if err != nil {
		return fmt.Errorf("making a folder for the bench: %w", err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(ctx)
	w, err := newWorld(ctx, options, dir)
	if err != nil {
		cancel()
		return err
	}
	defer w.close()
	defer cancel()
	began := time.Now()
	for _, p := range parts {
		if !p.needed && !only.MatchString(p.name) {
			continue
		}
		w.say("%s …", p.name)
		finish := w.profile(ctx, p.name)
		err := p.run(ctx, w)
		finish()
		if err != nil {
			w.table.print(options.Out)
			return fmt.Errorf("measuring %s: %w%s", p.name, err, w.hub.lastWords())
		}
	}
	w.table.print(options.Out)
	w.epilogue(time.Since(began))
	return nil
}

func (w *world) epilogue(took time.Duration) {
	w.say("\n%d applications, measured in %s; the bench, the hub, the API server and etcd (which doesn't wait for the disk) share this machine.",
		w.options.Applications, took.Round(time.Second))
	w.say("ratio is ours to the bare client, which makes the same writes with the same concurrency and nothing around them.")
	w.say("The same on Argo CD: docs/performance.md, \"The same on Argo CD\".")
	if over := w.table.over(); over == 0 {
		w.say("All rows with a target are ok.")
	} else {
		w.say("%d rows are over target.", over)
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
