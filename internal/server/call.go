package server

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"connectrpc.com/connect"

	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/login"
)

// call is one call that is being served: who calls, and what they may do. It is used by one goroutine.
type call struct {
	row      *row
	identity login.Identity
	// loggedIn is false for anonymous callers, where they are let in.
	loggedIn bool
	user     *access.User
	// checked says that the row's permission was checked.
	checked bool
	// token is what the caller came with; renewed is when it and granted were last checked. Streams need them.
	token   string
	renewed time.Time
	granted grants
}

// errPermission is what upstream says where it doesn't want to say what exists.
var errPermission = connect.NewError(connect.CodePermissionDenied, errors.New("permission denied"))

// allow checks the row's permission on an object.
func (c *call) allow(object string) error {
	c.checked = true
	return c.require(c.row.permission.resource, c.row.permission.action, object)
}

// filter is the row's permission for many objects: a list shows those for which it says Allowed.
func (c *call) filter() access.Check {
	c.checked = true
	return c.user.Check(c.row.permission.resource, c.row.permission.action)
}

// require checks a further permission. Its error has upstream's words.
func (c *call) require(resource, action, object string) error {
	if c.user.Allowed(resource, action, object) {
		if c.row.streams {
			c.granted.add(grant{resource: resource, action: action, object: object})
		}
		return nil
	}
	text := fmt.Sprintf("permission denied: %s, %s, %s", resource, action, withoutPasswords(object))
	if c.identity.Subject != "" {
		text += ", sub: " + c.identity.Subject
	}
	if !c.identity.IssuedAt.IsZero() {
		text += ", iat: " + c.identity.IssuedAt.UTC().Format(time.RFC3339)
	}
	return connect.NewError(connect.CodePermissionDenied, errors.New(text))
}

var passwordInURL = regexp.MustCompile(`(://[^/\s@:]*):[^/\s]*@`)

// withoutPasswords is a text with the passwords taken out of the URLs in it: repositories are known by their addresses.
func withoutPasswords(text string) string { return passwordInURL.ReplaceAllString(text, "$1@") }

// may tells whether something is allowed, without an error.
func (c *call) may(resource, action, object string) bool {
	return c.user.Allowed(resource, action, object)
}

// own lets callers act on what is their own, and others by the row's permission.
func (c *call) own(name string) error {
	if c.loggedIn && name == c.identity.Subject && c.identity.Issuer == login.Issuer {
		c.checked = true
		return nil
	}
	return c.allow(name)
}

// name is who calls, for records.
func (c *call) name() string {
	if c.identity.Name == "" {
		return "anonymous"
	}
	return c.identity.Name
}

type callerKey struct{}

// caller is who calls, found before the request is read.
type caller struct {
	identity login.Identity
	loggedIn bool
	token    string
}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}
