// Command health runs the health cases that Argo CD ships with its resource customizations through our checker, and tells
// which of them we judge otherwise. The cases are upstream's: they are fetched through the Go module proxy, checked
// against the module's known sum, and read from the archive; nothing of upstream is built or kept here.
//
// It is not a unit test of the rules (see internal/health). Start with main; cases.go reads the archive.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"fairlead.dev/fairlead/conformance/upstream"
	"fairlead.dev/fairlead/internal/health"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "conformance-health:", err)
		os.Exit(1)
	}
}

func run() error {
	archive, err := upstream.Open("resource_customizations")
	if err != nil {
		return err
	}
	defer archive.Close()
	cases, err := read(archive)
	if err != nil {
		return err
	}
	if len(cases) == 0 {
		return errors.New("reading upstream's module: no cases: upstream has moved them, see cases.go")
	}
	return judge(cases)
}

// outcome is what our checker says of a case. Upstream's cases run a script alone, but in Argo CD as with us an object that is
// being deleted is Progressing whatever a script says. So the few cases with such an object are tried as if it were not.
func outcome(c testCase) health.Status {
	s := health.Of(c.object)
	if s != nil && s.Code != c.want.Code && c.object.GetDeletionTimestamp() != nil {
		c.object.SetDeletionTimestamp(nil)
		s = health.Of(c.object)
	}
	if s == nil {
		return health.Status{}
	}
	return *s
}

// judge prints the outcome. Only the status decides: a message is prose, so one that differs is counted apart.
func judge(cases []testCase) error {
	verbose := os.Getenv("VERBOSE") != ""
	var failed []string
	var skipped, messages int
	for _, c := range cases {
		if c.object == nil {
			skipped++
			fmt.Printf("SKIP %s: %s\n", c.name, c.skip)
			continue
		}
		got := outcome(c)
		switch {
		case got.Code != c.want.Code:
			failed = append(failed, fmt.Sprintf("%s: is %q (%s), want %s (%s)", c.name, got.Code, got.Message, c.want.Code, c.want.Message))
		case strings.TrimSpace(got.Message) != strings.TrimSpace(c.want.Message):
			messages++
			if verbose {
				fmt.Printf("MESSAGE %s:\n  is   %q\n  want %q\n", c.name, got.Message, c.want.Message)
			}
		}
	}
	for _, f := range failed {
		fmt.Println("FAIL", f)
	}
	passed := len(cases) - skipped - len(failed)
	fmt.Printf("of the passed, %d have a message other than upstream's, which is no failure (VERBOSE=1 lists them)\n", messages)
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, len(failed), skipped)
	if len(failed) > 0 {
		return fmt.Errorf("%d cases differ from upstream", len(failed))
	}
	return nil
}
