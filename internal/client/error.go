package client

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"
)

// Error is a call that failed. connect.CodeOf gives its code too.
type Error struct {
	Code connect.Code
	// Message is the hub's own, or says why it couldn't be asked.
	Message string

	cause error
}

// Error is the message, without the code.
func (e *Error) Error() string { return e.Message }

// Unwrap is the error of package connect, and through it the context's.
func (e *Error) Unwrap() error { return e.cause }

func (c *Client) wrap(err error) error {
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return &Error{Code: connect.CodeUnknown, Message: err.Error(), cause: err}
	}
	message := failed.Message()
	switch {
	case errors.Is(err, context.Canceled):
		message = "the call was cancelled"
	case failed.Code() == connect.CodeUnavailable:
		message = fmt.Sprintf("reaching the hub at %s: %s", c.options.Server, message)
	case failed.Code() == connect.CodeUnauthenticated && c.options.Token != "":
		message += "; log in with 'fairlead login " + c.options.Server + "'"
	}
	return &Error{Code: failed.Code(), Message: message, cause: err}
}
