// Command argocd drives Argo CD's own, unmodified CLI, and REST calls as scripts make them, against a hub, and tells where
// their output isn't what Argo CD's users expect. Scenarios are the txtar files under scenarios/; what they may say stands
// at the top of commands.go.
//
// Each scenario has a hub of its own, with its own namespace, on one real API server with a simulated node; around it stand a Git host
// over HTTP, HTTPS, client certificates and SSH, a Helm repository and an OCI registry. All of it is gone when the program
// ends. It must be run in Fairlead's source folder, after `make build`. Start with main, then world.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// options are the program's flags.
type options struct {
	run, dir string
	subset   bool
	verbose  bool
	parallel int
	timeout  time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.run, "run", "", "only scenarios whose name (grpc/NAME or web/NAME; commands is the comparison of our own command line) matches this regular expression")
	flag.StringVar(&o.dir, "dir", "conformance/argocd/scenarios", "folder of the scenarios")
	flag.BoolVar(&o.subset, "subset", false, "all scenarios over gRPC, and over gRPC-web those that say so: what CI runs")
	flag.BoolVar(&o.verbose, "v", false, "print what each scenario did")
	flag.IntVar(&o.parallel, "parallel", 3, "scenarios at once")
	flag.DurationVar(&o.timeout, "timeout", 40*time.Minute, "how long all scenarios may take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "conformance-argocd:", err)
		stop()
		os.Exit(1)
	}
}

// mode is how the CLI speaks to the hub.
type mode struct {
	name string
	// flags are those of every call.
	flags []string
}

func modes() []mode {
	return []mode{{name: "grpc"}, {name: "web", flags: []string{"--grpc-web"}}}
}

func (m mode) condition(cond string) (bool, error) {
	if !slices.ContainsFunc(modes(), func(known mode) bool { return known.name == cond }) {
		return false, fmt.Errorf("no such condition: %s", cond)
	}
	return cond == m.name, nil
}

func run(ctx context.Context, o options) error {
	wanted, err := regexp.Compile(o.run)
	if err != nil {
		return fmt.Errorf("reading -run: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(o.dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		return errors.New("finding the scenarios: this isn't Fairlead's source folder")
	}
	results := newResults(o.verbose, o.parallel)
	if wanted.MatchString("commands") {
		results.commandLines()
	}
	w, err := newWorld(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	for _, m := range modes() {
		chosen, err := choose(files, m, wanted, o.subset)
		if err != nil {
			return err
		}
		if len(chosen) == 0 {
			continue
		}
		if err := w.emptied(ctx); err != nil {
			return err
		}
		deadline, _ := ctx.Deadline()
		testscript.RunT(results.named(m.name), testscript.Params{
			Files: chosen, ContinueOnError: true, RequireUniqueNames: true, Deadline: deadline,
			Setup: func(env *testscript.Env) error { return w.scenario(ctx, env, m) },
			Cmds:  commands(),
			// [grpc] and [web] are true of scenarios that run so.
			Condition: m.condition,
		})
		// The same scenario twice at once would be two applications of one name on one cluster, as no person has them.
		results.running.Wait()
	}
	return results.summary(ctx)
}

// webToo is the line of a scenario that runs over gRPC-web in the subset too.
const webToo = "# subset: web\n"

func choose(files []string, m mode, wanted *regexp.Regexp, subset bool) ([]string, error) {
	var chosen []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a scenario: %w", err)
		}
		name := m.name + "/" + strings.TrimSuffix(filepath.Base(file), ".txtar")
		if wanted.MatchString(name) && (!subset || m.name == "grpc" || strings.Contains(string(text), webToo)) {
			chosen = append(chosen, file)
		}
	}
	slices.Sort(chosen)
	return chosen, nil
}
