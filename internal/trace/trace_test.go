package trace

import (
	"context"
	"errors"
	"net"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// collector keeps what it is sent.
type collector struct {
	coltrace.UnimplementedTraceServiceServer
	requests chan *coltrace.ExportTraceServiceRequest
	tenants  chan []string
}

func (c collector) Export(ctx context.Context, r *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	c.tenants <- headers.Get("tenant")
	c.requests <- r
	return &coltrace.ExportTraceServiceResponse{}, nil
}

func TestSpansReachTheCollector(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := collector{requests: make(chan *coltrace.ExportTraceServiceRequest, 10), tenants: make(chan []string, 10)}
	server := grpc.NewServer()
	coltrace.RegisterTraceServiceServer(server, c)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	tracer, err := New(t.Context(), Options{
		Address: listener.Addr().String(), Insecure: true, Headers: map[string]string{"tenant": "shop"}, Attributes: []string{"zone:a:1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := tracer.Start(t.Context(), "reconcile", "application", "shop")
	tracer.Note(ctx, "revision", "abc")
	_, endChild := tracer.Start(ctx, "render")
	endChild(errors.New("no chart"))
	end(nil)
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tenant := <-c.tenants; len(tenant) != 1 || tenant[0] != "shop" {
		t.Errorf("headers: %q", tenant)
	}
	spans := (<-c.requests).ResourceSpans[0]
	child, root := spans.ScopeSpans[0].Spans[0], spans.ScopeSpans[0].Spans[1]
	if root.Name != "reconcile" || len(root.Attributes) != 2 || child.Name != "render" || child.Status.Message != "no chart" ||
		string(child.ParentSpanId) != string(root.SpanId) {
		t.Errorf("%v\n%v", root, child)
	}
	zone := ""
	for _, a := range spans.Resource.Attributes {
		if a.Key == "zone" {
			zone = a.Value.GetStringValue()
		}
	}
	if zone != "a:1" {
		t.Errorf("attributes of the process: %v", spans.Resource.Attributes)
	}
}

func TestWithoutAnAddressNothingIsTraced(t *testing.T) {
	tracer, err := New(t.Context(), Options{})
	if err != nil || tracer != nil {
		t.Fatalf("%v, %v", tracer, err)
	}
	ctx := t.Context()
	if allocated := testing.AllocsPerRun(100, func() {
		ctx, end := tracer.Start(ctx, "reconcile")
		tracer.Note(ctx)
		end(nil)
	}); allocated != 0 {
		t.Errorf("%v allocations for nothing", allocated)
	}
	if err := tracer.Close(ctx); err != nil {
		t.Error(err)
	}
	if _, err := New(ctx, Options{Address: "x:1", Attributes: []string{"bad"}}); err == nil {
		t.Error("an attribute without a value")
	}
}
