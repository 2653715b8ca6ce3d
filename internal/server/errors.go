package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/settings/live"
)

// fail makes an error with a code; format and arguments are fmt.Errorf's.
func fail(code connect.Code, err error) error { return connect.NewError(code, err) }

func invalid(text string) error      { return fail(connect.CodeInvalidArgument, errors.New(text)) }
func precondition(text string) error { return fail(connect.CodeFailedPrecondition, errors.New(text)) }

// missingPart is the answer where an option was left out.
func missingPart(what string) error {
	return fail(connect.CodeUnimplemented, errors.New("this hub can't "+what))
}

// asError gives each error a code: its own, or that of what went wrong below.
func asError(err error) error {
	if err == nil {
		return nil
	}
	var coded *connect.Error
	if errors.As(err, &coded) {
		if coded == err { //nolint:errorlint // the very error, not one in it
			return coded
		}
		// Text around a coded error belongs to the message.
		return connect.NewError(coded.Code(), errors.New(messageOf(err, coded)))
	}
	return connect.NewError(codeOf(err), err)
}

// messageOf is an error's text, with the code that a connect.Error puts in front of its own taken out.
func messageOf(err error, coded *connect.Error) string {
	text, with := err.Error(), coded.Error()
	for i := 0; i+len(with) <= len(text); i++ {
		if text[i:i+len(with)] == with {
			return text[:i] + coded.Message() + text[i+len(with):]
		}
	}
	return text
}

func codeOf(err error) connect.Code {
	var unknownCluster *live.UnknownClusterError
	switch {
	case errors.Is(err, context.Canceled):
		return connect.CodeCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return connect.CodeDeadlineExceeded
	case apierrors.IsNotFound(err), errors.Is(err, login.ErrNoAccount), errors.Is(err, login.ErrNoToken):
		return connect.CodeNotFound
	case apierrors.IsAlreadyExists(err):
		return connect.CodeAlreadyExists
	case apierrors.IsConflict(err):
		return connect.CodeAborted
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), errors.Is(err, access.ErrPolicy), errors.As(err, &unknownCluster):
		return connect.CodeInvalidArgument
	case apierrors.IsForbidden(err):
		return connect.CodePermissionDenied
	case apierrors.IsTooManyRequests(err):
		return connect.CodeResourceExhausted
	case apierrors.IsServiceUnavailable(err), apierrors.IsServerTimeout(err), apierrors.IsTimeout(err):
		return connect.CodeUnavailable
	}
	return connect.CodeUnknown
}

// nested puts text in front of an error with a code, and shows that code as gRPC's own libraries do: upstream wraps such
// errors, and its users and tests know the texts.
func nested(text string, err error) error {
	code := connect.CodeOf(asError(err))
	if code == connect.CodeUnknown {
		return fail(code, fmt.Errorf("%s: %w", text, err))
	}
	return fail(code, fmt.Errorf("%s: rpc error: code = %s desc = %s", text, codeName(code), errorText(asError(err))))
}

// codeNames are gRPC's names, which metrics use.
var codeNames = map[connect.Code]string{
	connect.CodeCanceled: "Canceled", connect.CodeUnknown: "Unknown", connect.CodeInvalidArgument: "InvalidArgument",
	connect.CodeDeadlineExceeded: "DeadlineExceeded", connect.CodeNotFound: "NotFound",
	connect.CodeAlreadyExists: "AlreadyExists", connect.CodePermissionDenied: "PermissionDenied",
	connect.CodeResourceExhausted: "ResourceExhausted", connect.CodeFailedPrecondition: "FailedPrecondition",
	connect.CodeAborted: "Aborted", connect.CodeOutOfRange: "OutOfRange", connect.CodeUnimplemented: "Unimplemented",
	connect.CodeInternal: "Internal", connect.CodeUnavailable: "Unavailable", connect.CodeDataLoss: "DataLoss",
	connect.CodeUnauthenticated: "Unauthenticated",
}

func codeName(code connect.Code) string { return codeNames[code] }

// httpStatus is the status that grpc-gateway v1 gives for a code.
func httpStatus(code connect.Code) int {
	switch code {
	case connect.CodeCanceled:
		return http.StatusRequestTimeout
	case connect.CodeInvalidArgument, connect.CodeFailedPrecondition, connect.CodeOutOfRange:
		return http.StatusBadRequest
	case connect.CodeDeadlineExceeded:
		return http.StatusGatewayTimeout
	case connect.CodeNotFound:
		return http.StatusNotFound
	case connect.CodeAlreadyExists, connect.CodeAborted:
		return http.StatusConflict
	case connect.CodePermissionDenied:
		return http.StatusForbidden
	case connect.CodeUnauthenticated:
		return http.StatusUnauthorized
	case connect.CodeResourceExhausted:
		return http.StatusTooManyRequests
	case connect.CodeUnimplemented:
		return http.StatusNotImplemented
	case connect.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
