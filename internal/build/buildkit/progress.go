package buildkit

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	bk "github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"fairlead.dev/fairlead/internal/build"
)

// exportStep is the name of the step that makes the layers and pushes them.
const exportStep = "exporting to image"

// tailLines is how much of a failing step's output its error repeats.
const tailLines = 20

// maxTail bounds the same in bytes.
const maxTail = 4 << 10

// printer writes BuildKit's progress as lines in the form that `docker build --progress=plain` made known: each step has a
// number, and each line begins with that of its step.
type printer struct {
	out   io.Writer
	stage func(string)

	steps map[digest.Digest]*step
	// reported are the parts of steps, such as the pull of a layer, whose end was printed.
	reported map[string]bool
	pushing  bool
}

// step is what is known of one vertex of BuildKit's graph.
type step struct {
	number  int
	name    string
	started *time.Time
	// ended tells whether the last line about it was printed.
	ended bool
	// rest is the unfinished last line of the output.
	rest []byte
	// tail are the last lines of the output.
	tail []string
}

func newPrinter(out io.Writer, stage func(string)) *printer {
	if out == nil {
		out = io.Discard
	}
	if stage == nil {
		stage = func(string) {}
	}
	return &printer{out: out, stage: stage, steps: map[digest.Digest]*step{}, reported: map[string]bool{}}
}

func (p *printer) print(update *bk.SolveStatus) {
	for _, v := range update.Vertexes {
		p.printStart(v)
	}
	for _, s := range update.Statuses {
		p.printPart(s)
	}
	for _, l := range update.Logs {
		p.printOutput(l)
	}
	for _, w := range update.Warnings {
		if s := p.steps[w.Vertex]; s != nil {
			fmt.Fprintf(p.out, "#%d WARNING: %s\n", s.number, w.Short)
		}
	}
	for _, v := range update.Vertexes {
		p.printEnd(v)
	}
}

func (p *printer) printStart(v *bk.Vertex) {
	s := p.steps[v.Digest]
	if s == nil {
		s = &step{name: v.Name}
		p.steps[v.Digest] = s
	}
	if v.Started == nil {
		return
	}
	if s.number != 0 {
		if s.ended && v.Completed == nil {
			// A step that was done as far as it was needed, such as a base image whose layers weren't, goes on.
			s.ended, s.started = false, v.Started
		}
		return
	}
	if v.Name == exportStep && !p.pushing {
		p.pushing = true
		p.stage(build.StagePush)
	}
	s.number, s.started = p.next(), v.Started
	fmt.Fprintf(p.out, "#%d %s\n", s.number, v.Name)
}

func (p *printer) next() int {
	highest := 0
	for _, s := range p.steps {
		highest = max(highest, s.number)
	}
	return highest + 1
}

// printPart tells when parts of a step are done; their progress in between would only be noise in a log.
func (p *printer) printPart(status *bk.VertexStatus) {
	s := p.steps[status.Vertex]
	key := status.Vertex.String() + status.ID
	if s == nil || s.number == 0 || status.Completed == nil || p.reported[key] {
		return
	}
	p.reported[key] = true
	text := status.ID
	if status.Name != "" && !strings.HasPrefix(status.ID, status.Name) {
		text = status.Name + " " + status.ID
	}
	if status.Total > 0 {
		text += fmt.Sprintf(" %s", byteCount(status.Total))
	}
	if status.Started != nil {
		text += " " + seconds(status.Completed.Sub(*status.Started))
	}
	fmt.Fprintf(p.out, "#%d %s done\n", s.number, text)
}

func (p *printer) printOutput(l *bk.VertexLog) {
	s := p.steps[l.Vertex]
	if s == nil {
		return
	}
	data := append(s.rest, l.Data...)
	s.rest = nil
	for {
		line, rest, complete := bytes.Cut(data, []byte("\n"))
		if !complete {
			s.rest = bytes.Clone(line)
			return
		}
		p.printLine(s, l.Timestamp, line)
		data = rest
	}
}

func (p *printer) printLine(s *step, at time.Time, line []byte) {
	// A carriage return overwrites what came before it, as in a terminal.
	line = bytes.TrimRight(line, "\r")
	if i := bytes.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	text := strings.ToValidUTF8(string(line), "?")
	prefix := ""
	if s.started != nil {
		prefix = fmt.Sprintf("%.3f ", max(0, at.Sub(*s.started).Seconds()))
	}
	fmt.Fprintf(p.out, "#%d %s%s\n", s.number, prefix, text)
	s.tail = append(s.tail, text)
	if len(s.tail) > tailLines {
		s.tail = s.tail[1:]
	}
}

func (p *printer) printEnd(v *bk.Vertex) {
	s := p.steps[v.Digest]
	if s == nil || s.number == 0 || s.ended || v.Completed == nil {
		return
	}
	s.ended = true
	if len(s.rest) > 0 {
		rest := s.rest
		s.rest = nil
		p.printLine(s, *v.Completed, rest)
	}
	switch {
	case v.Error != "":
		fmt.Fprintf(p.out, "#%d ERROR: %s\n", s.number, v.Error)
	case v.Cached:
		fmt.Fprintf(p.out, "#%d CACHED\n", s.number)
	default:
		fmt.Fprintf(p.out, "#%d DONE %s\n", s.number, seconds(v.Completed.Sub(*s.started)))
	}
}

// output are the last lines that a step printed.
func (p *printer) output(vertex digest.Digest) string {
	s := p.steps[vertex]
	if s == nil {
		return ""
	}
	lines := s.tail
	if len(s.rest) > 0 {
		lines = append(lines, string(s.rest))
	}
	text := strings.TrimSpace(strings.Join(lines, "\n"))
	if len(text) > maxTail {
		text = "…" + strings.ToValidUTF8(text[len(text)-maxTail:], "")
	}
	return text
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

func byteCount(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2fGB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.2fMB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.2fkB", float64(n)/1e3)
	default:
		return fmt.Sprintf("%dB", n)
	}
}
