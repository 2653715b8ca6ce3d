package client

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/protocol"
)

func TestServerURL(t *testing.T) {
	for server, want := range map[string]string{
		"hub.example.com":         "https://hub.example.com",
		"hub.example.com:8443/":   "https://hub.example.com:8443",
		"localhost:8080":          "http://localhost:8080",
		"127.0.0.1:8080":          "http://127.0.0.1:8080",
		"[::1]:8080":              "http://[::1]:8080",
		" http://hub.example.com": "http://hub.example.com",
	} {
		if got, err := ServerURL(server); err != nil || got != want {
			t.Errorf("%q: got %q, %v", server, got, err)
		}
	}
	for _, server := range []string{"", "ftp://x", "http://", "ht tp://x"} {
		if got, err := ServerURL(server); err == nil {
			t.Errorf("%q: got %q", server, got)
		}
	}
}

// hub answers Version, and streams two lines of a build's log and then an error.
func hub(t *testing.T, check func(http.Header)) http.Handler {
	t.Helper()
	codec := connect.WithCodec(protocol.Proto{})
	mux := http.NewServeMux()
	mux.Handle(string(protocol.Version), connect.NewUnaryHandler(string(protocol.Version),
		func(_ context.Context, r *connect.Request[protocol.VersionRequest]) (*connect.Response[protocol.VersionMessage], error) {
			check(r.Header())
			return connect.NewResponse(&protocol.VersionMessage{Version: "v1"}), nil
		}, codec))
	mux.Handle(string(protocol.BuildLogs), connect.NewServerStreamHandler(string(protocol.BuildLogs),
		func(_ context.Context, r *connect.Request[protocol.BuildLogsRequest], stream *connect.ServerStream[protocol.BuildLogChunk]) error {
			check(r.Header())
			for i := range 2 {
				if err := stream.Send(&protocol.BuildLogChunk{Data: fmt.Appendf(nil, "line %d\n", i)}); err != nil {
					return err
				}
			}
			return connect.NewError(connect.CodeUnauthenticated, errors.New("invalid session"))
		}, codec))
	return mux
}

func TestCallsOverTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(hub(t, func(h http.Header) {
		if h.Get("Token") != "t" || h.Get("User-Agent") != "fairlead" {
			t.Errorf("got headers %v", h)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, options := range map[string]Options{
		"with its authority": {CA: ca}, "insecure": {Insecure: true}, "gRPC-web": {CA: ca, GRPCWeb: true},
	} {
		t.Run(name, func(t *testing.T) {
			options.Server, options.Token = server.URL+"/", "t"
			c, err := Dial(options)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			version, err := Call(context.Background(), c, protocol.Version, &protocol.VersionRequest{})
			if err != nil || version.Version != "v1" {
				t.Fatalf("got %+v, %v", version, err)
			}
			var lines []string
			var last error
			for chunk, err := range Stream(context.Background(), c, protocol.BuildLogs, &protocol.BuildLogsRequest{}) {
				if err != nil {
					last = err
					continue
				}
				lines = append(lines, string(chunk.Data))
			}
			if fmt.Sprint(lines) != "[line 0\n line 1\n]" {
				t.Errorf("got %q", lines)
			}
			var failed *Error
			if !errors.As(last, &failed) || failed.Code != connect.CodeUnauthenticated || connect.CodeOf(last) != connect.CodeUnauthenticated ||
				!strings.HasPrefix(last.Error(), "invalid session; log in with 'fairlead login https://127.0.0.1:") {
				t.Errorf("got %v", last)
			}
		})
	}
}

func TestAHubThatIsNotThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c, err := Dial(Options{Server: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = Call(context.Background(), c, protocol.Version, &protocol.VersionRequest{})
	if connect.CodeOf(err) != connect.CodeUnavailable || !strings.HasPrefix(err.Error(), "reaching the hub at "+server.URL) {
		t.Errorf("got %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Call(cancelled, c, protocol.Version, &protocol.VersionRequest{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestOptions(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	for name, options := range map[string]Options{"no server": {}, "no certificates": {Server: "https://x", CA: []byte("nothing")}} {
		if _, err := Dial(options); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if c, err := Dial(Options{Server: "https://x"}); err != nil || c.transport.TLSClientConfig.InsecureSkipVerify {
		t.Errorf("got %v, and certificates aren't verified", err)
	}
}
