// Command argocd-e2e runs Argo CD's own, unmodified e2e suite against a hub. The suite is built from the module that
// conformance/argocd/e2e pins, and reads its test data from a copy of that module's folder; nothing of it is kept here.
//
// Around the hub stands what the suite expects at fixed addresses of this machine: an API server with a simulated node, Git over
// HTTPS and SSH, a Helm repository, OCI registries. Each test is a process of its own, with a limit of time and a log, and the
// report says which failed. What the machine can't offer (github.com, containers that really run) fails here too. It must be run
// in Fairlead's source folder, after `make build`. Start with main, then world.go.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// options are the program's flags.
type options struct {
	run, logs string
	// shard of shards, from 0: which part of the tests is run.
	shard, shards  int
	timeout, limit time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.run, "run", "", "only tests whose name matches this regular expression")
	flag.StringVar(&o.logs, "logs", "", "folder for the logs of the tests and of the hub; default: one that is gone at the end")
	flag.IntVar(&o.shard, "shard", 0, "which part of the tests, from 0")
	flag.IntVar(&o.shards, "shards", 1, "into how many parts the tests are cut")
	flag.DurationVar(&o.limit, "test-timeout", 5*time.Minute, "how long one test may take")
	flag.DurationVar(&o.timeout, "timeout", 4*time.Hour, "how long all may take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "conformance-e2e:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	wanted, err := regexp.Compile(o.run)
	if err != nil {
		return fmt.Errorf("reading -run: %w", err)
	}
	w, err := newWorld(ctx, o.logs)
	if err != nil {
		return err
	}
	defer w.close()
	s := suite{world: w, limit: o.limit}
	names, err := s.list(ctx)
	if err != nil {
		return err
	}
	var chosen []string
	for i, name := range names {
		if wanted.MatchString(name) && i%max(o.shards, 1) == o.shard {
			chosen = append(chosen, name)
		}
	}
	return s.all(ctx, chosen)
}
