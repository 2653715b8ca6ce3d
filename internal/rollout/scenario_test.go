package rollout

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

var update = flag.Bool("update", false, "rewrite the expected tables of testdata")

// TestScenarios plays the scripts of testdata/*.txtar. Each archive holds rollout.yaml, a script and the table that is
// expected from it: a row for each decision that did something, with the pods of each role as wanted/available.
//
// A script has a line for each thing that happens; after each, decisions are made until nothing is left to do:
//
//	start                   the Rollout is created
//	image TAG               its image is changed
//	set PATH JSON           a field of its spec is changed, for example: set spec.replicas 5
//	promote, promote-full, abort, retry, pause, unpause, restart
//	                        orders of people, carried out by Control
//	undo [REVISION]         the same, carried out by Undo
//	wait DURATION           time passes
//	pods stuck TAG          from now on, new pods of this image don't become available
//	pods fail TAG           all pods of this image lose their availability, too
//	pods ok TAG             pods of this image become available
//	conditions              prints the conditions instead of a row
//	# …                     a heading
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { playFile(t, file) })
	}
}

func playFile(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	part := func(name string) *txtar.File {
		for i := range archive.Files {
			if archive.Files[i].Name == name {
				return &archive.Files[i]
			}
		}
		t.Fatalf("%s lacks the part %q", file, name)
		return nil
	}
	ro := &v1alpha1.Rollout{}
	if err := yaml.UnmarshalStrict(part("rollout.yaml").Data, ro); err != nil {
		t.Fatal(err)
	}
	play := &player{t: t, cluster: newCluster(ro)}
	got := play.script(string(part("script").Data))
	want := part("table")
	if *update {
		want.Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(want.Data) {
		t.Errorf("the table differs (go test -update rewrites it). Got:\n%s\nWant:\n%s", got, want.Data)
	}
}

// player plays a script and writes the table.
type player struct {
	t       *testing.T
	cluster *cluster
	out     bytes.Buffer
	table   *tabwriter.Writer
}

func (p *player) script(text string) string {
	p.table = tabwriter.NewWriter(&p.out, 0, 0, 2, ' ', 0)
	p.row("TIME", "EVENT", "ACTIONS", "STABLE", "CANARY", "OLD", "STEP", "WEIGHT", "PHASE")
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			p.line(line)
		}
	}
	p.table.Flush()
	var trimmed strings.Builder
	for _, line := range strings.SplitAfter(p.out.String(), "\n") {
		trimmed.WriteString(strings.TrimRight(line, " \n"))
		if strings.HasSuffix(line, "\n") {
			trimmed.WriteByte('\n')
		}
	}
	return trimmed.String()
}

func (p *player) row(cells ...string) { fmt.Fprintln(p.table, strings.Join(cells, "\t")) }

func (p *player) line(line string) {
	p.t.Helper()
	if strings.HasPrefix(line, "#") || line == "conditions" {
		p.table.Flush()
		if line == "conditions" {
			p.conditions()
		} else {
			fmt.Fprintf(&p.out, "%s\n", line)
		}
		return
	}
	if err := p.cluster.do(line); err != nil {
		p.row(p.cluster.clock(), line, "refused: "+err.Error())
		return
	}
	shown := line
	for range 200 {
		result, changed := p.cluster.reconcile(false)
		if changed {
			p.decision(shown, result)
			shown = ""
		} else {
			if shown != "" {
				p.decision(shown, result)
			}
			return
		}
	}
	p.t.Fatalf("after %q, decisions don't come to an end", line)
}

func (p *player) decision(event string, r result) {
	c := p.cluster
	if r.invalid != nil {
		p.row(c.clock(), event, "", "", "", "", "", "", string(c.ro.Status.Phase)+": "+c.ro.Status.Message)
		return
	}
	var actions []string
	for _, action := range r.decision.Actions {
		actions = append(actions, c.plain(action.String()))
	}
	step, weight := "-", r.decision.State.weight(r.plan)
	if len(r.plan.Steps) > 0 {
		step = fmt.Sprintf("%d/%d", r.decision.State.Step, len(r.plan.Steps))
	}
	phase := string(c.ro.Status.Phase)
	if c.ro.Status.Message != "" {
		phase += ": " + c.plain(c.ro.Status.Message)
	}
	if r.decision.Wake > 0 {
		phase += fmt.Sprintf(" (wake in %v)", r.decision.Wake)
	}
	stable, canary, old := c.pods(r.plan.Hash)
	p.row(c.clock(), event, strings.Join(actions, ", "), stable, canary, old, step, fmt.Sprint(weight), phase)
}

func (p *player) conditions() {
	for _, c := range p.cluster.ro.Status.Conditions {
		fmt.Fprintf(&p.out, "    %s=%s %s since %s: %s\n", c.Type, c.Status, c.Reason,
			p.cluster.since(c.LastTransitionTime.Time), p.cluster.plain(c.Message))
	}
}

// do makes one line of a script happen.
func (c *cluster) do(line string) error {
	words := strings.Fields(line)
	verb, args := words[0], words[1:]
	switch {
	case verb == "start":
		return nil
	case verb == "image" && len(args) == 1:
		c.ro.Spec.Template.Spec.Containers[0].Image = "app:" + args[0]
		c.ro.Generation++
		return nil
	case verb == "set" && len(args) >= 2:
		return c.set(args[0], strings.Join(args[1:], " "))
	case verb == "wait" && len(args) == 1:
		d, err := time.ParseDuration(args[0])
		c.now = c.now.Add(d)
		return err
	case verb == "pods" && len(args) == 2:
		return c.setPods(args[0], "app:"+args[1])
	case verb == "undo":
		revision := int64(0)
		if len(args) == 1 {
			revision, _ = strconv.ParseInt(args[0], 10, 64)
		}
		return c.undo(revision)
	case len(args) == 0:
		return c.control(verb)
	default:
		return fmt.Errorf("unknown line %q", line)
	}
}

// set changes a field by a merge patch.
func (c *cluster) set(path, value string) error {
	if !json.Valid([]byte(value)) {
		return fmt.Errorf("not JSON: %s", value)
	}
	keys := strings.Split(path, ".")
	patch := value
	for i := len(keys) - 1; i >= 0; i-- {
		patch = fmt.Sprintf("{%q:%s}", keys[i], patch)
	}
	c.ro.Generation++
	return c.mergePatch([]byte(patch))
}
