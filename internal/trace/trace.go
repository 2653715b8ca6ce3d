// Package trace sends OpenTelemetry traces: what one reconcile of an application did, and how long each part took. It is
// configured by Argo CD's --otlp flags.
//
// A nil Tracer traces nothing and costs nothing; so nobody needs to ask whether traces are on. What is traced, the packages
// with a Tracer decide, in decorators rather than in the midst of their work. Start with New and Tracer.Start.
package trace

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Options say where traces go.
type Options struct {
	// Address is the collector's, host:port for OTLP over gRPC; empty for no traces.
	Address string
	// Insecure speaks plaintext to it.
	Insecure bool
	// Headers go with each request. They may hold a secret.
	Headers map[string]string
	// Attributes are key:value pairs about this process, which each trace carries.
	Attributes []string
}

// Tracer makes spans. Nil makes none.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   oteltrace.Tracer
}

// New makes a tracer; nil without an address. It connects in the background: a collector that is away loses traces, and
// holds up nobody.
func New(ctx context.Context, o Options) (*Tracer, error) {
	if o.Address == "" {
		return nil, nil
	}
	process := []attribute.KeyValue{attribute.String("service.name", "fairlead")}
	for _, pair := range o.Attributes {
		key, value, ok := strings.Cut(pair, ":")
		if !ok || key == "" {
			return nil, fmt.Errorf("reading the attribute %q of traces: it is not key:value", pair)
		}
		process = append(process, attribute.String(key, value))
	}
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(o.Address), otlptracegrpc.WithHeaders(o.Headers)}
	if o.Insecure {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("preparing traces for %s: %w", o.Address, err)
	}
	return with(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(process...))), nil
}

func with(options ...sdktrace.TracerProviderOption) *Tracer {
	provider := sdktrace.NewTracerProvider(options...)
	return &Tracer{provider: provider, tracer: provider.Tracer("fairlead.dev/fairlead")}
}

// Start begins a span, below the one in ctx; attributes are keys and values in turn. The end takes the outcome.
func (t *Tracer) Start(ctx context.Context, name string, attributes ...string) (context.Context, func(error)) {
	if t == nil {
		return ctx, nothing
	}
	ctx, span := t.tracer.Start(ctx, name, oteltrace.WithAttributes(pairs(attributes)...))
	return ctx, func(err error) {
		if err != nil && !errors.Is(err, context.Canceled) {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

func nothing(error) {}

// Note adds attributes to the span in ctx.
func (t *Tracer) Note(ctx context.Context, attributes ...string) {
	if t != nil {
		oteltrace.SpanFromContext(ctx).SetAttributes(pairs(attributes)...)
	}
}

func pairs(attributes []string) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, len(attributes)/2)
	for i := 0; i+1 < len(attributes); i += 2 {
		all = append(all, attribute.String(attributes[i], attributes[i+1]))
	}
	return all
}

// Close sends what is left.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
