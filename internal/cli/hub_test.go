package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/protocol"
)

// hub answers calls with what a test gives it, over gRPC on a port of its own, and keeps what it was asked.
type hub struct {
	t   *testing.T
	mux *http.ServeMux
	url string
	dir string

	mu    sync.Mutex
	asked []string
}

func newHub(t *testing.T) *hub {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, mux: http.NewServeMux(), url: "http://" + listener.Addr().String(), dir: t.TempDir()}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: h.mux, Protocols: protocols}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // it ends with Close
	}()
	t.Cleanup(func() {
		server.Close()
		<-ended
	})
	return h
}

// on answers a procedure; requests are kept as JSON.
func on[Q, A any](h *hub, procedure protocol.Unary[Q, A], answer func(*Q) (*A, error)) {
	h.mux.Handle(string(procedure), connect.NewUnaryHandler(string(procedure),
		func(_ context.Context, request *connect.Request[Q]) (*connect.Response[A], error) {
			h.keep(string(procedure), request.Msg)
			message, err := answer(request.Msg)
			if err != nil {
				return nil, err
			}
			return connect.NewResponse(message), nil
		}, connect.WithCodec(protocol.Proto{})))
}

// always answers a procedure with the same.
func always[Q, A any](h *hub, procedure protocol.Unary[Q, A], answer *A) {
	on(h, procedure, func(*Q) (*A, error) { return answer, nil })
}

// streaming answers a procedure with these messages.
func streaming[Q, A any](h *hub, procedure protocol.Stream[Q, A], answers ...*A) {
	h.mux.Handle(string(procedure), connect.NewServerStreamHandler(string(procedure),
		func(_ context.Context, request *connect.Request[Q], stream *connect.ServerStream[A]) error {
			h.keep(string(procedure), request.Msg)
			for _, answer := range answers {
				if err := stream.Send(answer); err != nil {
					return err
				}
			}
			return nil
		}, connect.WithCodec(protocol.Proto{})))
}

func (h *hub) keep(name string, message any) {
	text, err := json.Marshal(message)
	if err != nil {
		h.t.Error(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, name+" "+string(text))
}

// last is the last request of a procedure, of which the end of the name is given.
func (h *hub) last(name string) string {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.asked) - 1; i >= 0; i-- {
		if _, text, ok := strings.Cut(h.asked[i], name+" "); ok {
			return text
		}
	}
	h.t.Fatalf("%s was never called; there was %v", name, h.asked)
	return ""
}

// fairlead runs the command line against the hub; what it prints and notes comes in one text.
func (h *hub) fairlead(stdin string, args ...string) (string, error) {
	h.t.Helper()
	var out bytes.Buffer
	cmd := NewCommand(IOStreams{In: strings.NewReader(stdin), Out: &out, Err: &out}, "v0", nil)
	cmd.SetArgs(append([]string{"--config", filepath.Join(h.dir, "config"), "--server", h.url, "--auth-token", "token"}, args...))
	err := cmd.ExecuteContext(h.t.Context())
	return out.String(), err
}

// prints runs a command that must succeed and print this; indentation of want's lines doesn't count.
func (h *hub) prints(want string, args ...string) {
	h.t.Helper()
	got, err := h.fairlead("", args...)
	if err != nil {
		h.t.Errorf("fairlead %s: %v", strings.Join(args, " "), err)
	}
	if trimmed(got) != trimmed(want) {
		h.t.Errorf("fairlead %s prints\n%s\nwant\n%s", strings.Join(args, " "), trimmed(got), trimmed(want))
	}
}

// fails runs a command that must fail with this in its error, and this exit code.
func (h *hub) fails(says string, code int, args ...string) {
	h.t.Helper()
	_, err := h.fairlead("", args...)
	if err == nil || !strings.Contains(err.Error(), says) || ExitCode(err) != code {
		h.t.Errorf("fairlead %s: error %v with exit code %d, want %q with %d", strings.Join(args, " "), err, ExitCode(err), says, code)
	}
}

// asks makes sure of the last request of a procedure.
func (h *hub) asks(name, want string) {
	h.t.Helper()
	if got := h.last(name); got != want {
		h.t.Errorf("%s was called with\n%s\nwant\n%s", name, got, want)
	}
}

// trimmed is a text without indentation, and without blanks at the ends of lines.
func trimmed(text string) string {
	var lines []string
	for _, line := range strings.Split(strings.Trim(text, "\n"), "\n") {
		lines = append(lines, strings.TrimRight(strings.TrimLeft(line, "\t"), " "))
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n\t ")
}
