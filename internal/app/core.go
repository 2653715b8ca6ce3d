package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/server"
	"fairlead.dev/fairlead/internal/settings"
)

const (
	// coreTokenLife is how long the token of such an API holds: longer than any command waits.
	coreTokenLife = 24 * time.Hour
	// coreStartTimeout bounds the first look at the cluster.
	coreStartTimeout = time.Minute
)

// Core serves the hub's API to this process alone, over the cluster that config reaches and with the rights that it has
// there: for who has no hub, only a kubeconfig. It runs no controller: those that run in the cluster do the work. Stop ends it.
//
// Whoever may read the hub's Secret may do everything; so the API is told that admin calls, by a token that its key signs.
func Core(ctx context.Context, config *rest.Config, namespace, version string) (address, token string, stop func(), err error) {
	ctrl.SetLogger(logr.Discard())
	cacheDir, err := os.UserCacheDir()
	if err != nil {
		cacheDir = os.TempDir()
	}
	options := DefaultHub()
	options.Cluster, options.Namespace, options.Version = config, namespace, version
	options.Data = filepath.Join(cacheDir, "fairlead", "core")
	options.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	options.Metrics = prometheus.NewRegistry() // nobody looks at them, and the process may have a hub's
	mgr, err := newManager(ctx, options)
	if err != nil {
		return "", "", nil, err
	}
	if token, err = coreToken(ctx, mgr.GetAPIReader(), namespace); err != nil {
		return "", "", nil, err
	}
	parts, err := newParts(mgr, options)
	if err != nil {
		return "", "", nil, err
	}
	api, err := parts.api(mgr)
	if err != nil {
		return "", "", nil, err
	}
	api.Webhook, api.Metrics, api.Gatherer = nil, nil, nil
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", nil, fmt.Errorf("listening for the API: %w", err)
	}
	stop, err = startCore(ctx, mgr, api, listener)
	return "http://" + listener.Addr().String(), token, stop, err
}

// startCore starts the API, and returns when it has seen the cluster.
func startCore(ctx context.Context, mgr ctrl.Manager, options server.Options, listener net.Listener) (func(), error) {
	ctx, cancel := context.WithCancel(ctx)
	serve := func(ctx context.Context) error {
		api, err := server.New(ctx, options)
		if err != nil {
			return err
		}
		return api.Serve(ctx, listener)
	}
	if err := mgr.Add(everywhere{serve}); err != nil {
		cancel()
		return nil, fmt.Errorf("adding the API: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stop := func() {
		cancel()
		<-ended
	}
	seen := make(chan bool, 1)
	waiting, giveUp := context.WithTimeout(ctx, coreStartTimeout)
	defer giveUp()
	go func() { seen <- mgr.GetCache().WaitForCacheSync(waiting) }()
	select {
	case err := <-ended:
		cancel()
		return nil, fmt.Errorf("looking at the cluster: %w", errors.Join(err, errors.New("it ended at once")))
	case ok := <-seen:
		if !ok {
			stop()
			return nil, errors.New("looking at the cluster: it doesn't answer in time, or doesn't let you list applications, projects and settings")
		}
	}
	return stop, nil
}

// coreToken is a session of admin.
func coreToken(ctx context.Context, reader client.Reader, namespace string) (string, error) {
	secret := &corev1.Secret{}
	if err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: settings.SecretName}, secret); err != nil {
		return "", fmt.Errorf("reading Secret %s of namespace %s: %w; is there a hub in it, and is it the namespace of your kubeconfig's context?", settings.SecretName, namespace, err)
	}
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer: login.Issuer, Subject: login.AdminName + ":login", ID: uuid.NewString(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(coreTokenLife)),
	})
	signed, err := token.SignedString(secret.Data["server.secretkey"])
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return signed, nil
}
