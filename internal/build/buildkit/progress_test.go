package buildkit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bk "github.com/moby/buildkit/client"
)

func TestPrinter(t *testing.T) {
	begin := time.Unix(1000, 0)
	at := func(ms int) *time.Time {
		later := begin.Add(time.Duration(ms) * time.Millisecond)
		return &later
	}
	updates := []*bk.SolveStatus{
		{Vertexes: []*bk.Vertex{{Digest: "a", Name: "[internal] load build definition", Started: at(0)}, {Digest: "b", Name: "[1/2] FROM base"}}},
		{Vertexes: []*bk.Vertex{{Digest: "a", Name: "[internal] load build definition", Started: at(0), Completed: at(40)}}},
		{Vertexes: []*bk.Vertex{{Digest: "b", Name: "[1/2] FROM base", Started: at(50), Completed: at(50), Cached: true}}},
		{
			Vertexes: []*bk.Vertex{{Digest: "c", Name: "[2/2] RUN make", Started: at(100)}},
			Logs:     []*bk.VertexLog{{Vertex: "c", Data: []byte("compiling\r\nhalf a "), Timestamp: *at(1100)}},
		},
		{Logs: []*bk.VertexLog{{Vertex: "c", Data: []byte("line\n10%\r100%\n\xffbinary\nrest"), Timestamp: *at(2100)}, {Vertex: "unknown", Data: []byte("x\n")}}},
		{
			Vertexes: []*bk.Vertex{{Digest: "c", Name: "[2/2] RUN make", Started: at(100), Completed: at(3100), Error: "exit code: 1"}},
			Warnings: []*bk.VertexWarning{{Vertex: "a", Short: []byte("old syntax")}},
		},
		{Vertexes: []*bk.Vertex{{Digest: "b", Name: "[1/2] FROM base", Started: at(3200)}},
			Statuses: []*bk.VertexStatus{{Vertex: "b", ID: "extracting sha256:1", Name: "extracting", Started: at(3200), Completed: at(3300)}}},
		{Vertexes: []*bk.Vertex{{Digest: "b", Name: "[1/2] FROM base", Started: at(3200), Completed: at(3400)}}},
		{Vertexes: []*bk.Vertex{{Digest: "d", Name: exportStep, Started: at(4000)}},
			Statuses: []*bk.VertexStatus{{Vertex: "d", ID: "pushing layers", Started: at(4000)}}},
		{Statuses: []*bk.VertexStatus{{Vertex: "d", ID: "pushing layers", Total: 1_234_567, Started: at(4000), Completed: at(4500)}}},
		{Statuses: []*bk.VertexStatus{{Vertex: "d", ID: "pushing layers", Total: 1_234_567, Started: at(4000), Completed: at(4500)}}},
	}
	want := `#1 [internal] load build definition
#1 DONE 0.0s
#2 [1/2] FROM base
#2 CACHED
#3 [2/2] RUN make
#3 1.000 compiling
#3 2.000 half a line
#3 2.000 100%
#3 2.000 ?binary
#1 WARNING: old syntax
#3 3.000 rest
#3 ERROR: exit code: 1
#2 extracting sha256:1 0.1s done
#2 DONE 0.2s
#4 exporting to image
#4 pushing layers 1.23MB 0.5s done
`
	var out strings.Builder
	var stages []string
	p := newPrinter(&out, func(stage string) { stages = append(stages, stage) })
	for _, update := range updates {
		p.print(update)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if got := strings.Join(stages, " "); got != "PUSH" {
		t.Errorf("stages %q", got)
	}
	if got := p.output("c"); got != "compiling\nhalf a line\n100%\n?binary\nrest" {
		t.Errorf("tail %q", got)
	}
}
