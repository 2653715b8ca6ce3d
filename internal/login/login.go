// Package login knows who someone is: local accounts with passwords and API keys, and the tokens that stand for them.
// Accounts live where Argo CD keeps them, in the ConfigMap argocd-cm and the Secret argocd-secret, and are read anew at
// each call, so that a change counts at once.
//
// It doesn't know what anybody may do: that is package access. Start with Manager.
package login

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
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
)

// Options are what a Manager needs.
type Options struct {
	// Client reads accounts (a cached client will do) and writes passwords, API keys and revocations.
	Client client.Client
	// Namespace is the hub's.
	Namespace string
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
	if options.Cost == 0 {
		options.Cost = bcrypt.DefaultCost
	}
	nobody, err := bcrypt.GenerateFromPassword([]byte(rand.Text()), options.Cost)
	if err != nil {
		return nil, fmt.Errorf("preparing the login: %w", err)
	}
	return &Manager{
		client: options.Client, namespace: options.Namespace, clock: options.Clock, cost: options.Cost,
		attempts: newAttempts(options.Clock), nobody: nobody,
	}, nil
}

// Identity is who a token stands for.
type Identity struct {
	// Name is the account's name; "" is an anonymous user.
	Name string
	// Issuer is who issued the token.
	Issuer string
	// Capability is what the token is: a session (login) or an API key.
	Capability Capability
	// TokenID is the token's own name, by which it is revoked.
	TokenID string
	// IssuedAt and ExpiresAt are the token's; ExpiresAt zero means never.
	IssuedAt, ExpiresAt time.Time
	// Groups are those that the token names; local accounts have none.
	Groups []string
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
	return m.sign(config, name, CapabilityLogin, uuid.NewString(), config.sessionDuration())
}

// sign makes a token; expiresIn 0 means never.
func (m *Manager) sign(config *config, name string, capability Capability, id string, expiresIn time.Duration) (string, error) {
	key := config.signingKey()
	if len(key) == 0 {
		return "", fmt.Errorf("signing a token: secret %s has no %s; restart the hub to make one", settings.SecretName, keySigning)
	}
	now := m.clock.Now()
	claims := jwt.RegisteredClaims{
		Issuer: Issuer, Subject: name + ":" + string(capability), ID: id,
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now),
	}
	if expiresIn > 0 {
		claims.ExpiresAt = jwt.NewNumericDate(now.Add(expiresIn))
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(key)
}

// Verify tells who a token stands for. Its errors wrap ErrToken, and name no part of the token.
func (m *Manager) Verify(ctx context.Context, token string) (Identity, error) {
	config, err := m.read(ctx)
	if err != nil {
		return Identity{}, err
	}
	key := config.signingKey()
	var claims jwt.RegisteredClaims
	_, err = jwt.ParseWithClaims(token, &claims,
		func(*jwt.Token) (any, error) {
			if len(key) == 0 {
				return nil, errors.New("the hub has no signing key")
			}
			return key, nil
		},
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(Issuer), jwt.WithTimeFunc(m.clock.Now),
		jwt.WithIssuedAt())
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %v", ErrToken, err)
	}
	if claims.IssuedAt == nil {
		return Identity{}, fmt.Errorf("%w: it doesn't say when it was issued", ErrToken)
	}
	identity := Identity{Issuer: claims.Issuer, TokenID: claims.ID, IssuedAt: claims.IssuedAt.Time}
	identity.Name, identity.Capability = splitSubject(claims.Subject)
	if claims.ExpiresAt != nil {
		identity.ExpiresAt = claims.ExpiresAt.Time
	}
	if err := m.admit(ctx, config, identity); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return identity, nil
}

// splitSubject takes "name:capability" apart. Argo CD's oldest tokens name no capability: they are API keys.
func splitSubject(subject string) (string, Capability) {
	name, capability, _ := strings.Cut(subject, ":")
	if capability == string(CapabilityLogin) {
		return name, CapabilityLogin
	}
	return name, CapabilityAPIKey
}

// admit checks what the signature can't say: that the account still is what it was when the token was issued.
func (m *Manager) admit(ctx context.Context, config *config, identity Identity) error {
	account, ok := config.account(identity.Name)
	switch {
	case !ok:
		return fmt.Errorf("account %q: %w", identity.Name, ErrNoAccount)
	case !account.Enabled:
		return fmt.Errorf("account %s is disabled", identity.Name)
	case !account.Can(identity.Capability):
		return fmt.Errorf("account %s does not have '%s' capability", identity.Name, identity.Capability)
	case identity.TokenID == "":
		return errors.New("token does not have a unique identifier (jti claim) and cannot be validated")
	case identity.IssuedAt.Before(account.PasswordChanged.Truncate(time.Second)):
		return errors.New("account password has changed since token issued")
	case identity.Capability == CapabilityAPIKey && !account.hasToken(identity.TokenID):
		return fmt.Errorf("account %s does not have token with id %s", identity.Name, identity.TokenID)
	}
	revoked, err := m.revoked(ctx, identity.TokenID)
	if err != nil {
		return err
	}
	if revoked {
		return errors.New("token is revoked, please re-login")
	}
	return nil
}
