package hook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Endpoint is a receiver of deliveries.
type Endpoint struct {
	// URL is where deliveries are posted to, http or https. It is also the receiver's identity: a receiver with a new
	// URL hears of what happens from then on.
	URL string
	// Secret proves to the receiver where a delivery comes from; how is up to the source. Empty: deliveries are unsigned.
	Secret string
}

// Validate tells what is wrong with the endpoint.
func (e Endpoint) Validate() error {
	u, err := url.Parse(e.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		// The URL isn't repeated: it may carry a token.
		return errors.New("the URL of a webhook must be like http://127.0.0.1:8080/api/webhook")
	}
	return nil
}

// String is the URL without what may be secret in it, for logs.
func (e Endpoint) String() string {
	u, err := url.Parse(e.URL)
	if err != nil {
		return "(unreadable URL)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// id names the endpoint in file names.
func (e Endpoint) id() string {
	sum := sha256.Sum256([]byte(e.URL))
	return hex.EncodeToString(sum[:8])
}

// Change is the step of one key that a receiver is to be told.
type Change struct {
	// Key is a name in the source's state, e.g. refs/heads/main.
	Key string
	// Before and After are the key's values: what the receiver knows and what is there. Empty: the key doesn't exist.
	Before, After string
	// Told is all that the receiver knows of the source, this change not included. Not to be changed.
	Told map[string]string
}

// Delivery is one HTTP POST.
type Delivery struct {
	Header http.Header
	Body   []byte
}

// Source is something whose changes are told: one Git repository, one image repository.
type Source interface {
	// State returns what is there now.
	State(ctx context.Context) (map[string]string, error)
	// Delivery words a change for a receiver. Nil: there is nothing to tell about it.
	Delivery(ctx context.Context, to Endpoint, c Change) (*Delivery, error)
}

// refusedError is a receiver's answer that the same delivery will get each time.
type refusedError struct{ status string }

func (e refusedError) Error() string { return fmt.Sprintf("the receiver answered %s", e.status) }
