package demo

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// stages are the times of one way of a commit, as the objects and logs on the way tell them.
type stages struct {
	rows []stage
}

type stage struct {
	name string
	took time.Duration
	// own tells whether the time is Fairlead's, not that of the image build or of a starting container.
	own bool
}

func (s *stages) add(name string, took time.Duration, own bool) {
	s.rows = append(s.rows, stage{name, took, own})
}

// overhead is the time that Fairlead itself took.
func (s *stages) overhead() time.Duration {
	var sum time.Duration
	for _, row := range s.rows {
		if row.own {
			sum += row.took
		}
	}
	return sum
}

func (s *stages) print(out io.Writer) {
	if len(s.rows) == 0 {
		return
	}
	fmt.Fprintln(out, "\nThe way of one commit, from push to ready in dev:")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  STAGE\tTIME\tWHOSE")
	for _, row := range s.rows {
		whose := "build and containers"
		if row.own {
			whose = "Fairlead"
		}
		fmt.Fprintf(table, "  %s\t%.3f s\t%s\n", row.name, row.took.Seconds(), whose)
	}
	fmt.Fprintf(table, "  Fairlead's own, all together\t%.3f s\t\n", s.overhead().Seconds())
	table.Flush()
}
