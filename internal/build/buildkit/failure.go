package buildkit

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/opencontainers/go-digest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fairlead.dev/fairlead/internal/build"
)

// unavailable says that the daemon can't be talked to.
func unavailable(address string, err error) error {
	return fmt.Errorf("%w at %s: %s", build.ErrBuilderUnavailable, address, message(err))
}

// explain turns a failed solve into what its reader can act on.
func explain(err error, printer *printer, address string) error {
	// A daemon that was killed, or is stopping, ends every call that runs: the connection is gone (Unavailable), or the
	// solve was cancelled although we didn't cancel it.
	switch code(err) {
	case codes.Unavailable, codes.Canceled:
		return unavailable(address, err)
	}
	if errors.Is(err, context.Canceled) {
		return unavailable(address, err)
	}
	text := message(err)
	switch {
	case !processFailure.MatchString(text) && outage.MatchString(text):
		return fmt.Errorf("%w: %s", build.ErrRegistryUnavailable, text)
	case leftover.MatchString(text):
		return unavailable(address, err)
	}
	failure := &build.Failure{Reason: text, Where: where(err)}
	var vertex *errdefs.VertexError
	if errors.As(err, &vertex) {
		failure.Output = printer.output(digest.Digest(vertex.Vertex.Digest))
	}
	if failure.Where != "" {
		failure.Reason = exitCode(failure.Reason)
	}
	return failure
}

// where is file, line and text of the instruction that failed.
func where(err error) string {
	for _, source := range errdefs.Sources(err) {
		if source.Info == nil || len(source.Ranges) == 0 || source.Ranges[0].Start == nil {
			continue
		}
		lines := strings.Split(string(source.Info.Data), "\n")
		line := int(source.Ranges[0].Start.Line)
		if line < 1 || line > len(lines) {
			continue
		}
		return fmt.Sprintf("%s:%d: %s", source.Info.Filename, line, strings.TrimSpace(lines[line-1]))
	}
	return ""
}

var (
	processFailure = regexp.MustCompile(`^process "(?s:.*)" did not complete successfully: (.*)$`)
	// outage are the words by which pulls and pushes tell that the other side is down. BuildKit passes them on as text only.
	// A host that has no address is not among them: that is most often a mistake in a name.
	outage = regexp.MustCompile(`connection refused|connection reset|broken pipe|i/o timeout|TLS handshake timeout|` +
		`no route to host|network is unreachable|server misbehaving|unexpected EOF|: EOF$|unexpected status.*: 5\d\d|server closed`)
	// leftover is what a daemon says that was killed between making a snapshot's folder and noting it down (createSnapshot of
	// containerd's overlay snapshotter). It removes the folder as it says so: the next try succeeds.
	leftover = regexp.MustCompile(`^failed to prepare \S+ as \S+: failed to rename: .*: file exists$`)
	// solvePrefix is what BuildKit's client puts before every error.
	solvePrefix = "failed to solve: "
)

// exitCode shortens BuildKit's message about a failed RUN, which repeats the whole command that is shown anyway.
func exitCode(reason string) string {
	if match := processFailure.FindStringSubmatch(reason); match != nil {
		return match[1]
	}
	return reason
}

// message is an error's text without gRPC's packaging.
func message(err error) string {
	text := err.Error()
	if s, ok := grpcStatus(err); ok {
		text = s.Message()
	}
	text = strings.TrimPrefix(text, solvePrefix)
	const limit = 2000
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}

func code(err error) codes.Code {
	if s, ok := grpcStatus(err); ok {
		return s.Code()
	}
	return codes.OK
}

func grpcStatus(err error) (*status.Status, bool) {
	var carrier interface{ GRPCStatus() *status.Status }
	if errors.As(err, &carrier) {
		return carrier.GRPCStatus(), true
	}
	return nil, false
}
