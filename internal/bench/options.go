package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"
)

// Options say what is measured. Start from Default.
type Options struct {
	// Applications is how many there are in the repository.
	Applications int
	// Listed is how many applications the API lists, Watchers how many clients watch them, Generated how many an application
	// set makes.
	Listed, Watchers, Generated int
	// Rounds is how often the short measures are taken; the table has the median and the worst.
	Rounds int
	// Rest is for how long the hub is looked at while nothing happens.
	Rest time.Duration
	// Only limits the run to the parts whose names match; empty is all. Parts that others need run anyway.
	Only string
	// Fairlead and KubeSandbox are the programs.
	Fairlead, KubeSandbox string
	// Profiles is a folder for profiles of the hub; empty for none.
	Profiles string
	// Patience bounds each wait for a state.
	Patience time.Duration
	// Out is where the bench tells what it does, and prints the table.
	Out io.Writer
}

// Default returns the options for a run from the repository's root.
func Default() Options {
	return Options{
		Applications: 1000,
		Listed:       10_000,
		Watchers:     100,
		Generated:    2000,
		Rounds:       7,
		Rest:         time.Minute,
		Fairlead:     "bin/fairlead",
		// Ten thousand applications on two busy cores.
		Patience: 20 * time.Minute,
		Out:      os.Stdout,
	}
}

// Validate tells what can't be.
func (o Options) Validate() error {
	switch {
	case o.Applications < 1 || o.Applications > 100_000:
		return errors.New("checking the bench's options: the number of applications must be 1 to 100000")
	case o.Listed < policies || o.Listed > 100_000 || o.Generated < 1 || o.Generated > 20_000 || o.Watchers < 1 || o.Watchers > 1000:
		return fmt.Errorf("checking the bench's options: %d to 100000 applications can be listed, 1 to 20000 generated, and there may be 1 to 1000 watchers", policies)
	case o.Rounds < 1 || o.Rest <= 0 || o.Patience <= 0:
		return errors.New("checking the bench's options: rounds, rest and patience must be positive")
	case o.KubeSandbox == "":
		return errors.New("checking the bench's options: which kube-sandbox? hack/tools.sh kube-sandbox builds it and prints its path")
	}
	if _, err := regexp.Compile(o.Only); err != nil {
		return fmt.Errorf("checking the bench's options: %w", err)
	}
	return nil
}
