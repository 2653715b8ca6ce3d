package cli

import (
	"errors"

	"connectrpc.com/connect"
)

// The exit codes, for scripts.
const (
	ExitOK = 0
	// ExitError is anything that has no code of its own.
	ExitError = 1
	// ExitUsage is a command line that makes no sense.
	ExitUsage = 2
	// ExitDenied is a call that the caller may not make: not logged in, or no permission.
	ExitDenied = 3
	// ExitNotFound is an object that does not exist.
	ExitNotFound = 4
	// ExitTimeout is a wait that ran out of time.
	ExitTimeout = 5
	// ExitUnavailable is a hub that does not answer.
	ExitUnavailable = 6
	// ExitFailed is work that was asked for, ran, and failed: a build, a sync, a rollout.
	ExitFailed = 7
	// ExitDifferent is a comparison that found differences.
	ExitDifferent = 8
)

// DifferentError is a comparison that found differences.
type DifferentError struct{ Err error }

func (e *DifferentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *DifferentError) Unwrap() error { return e.Err }

// UsageError is a command line that makes no sense.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// FailedError is work that ran and failed.
type FailedError struct{ Err error }

func (e *FailedError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *FailedError) Unwrap() error { return e.Err }

// TimeoutError is a wait that ran out of time.
type TimeoutError struct{ Err error }

func (e *TimeoutError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *TimeoutError) Unwrap() error { return e.Err }

// NotFoundError is an object that does not exist.
type NotFoundError struct{ Err error }

func (e *NotFoundError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *NotFoundError) Unwrap() error { return e.Err }

// ExitCode maps an error to the exit code of the process; nil is ExitOK.
func ExitCode(err error) int {
	var usage *UsageError
	var failed *FailedError
	var timeout *TimeoutError
	var different *DifferentError
	var missing *NotFoundError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &failed):
		return ExitFailed
	case errors.As(err, &timeout):
		return ExitTimeout
	case errors.As(err, &missing):
		return ExitNotFound
	case errors.As(err, &different):
		return ExitDifferent
	}
	switch connect.CodeOf(err) {
	case connect.CodePermissionDenied, connect.CodeUnauthenticated:
		return ExitDenied
	case connect.CodeNotFound:
		return ExitNotFound
	case connect.CodeDeadlineExceeded:
		return ExitTimeout
	case connect.CodeUnavailable:
		return ExitUnavailable
	}
	return ExitError
}
