package registry

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fairlead.dev/fairlead/internal/hook"

	"github.com/distribution/distribution/v3/notifications"
	"github.com/docker/go-events"
	"github.com/opencontainers/go-digest"
)

// tags is the hook.Source of one repository's tags.
type tags struct {
	server *Server
	name   string
}

func (s *Server) tags(name string) tags { return tags{s, name} }

// State returns the digests of all tags.
func (t tags) State(ctx context.Context) (map[string]string, error) {
	return t.server.store.tags(ctx, t.name)
}

// Delivery words a change of a tag as a notification of Distribution (an envelope with one event): action push or delete,
// target.repository, target.tag and, for a push, target.digest and target.mediaType. Distribution's own endpoints aren't
// used because they keep their queue in memory: a killed registry would forget a tag. The secret travels as a bearer token,
// as users of Distribution configure it by an endpoint's headers.
func (t tags) Delivery(ctx context.Context, to hook.Endpoint, c hook.Change) (*hook.Delivery, error) {
	event := notifications.Event{ID: strings.ToLower(rand.Text()), Timestamp: time.Now(), Action: notifications.EventActionPush}
	event.Target.Repository, event.Target.Tag = t.name, c.Key
	// Clients push by several addresses; images are named by the one that is configured.
	event.Request.Method, event.Request.Host = http.MethodPut, t.server.host()
	event.Source.Addr = t.server.host()
	if c.After == "" {
		event.Action, event.Request.Method = notifications.EventActionDelete, http.MethodDelete
	} else {
		mediaType, size, found, err := t.server.store.manifest(ctx, t.name, c.After)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, nil // deleted meanwhile; that will be told
		}
		event.Target.MediaType, event.Target.Digest = mediaType, digest.Digest(c.After)
		event.Target.Size, event.Target.Length = size, size
		event.Target.URL = t.server.opts.URL + "/v2/" + t.name + "/manifests/" + c.After
	}
	body, err := json.Marshal(notifications.Envelope{Events: []events.Event{event}})
	if err != nil {
		return nil, fmt.Errorf("wording a notification: %w", err)
	}
	header := http.Header{}
	header.Set("Content-Type", notifications.EventsMediaType)
	if to.Secret != "" {
		header.Set("Authorization", "Bearer "+to.Secret)
	}
	return &hook.Delivery{Header: header, Body: body}, nil
}

// host is the host and port that images are named by.
func (s *Server) host() string {
	u, err := url.Parse(s.opts.URL)
	if err != nil {
		return ""
	}
	return u.Host
}
