package cli

import "errors"

// The exit codes, for scripts; they are argocd's.
const (
	ExitOK = 0
	// ExitUsage is a command line that makes no sense.
	ExitUsage = 1
	// ExitFailed is work that was asked for, ran, and failed: a sync, a build.
	ExitFailed = 1
	// ExitDifferent is a comparison that found differences, unless the command was given another code.
	ExitDifferent = 1
	// ExitError is anything else that went wrong: no permission, no such object, out of time, a sync that failed.
	ExitError = 20
)

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

// ExitCodeError ends the process with a code of its own, and says nothing: the output has said it all.
type ExitCodeError struct{ Code int }

func (e *ExitCodeError) Error() string { return "" }

// ExitCode maps an error to the exit code of the process; nil is ExitOK.
func ExitCode(err error) int {
	var usage *UsageError
	var failed *FailedError
	var coded *ExitCodeError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &coded):
		return coded.Code
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &failed):
		return ExitFailed
	}
	return ExitError
}
