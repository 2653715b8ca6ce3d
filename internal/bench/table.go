package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one measure. Texts that are empty are shown as a dash.
type row struct {
	measure                         string
	ours, bare, ratio, target, argo string
	// judged says that there is a target, met whether it is reached.
	judged, met bool
}

type table struct{ rows []row }

func (t *table) add(r row) { t.rows = append(t.rows, r) }

// limit is a target for a time; zero parts are none.
type limit struct {
	most  time.Duration
	ratio float64
}

func (l limit) String() string {
	var parts []string
	if l.most > 0 {
		parts = append(parts, "≤ "+seconds(l.most))
	}
	if l.ratio > 0 {
		parts = append(parts, fmt.Sprintf("≤ %.1f×", l.ratio))
	}
	return strings.Join(parts, ", ")
}

// time adds a row of a time. A bare time of zero is none.
func (t *table) time(measure string, ours, bare time.Duration, l limit, argo string) {
	r := row{measure: measure, ours: seconds(ours), target: l.String(), argo: argo, judged: l != limit{}}
	r.met = l.most == 0 || ours <= l.most
	if bare > 0 {
		ratio := float64(ours) / float64(bare)
		r.bare, r.ratio = seconds(bare), fmt.Sprintf("%.1f×", ratio)
		r.met = r.met && (l.ratio == 0 || ratio <= l.ratio)
	}
	t.add(r)
}

// number adds a row of a number with a unit such as " MB"; most negative is no target.
func (t *table) number(measure string, ours float64, unit string, most float64, argo string) {
	r := row{measure: measure, ours: plain(ours) + unit, argo: argo}
	if most >= 0 {
		r.judged, r.met, r.target = true, ours <= most, "≤ "+plain(most)+unit
	}
	t.add(r)
}

// exactly adds a row of a count that has only one right value.
func (t *table) exactly(measure string, ours, right float64, argo string) {
	t.add(row{measure: measure, ours: plain(ours), target: "= " + plain(right), argo: argo, judged: true, met: ours == right})
}

func (t *table) over() (count int) {
	for _, r := range t.rows {
		if r.judged && !r.met {
			count++
		}
	}
	return count
}

func (t *table) print(out io.Writer) {
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MEASURE\tOURS\tBARE CLIENT\tRATIO\tTARGET\t\tARGO CD 3.6")
	for _, r := range t.rows {
		verdict := "-"
		if r.judged {
			verdict = "over target"
			if r.met {
				verdict = "ok"
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.measure, dash(r.ours), dash(r.bare), dash(r.ratio), dash(r.target), verdict, dash(r.argo))
	}
	_ = w.Flush()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// plain has at most two digits behind the point.
func plain(f float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), ".")
}

func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.3f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// spread is the median and the largest of some times.
func spread(times []time.Duration) (median, worst time.Duration) {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2], sorted[len(sorted)-1]
}
