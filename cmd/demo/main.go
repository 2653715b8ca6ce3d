// Command demo walks the whole way of a release on a local fleet; `make demo` runs it. See internal/demo.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"fairlead.dev/fairlead/internal/demo"
)

func main() {
	options := demo.Default()
	flag.StringVar(&options.Fairlead, "fairlead", options.Fairlead, "the program")
	flag.StringVar(&options.Fleet, "fleet", options.Fleet, "folder of the fleet; default: the program's")
	flag.StringVar(&options.Examples, "examples", options.Examples, "folder of the examples")
	flag.BoolVar(&options.Down, "down", options.Down, "take the fleet down at the end")
	flag.DurationVar(&options.Timeout, "timeout", options.Timeout, "how long one step may take")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := demo.Run(ctx, options); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
