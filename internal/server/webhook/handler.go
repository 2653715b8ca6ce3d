// Package webhook is POST /api/webhook: it hears of pushes from GitHub, GitLab, Gitea and Gogs, and of tags from registries
// that speak Distribution's notifications, checks where they come from, and tells the hub's event bus.
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

	"github.com/prometheus/client_golang/prometheus"

	"fairlead.dev/fairlead/internal/event"
)

// Options configure the handler.
type Options struct {
	// Secrets returns the data of the Secret argocd-secret. The keys are Argo CD's, webhook.github.secret,
	// webhook.gitlab.secret, webhook.gogs.secret, and Fairlead's webhook.gitea.secret (without it, that of Gogs counts, as
	// in Argo CD) and webhook.registry.secret. A sender without a secret is believed, as in Argo CD. Required.
	Secrets func(ctx context.Context) (map[string][]byte, error)
	// Bus is told. Required.
	Bus *event.Bus
	// MaxBytes bounds a delivery; 0 means 25 MiB, GitHub's own limit.
	MaxBytes int64
	// Metrics receives fairlead_webhook_deliveries_total; nil means none.
	Metrics prometheus.Registerer
	// Logger is told of deliveries that were refused; nil means slog.Default().
	Logger *slog.Logger
}

const defaultMaxBytes = 25 << 20

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
	pushes []event.Push
	images []event.Image
}

func (n news) empty() bool { return len(n.pushes)+len(n.images) == 0 }

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
		h.deliveries.WithLabelValues(name, "told").Inc()
		answer(w, http.StatusOK, "thank you")
	}
}

func (h *handler) receive(w http.ResponseWriter, r *http.Request, name *string) (news, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return news{}, &refusal{http.StatusMethodNotAllowed, "webhooks are delivered with POST"}
	}
	from, ok := identify(r.Header)
	if !ok {
		return news{}, &refusal{http.StatusBadRequest, "unknown sender: GitHub, GitLab, Gitea, Gogs, and registries with Distribution's " +
			"notifications (Content-Type " + registryMediaType + ") are known"}
	}
	*name = from.name
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.options.MaxBytes))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return news{}, &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the delivery is larger than %d bytes", h.options.MaxBytes)}
	} else if err != nil {
		return news{}, &refusal{http.StatusBadRequest, "the delivery ended early"}
	}
	secrets, err := h.options.Secrets(r.Context())
	if err != nil {
		return news{}, err
	}
	if secret := from.secret(secrets); len(secret) > 0 && !from.genuine(r.Header, body, secret) {
		return news{}, &refusal{http.StatusUnauthorized, "the " + from.name + " delivery isn't signed with the secret that argocd-secret has for it"}
	}
	found, err := from.parse(r.Header, body)
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
	// genuine tells whether whoever made the delivery knows the secret.
	genuine func(header http.Header, body, secret []byte) bool
	parse   func(header http.Header, body []byte) (news, error)
}

func (s sender) secret(data map[string][]byte) []byte {
	for _, key := range s.secretKeys {
		if secret := bytes.TrimSpace(data[key]); len(secret) > 0 {
			return secret
		}
	}
	return nil
}

// identify finds the sender. Gitea comes before Gogs, and both before GitHub, because they send the headers of those that
// they descend from too.
func identify(header http.Header) (sender, bool) {
	switch {
	case header.Get("X-Gitea-Event") != "":
		return gitea, true
	case header.Get("X-Gogs-Event") != "":
		return gogs, true
	case header.Get("X-GitHub-Event") != "":
		return github, true
	case header.Get("X-Gitlab-Event") != "":
		return gitlab, true
	case isRegistry(header):
		return registry, true
	default:
		return sender{}, false
	}
}
