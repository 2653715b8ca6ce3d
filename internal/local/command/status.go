package command

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"

	"fairlead.dev/fairlead/internal/cli"
	"fairlead.dev/fairlead/internal/cli/output"
	"fairlead.dev/fairlead/internal/local"
	"fairlead.dev/fairlead/internal/local/supervise"
)

func newStatusCommand(streams cli.IOStreams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what of the fleet runs, and where it is reached",
		Args:  cobra.NoArgs,
	}
	dir := dirFlag(cmd)
	format := cmd.Flags().StringP("output", "o", "", "one of "+strings.Join(output.Formats, ", "))
	cmd.RunE = func(*cobra.Command, []string) error {
		format, err := output.Parse(*format)
		if err != nil {
			return &cli.UsageError{Err: err}
		}
		report, err := local.Inspect(*dir)
		if err != nil {
			return err
		}
		if err := output.Print(streams.Out, format, report, report.Units, unitColumns(time.Now())); err != nil || !forPeople(format) {
			return err
		}
		if !report.Running {
			fmt.Fprintln(streams.Out, "The fleet is down; `fairlead local up` brings it back.")
			return nil
		}
		fmt.Fprintln(streams.Out)
		return output.Fields(streams.Out, [][2]string{
			{"Hub", report.Endpoints.Hub},
			{"Git host", report.Endpoints.Git},
			{"Registry", report.Endpoints.Registry},
			{"Builder", report.Endpoints.Builder},
			{"Folder", report.Dir},
		}...)
	}
	return cmd
}

func forPeople(format output.Format) bool { return format == output.Table || format == output.Wide }

func unitColumns(now time.Time) []output.Column[supervise.UnitStatus] {
	return []output.Column[supervise.UnitStatus]{
		{Title: "NAME", Cell: func(u supervise.UnitStatus) string { return u.Name }},
		{Title: "STATE", Cell: func(u supervise.UnitStatus) string { return string(u.State) }},
		{Title: "PID", Cell: func(u supervise.UnitStatus) string {
			if u.PID == 0 {
				return "-"
			}
			return strconv.Itoa(u.PID)
		}},
		{Title: "RESTARTS", Cell: func(u supervise.UnitStatus) string { return strconv.Itoa(u.Restarts) }},
		{Title: "SINCE", Cell: func(u supervise.UnitStatus) string { return duration.HumanDuration(now.Sub(u.Since)) }},
		{Title: "MESSAGE", Cell: func(u supervise.UnitStatus) string { return u.Message }},
		{Title: "LOG", Wide: true, Cell: func(u supervise.UnitStatus) string { return u.Log }},
	}
}
