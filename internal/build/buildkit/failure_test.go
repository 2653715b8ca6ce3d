package buildkit

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fairlead.dev/fairlead/internal/build"
)

func TestExplain(t *testing.T) {
	unknown := func(text string) error { return status.Error(codes.Unknown, text) }
	tests := []struct {
		name string
		err  error
		// want is the sentinel that the error is; nil means a failure.
		want error
		text string
	}{
		{"the daemon is gone", status.Error(codes.Unavailable, "error reading from server: EOF"), build.ErrBuilderUnavailable, "unix:///b.sock"},
		{"the daemon is stopping", status.Error(codes.Canceled, "context canceled"), build.ErrBuilderUnavailable, ""},
		{"the daemon's context", context.Canceled, build.ErrBuilderUnavailable, ""},
		{"the daemon was killed as it made a snapshot", unknown("failed to solve: failed to prepare sha256:77 as mhjx: failed to rename: rename /b/new-1 /b/6: file exists"),
			build.ErrBuilderUnavailable, "file exists"},
		{"a command that says the same", unknown(`process "/bin/sh -c echo failed to prepare a as b: failed to rename: c: file exists" did not complete successfully: exit code: 1`), nil, "exit code: 1"},
		{"the registry is down", unknown("failed to push reg/app:v1: failed to do request: Head \"https://reg/v2/\": dial tcp 10.0.0.1:443: connect: connection refused"),
			build.ErrRegistryUnavailable, "connection refused"},
		{"the registry has trouble", unknown("failed to push reg/app:v1: unexpected status from PUT request to https://reg/v2/: 503 Service Unavailable"),
			build.ErrRegistryUnavailable, "503"},
		{"the registry refuses", unknown("failed to push reg/app:v1: unexpected status from PUT request to https://reg/v2/: 403 Forbidden"), nil, "403"},
		{"a registry that doesn't exist", unknown("failed to do request: dial tcp: lookup reg.invalid: no such host"), nil, "no such host"},
		{"a command that can't connect", unknown(`process "/bin/sh -c curl x # connection refused" did not complete successfully: exit code: 7`), nil, "exit code: 7"},
		{"a command over several lines", unknown("process \"/bin/sh -c a\nconnection refused\" did not complete successfully: exit code: 7"), nil, "exit code: 7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := explain(test.err, newPrinter(nil, nil), "unix:///b.sock")
			if !strings.Contains(got.Error(), test.text) {
				t.Errorf("got %q, want %q in it", got, test.text)
			}
			var failure *build.Failure
			if test.want == nil && !errors.As(got, &failure) {
				t.Errorf("got %v, want a failure", got)
			}
			if test.want != nil && !errors.Is(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
