// Command bench measures the hub on API servers of its own; `make bench` runs it. See internal/bench.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"fairlead.dev/fairlead/internal/bench"
)

func main() {
	options := bench.Default()
	flag.IntVar(&options.Applications, "n", options.Applications, "number of applications of the engine")
	flag.IntVar(&options.Listed, "listed", options.Listed, "number of applications that the API lists")
	flag.IntVar(&options.Watchers, "watchers", options.Watchers, "number of clients that watch them")
	flag.IntVar(&options.Generated, "generated", options.Generated, "number of applications that an application set makes")
	flag.IntVar(&options.Rounds, "rounds", options.Rounds, "commits to one application, and self-heals")
	flag.DurationVar(&options.Rest, "rest", options.Rest, "how long to look at the hub at rest")
	flag.StringVar(&options.Only, "only", options.Only, "only the parts whose names match this regular expression; what they need comes along")
	flag.StringVar(&options.Fairlead, "fairlead", options.Fairlead, "the program")
	flag.StringVar(&options.KubeSandbox, "kube-sandbox", options.KubeSandbox, "the API server and etcd in one program (hack/tools.sh kube-sandbox)")
	flag.StringVar(&options.Profiles, "profiles", options.Profiles, "folder for CPU and heap profiles of the hub, one of each for every part; none if empty")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench.Run(ctx, options); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
