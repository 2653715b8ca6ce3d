package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// seconds is a time on the command line: a number of seconds, as argocd has it, or a duration such as 2m.
type seconds time.Duration

func (s *seconds) flag(cmd *cobra.Command, usage string) {
	cmd.Flags().Var(s, "timeout", usage+"; seconds or a duration such as 2m, 0 for ever")
}

// Set reads the value.
func (s *seconds) Set(text string) error {
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		*s = seconds(time.Duration(n) * time.Second)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is neither a number of seconds nor a duration", text)
	}
	*s = seconds(d)
	return nil
}

// String is the value in seconds.
func (s *seconds) String() string { return strconv.FormatInt(int64(time.Duration(*s)/time.Second), 10) }

// Type is what usage shows for the value.
func (s *seconds) Type() string { return "seconds" }
