// Package webhook is POST /api/webhook: it hears of pushes, pull requests and repositories from GitHub, GitLab, Gitea, Gogs,
// Bitbucket (Cloud and Server) and Azure DevOps, and of tags from registries: Docker Hub, ghcr.io, Harbor, and those with Distribution's notifications. It checks where they come from, and tells the hub's event bus.
//
// It only passes on that something moved. What it moved to, the controllers look up for themselves, so that a forged or
// repeated delivery can cause a look and nothing else. Start with New; each sender has a file of its own.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"fairlead.dev/fairlead/internal/event"
)

// Options configure the handler.
type Options struct {
	// Secrets returns the data of the Secret argocd-secret. The keys are Argo CD's, webhook.github.secret,
	// webhook.gitlab.secret, webhook.gogs.secret, and Fairlead's webhook.gitea.secret (without it, that of Gogs counts, as
	// in Argo CD), webhook.bitbucket.uuid, webhook.bitbucketserver.secret, webhook.azuredevops.username and .password, and for
	// registries webhook.registry.secret (webhook.dockerhub.secret and webhook.harbor.secret before it). A sender without a secret is believed, as in Argo CD. Required.
	Secrets func(ctx context.Context) (map[string][]byte, error)
	// Bus is told. Required.
	Bus *event.Bus
	// MaxBytes bounds a delivery; 0 means 50 MiB, as in Argo CD.
	MaxBytes int64
	// Config returns the data of argocd-cm, whose webhook.maxPayloadSizeMB goes before MaxBytes; nil means that there is none.
	Config func(ctx context.Context) (map[string]string, error)
	// Metrics receives fairlead_webhook_deliveries_total; nil means none.
	Metrics prometheus.Registerer
	// Logger is told of deliveries that were refused; nil means slog.Default().
	Logger *slog.Logger
}

const defaultMaxBytes = 50 << 20

// limit is how large a delivery may be now.
func (h *handler) limit(ctx context.Context) int64 {
	if h.options.Config == nil {
		return h.options.MaxBytes
	}
	config, err := h.options.Config(ctx)
	if err != nil {
		return h.options.MaxBytes
	}
	// A gigabyte is more than any host sends.
	if megabytes, err := strconv.ParseInt(config["webhook.maxPayloadSizeMB"], 10, 64); err == nil && megabytes > 0 && megabytes <= 1024 {
		return megabytes << 20
	}
	return h.options.MaxBytes
}

type handler struct {
	options    Options
	deliveries *prometheus.CounterVec
}

// New makes the handler.
func New(options Options) (http.Handler, error) {
	if options.Secrets == nil || options.Bus == nil {
		return nil, errors.New("setting up webhooks: secrets and bus are required")
	}
	if options.MaxBytes == 0 {
		options.MaxBytes = defaultMaxBytes
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	h := &handler{options: options, deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fairlead_webhook_deliveries_total",
		Help: "Webhook deliveries by sender and result: told, ignored (an event of no interest), refused.",
	}, []string{"sender", "result"})}
	if options.Metrics != nil {
		if err := options.Metrics.Register(h.deliveries); err != nil {
			return nil, fmt.Errorf("setting up webhooks: %w", err)
		}
	}
	return h, nil
}

// news is what a delivery tells.
type news struct {
	pushes   []event.Push
	images   []event.Image
	listings []event.Listing
}

func (n news) empty() bool { return len(n.pushes)+len(n.images)+len(n.listings) == 0 }

// refusal is an answer that isn't 200.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// ServeHTTP answers as soon as the event is on the bus; senders give up after a few seconds.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := "unknown"
	found, err := h.receive(w, r, &name)
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		h.deliveries.WithLabelValues(name, "refused").Inc()
		h.options.Logger.Warn("webhook refused", "sender", name, "remote", r.RemoteAddr, "reason", refused.text)
		answer(w, refused.status, refused.text)
	case err != nil:
		h.deliveries.WithLabelValues(name, "refused").Inc()
		h.options.Logger.Error("webhook not taken", "sender", name, "error", err)
		answer(w, http.StatusServiceUnavailable, "the hub can't read its settings now: deliver it again")
	case found.empty():
		h.deliveries.WithLabelValues(name, "ignored").Inc()
		answer(w, http.StatusOK, "nothing to do for this event")
	default:
		for _, push := range found.pushes {
			h.options.Bus.PublishPush(push)
		}
		for _, image := range found.images {
			h.options.Bus.PublishImage(image)
		}
		for _, listing := range slices.Concat(found.listings, movedBranches(name, found.pushes)) {
			h.options.Bus.PublishListing(listing)
		}
		h.deliveries.WithLabelValues(name, "told").Inc()
		answer(w, http.StatusOK, "thank you")
	}
}

func (h *handler) receive(w http.ResponseWriter, r *http.Request, name *string) (news, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return news{}, &refusal{http.StatusMethodNotAllowed, "webhooks are delivered with POST"}
	}
	from, ok := identify(r)
	if !ok {
		return news{}, &refusal{http.StatusBadRequest, "unknown sender: GitHub, GitLab, Gitea, Gogs, Bitbucket, Azure DevOps, and registries with Distribution's " +
			"notifications (Content-Type " + registryMediaType + ") are known; Docker Hub and Harbor by ?type=docker.hub and ?type=harbor"}
	}
	limit := h.limit(r.Context())
	header := r.Header.Clone()
	header.Set(querySecret, r.URL.Query().Get("secret"))
	*name = from.name
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return news{}, &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the delivery is larger than %d bytes", limit)}
	} else if err != nil {
		return news{}, &refusal{http.StatusBadRequest, "the delivery ended early"}
	}
	secrets, err := h.options.Secrets(r.Context())
	if err != nil {
		return news{}, err
	}
	if secret := from.secret(secrets); len(secret) > 0 && !from.genuine(header, body, secret) {
		return news{}, &refusal{http.StatusUnauthorized, "the " + from.name + " delivery isn't signed with the secret that argocd-secret has for it"}
	}
	found, err := from.parse(header, body)
	if err != nil {
		return news{}, &refusal{http.StatusBadRequest, "the " + from.name + " delivery can't be read: " + err.Error()}
	}
	return found, nil
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": text})
}

// sender is a kind of host that delivers webhooks.
type sender struct {
	name string
	// secretKeys are the keys of argocd-secret that may hold its secret; the first that is set counts.
	secretKeys []string
	// joined says that the secret is the values of all keys with colons between.
	joined bool
	// genuine tells whether whoever made the delivery knows the secret.
	genuine func(header http.Header, body, secret []byte) bool
	parse   func(header http.Header, body []byte) (news, error)
}

func (s sender) secret(data map[string][]byte) []byte {
	if s.joined {
		var values [][]byte
		for _, key := range s.secretKeys {
			values = append(values, bytes.TrimSpace(data[key]))
		}
		if len(bytes.Join(values, nil)) == 0 {
			return nil
		}
		return bytes.Join(values, []byte(":"))
	}
	for _, key := range s.secretKeys {
		if secret := bytes.TrimSpace(data[key]); len(secret) > 0 {
			return secret
		}
	}
	return nil
}

// identify finds the sender. Gitea comes before Gogs, and both before GitHub, because they send the headers of those that
// they descend from too.
func identify(r *http.Request) (sender, bool) {
	header := r.Header
	switch kind := r.URL.Query().Get("type"); {
	case kind == "docker.hub", kind == "docker.io":
		return dockerHub, true
	case kind == "harbor":
		return harbor, true
	case header.Get("X-Gitea-Event") != "":
		return gitea, true
	case header.Get("X-Gogs-Event") != "":
		return gogs, true
	case header.Get("X-GitHub-Event") != "":
		return github, true
	case header.Get("X-Gitlab-Event") != "":
		return gitlab, true
	case header.Get("X-Event-Key") != "" && header.Get("X-Hook-UUID") != "":
		return bitbucket, true
	case header.Get("X-Event-Key") != "":
		return bitbucketServer, true
	case header.Get("X-Vss-Activityid") != "":
		return azure, true
	case isRegistry(header):
		return registry, true
	default:
		return sender{}, false
	}
}
