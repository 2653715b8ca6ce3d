package webhook

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"fairlead.dev/fairlead/internal/event"
)

// registryMediaType is that of Distribution's notifications
// (https://distribution.github.io/distribution/about/notifications/).
const registryMediaType = "application/vnd.docker.distribution.events.v1+json"

// registry proves itself with a header that the operator gives it, as Distribution knows no signatures: the secret as
// "Authorization: Bearer …", or alone in X-Fairlead-Token.
var registry = sender{
	name: "registry", secretKeys: []string{"webhook.registry.secret"},
	genuine: registrySecret,
	parse:   parseRegistry,
}

func isRegistry(header http.Header) bool {
	mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && strings.HasPrefix(mediaType, "application/vnd.docker.distribution.events.")
}

func registrySecret(header http.Header, _, secret []byte) bool {
	if given := header.Get("X-Fairlead-Token"); given != "" {
		return equal(given, secret)
	}
	given, ok := strings.CutPrefix(header.Get("Authorization"), "Bearer ")
	return ok && equal(given, secret)
}

// envelope is what matters of Distribution's notifications.
type envelope struct {
	Events []struct {
		Action string `json:"action"`
		Target struct {
			Repository string `json:"repository"`
			Tag        string `json:"tag"`
			Digest     string `json:"digest"`
			URL        string `json:"url"`
		} `json:"target"`
		Request struct {
			Host string `json:"host"`
		} `json:"request"`
	} `json:"events"`
}

// parseRegistry takes the pushes of tags. Layers and manifests without a tag say nothing that anybody waits for, and a
// deleted tag is no reason to deploy.
func parseRegistry(_ http.Header, body []byte) (news, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return news{}, errors.New("it is not the JSON of an envelope of events")
	}
	var n news
	for _, one := range e.Events {
		if one.Action != "push" || one.Target.Tag == "" || one.Target.Repository == "" {
			continue
		}
		host := one.Request.Host
		if host == "" {
			if u, err := url.Parse(one.Target.URL); err == nil {
				host = u.Host
			}
		}
		if host == "" {
			return news{}, errors.New("it names no registry: neither request.host nor target.url is set")
		}
		n.images = append(n.images, event.Image{
			Repository: host + "/" + one.Target.Repository, Tag: one.Target.Tag, Digest: one.Target.Digest,
		})
	}
	return n, nil
}
