// Package login knows who someone is: local accounts with passwords and API keys, roles of projects, people whom an identity
// provider vouches for (package sso), and the tokens that stand for them. Accounts live where Argo CD keeps them, in the ConfigMap argocd-cm and the Secret argocd-secret, and are read anew at
// each call, so that a change counts at once.
//
// It doesn't know what anybody may do: that is package access. Start with Manager.
package login

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/settings"
)

// Issuer is the issuer of the tokens made here, as Argo CD's.
const Issuer = "argocd"

// Refusal is why somebody isn't let in, in upstream's words. Names that don't exist and wrong passwords are both
// ErrCredentials: what a user sees doesn't say whether the name exists.
type Refusal string

// Error is the text.
func (r Refusal) Error() string { return string(r) }

// The refusals that have a name.
const (
	ErrCredentials Refusal = "Invalid username or password"
	ErrBlank       Refusal = "Blank passwords are not allowed"
)

// What can be wrong with tokens, accounts and new passwords.
var (
	ErrToken       = errors.New("invalid token")
	ErrNoAccount   = errors.New("account does not exist")
	ErrPassword    = errors.New("password is not acceptable")
	ErrTokenExists = errors.New("token exists")
	ErrNoToken     = errors.New("token does not exist")
	ErrCapability  = errors.New("account lacks a capability")
	// ErrNoSSO is wrapped where a token of another issuer comes, and no identity provider is configured.
	ErrNoSSO = errors.New("SSO is not configured")
)

// problem is an error of a kind (one of those above) with a text of its own, upstream's.
type problem struct {
	kind error
	text string
}

func newProblem(kind error, format string, arguments ...any) error {
	return &problem{kind, fmt.Sprintf(format, arguments...)}
}

func (p *problem) Error() string { return p.text }
func (p *problem) Unwrap() error { return p.kind }

// Options are what a Manager needs.
type Options struct {
	// Client reads accounts (a cached client will do) and writes passwords, API keys and revocations.
	Client client.Client
	// Namespace is the hub's.
	Namespace string
	// External verifies the tokens of identity providers; nil means that there are none.
	External External
	// Logger is told why an identity provider's token was refused; nil means the default one.
	Logger *slog.Logger
	// Clock is the time; nil means the real one.
	Clock clock.Clock
	// Cost is bcrypt's, of new passwords; 0 means its default, some 60 ms.
	Cost int
}

// Default is everything but the client, for the namespace argocd.
func Default() Options { return Options{Namespace: "argocd", Clock: clock.RealClock{}} }

// Validate tells what is missing.
func (o Options) Validate() error {
	switch {
	case o.Client == nil:
		return errors.New("checking the options of login: there is no client")
	case o.Namespace == "":
		return errors.New("checking the options of login: there is no namespace")
	}
	return nil
}

// Manager logs people on and verifies tokens. It is safe for concurrent use.
type Manager struct {
	client    client.Client
	namespace string
	clock     clock.Clock
	cost      int
	attempts  *attempts
	external  External
	logger    *slog.Logger
	// nobody is the hash of a password that nobody has. It is compared with when there is no account, so that the time of
	// the answer doesn't tell.
	nobody []byte
}

// New makes a manager.
func New(options Options) (*Manager, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	if options.Cost == 0 {
		options.Cost = bcrypt.DefaultCost
	}
	nobody, err := bcrypt.GenerateFromPassword([]byte(rand.Text()), options.Cost)
	if err != nil {
		return nil, fmt.Errorf("preparing the login: %w", err)
	}
	return &Manager{
		client: options.Client, namespace: options.Namespace, clock: options.Clock, cost: options.Cost, external: options.External, logger: options.Logger,
		attempts: newAttempts(options.Clock), nobody: nobody,
	}, nil
}

// Login checks name and password, and gives a token for a session.
func (m *Manager) Login(ctx context.Context, name, password string) (string, error) {
	if err := m.CheckPassword(ctx, name, password); err != nil {
		return "", err
	}
	config, err := m.read(ctx)
	if err != nil {
		return "", err
	}
	return m.sign(config, name+":"+string(CapabilityLogin), uuid.NewString(), config.sessionDuration())
}

// sign makes a token; expiresIn 0 means never.
func (m *Manager) sign(config *config, subject, id string, expiresIn time.Duration) (string, error) {
	key := config.signingKey()
	if len(key) == 0 {
		return "", fmt.Errorf("signing a token: secret %s has no %s; restart the hub to make one", settings.SecretName, keySigning)
	}
	now := m.clock.Now()
	claims := jwt.RegisteredClaims{
		Issuer: Issuer, Subject: subject, ID: id,
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now),
	}
	if expiresIn > 0 {
		claims.ExpiresAt = jwt.NewNumericDate(now.Add(expiresIn))
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(key)
}
