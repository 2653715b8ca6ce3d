package login

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// RevokedName is the ConfigMap of the revoked sessions: the token's id as key, the Unix time of its expiry as value. An
// entry goes when its token has expired anyway. (Argo CD keeps them in Redis.)
const RevokedName = "fairlead-revoked-tokens"

// CreateToken makes an API key for an account. id is chosen if empty; expiresIn 0 means never.
func (m *Manager) CreateToken(ctx context.Context, name, id string, expiresIn time.Duration) (string, error) {
	if id == "" {
		id = uuid.NewString()
	}
	var signed string
	err := m.updateSecret(ctx, func(config *config) error {
		account, ok := config.account(name)
		switch {
		case !ok:
			return newProblem(ErrNoAccount, "account '%s' does not exist", name)
		case account.hasToken(id):
			return newProblem(ErrTokenExists, "account already has token with id '%s'", id)
		case !account.Can(CapabilityAPIKey):
			return newProblem(ErrCapability, "account '%s' does not have %s capability", name, CapabilityAPIKey)
		}
		var err error
		if signed, err = m.sign(config, name+":"+string(CapabilityAPIKey), id, expiresIn); err != nil {
			return err
		}
		now := m.clock.Now()
		token := Token{ID: id, IssuedAt: now.Unix()}
		if expiresIn > 0 {
			token.ExpiresAt = now.Add(expiresIn).Unix()
		}
		return config.setTokens(name, append(account.Tokens, token))
	})
	return signed, err
}

// DeleteToken revokes an API key.
func (m *Manager) DeleteToken(ctx context.Context, name, id string) error {
	return m.updateSecret(ctx, func(config *config) error {
		account, ok := config.account(name)
		switch {
		case !ok:
			return newProblem(ErrNoAccount, "account '%s' does not exist", name)
		case !account.hasToken(id):
			return newProblem(ErrNoToken, "token with id '%s' does not exist", id)
		}
		return config.setTokens(name, slices.DeleteFunc(account.Tokens, func(t Token) bool { return t.ID == id }))
	})
}

func (c *config) setTokens(name string, tokens []Token) error {
	encoded, err := json.Marshal(tokens)
	if err != nil {
		return err
	}
	c.secret[accountKey(name, "tokens")] = encoded
	return nil
}

// Revoke ends a session before its time. API keys and strangers' tokens are left alone: see DeleteToken.
func (m *Manager) Revoke(ctx context.Context, identity Identity) error {
	if identity.TokenID == "" || identity.Capability != CapabilityLogin {
		return nil
	}
	expires := identity.ExpiresAt
	if expires.IsZero() {
		expires = m.clock.Now().AddDate(100, 0, 0)
	}
	for attempt := 0; ; attempt++ {
		err := m.addRevoked(ctx, identity.TokenID, expires)
		if (!apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err)) || attempt == 4 {
			if err != nil {
				return fmt.Errorf("revoking a session: %w", err)
			}
			return nil
		}
	}
}

func (m *Manager) addRevoked(ctx context.Context, id string, expires time.Time) error {
	var list corev1.ConfigMap
	err := m.client.Get(ctx, m.key(RevokedName), &list)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	create := err != nil
	if list.Data == nil {
		list.Data = map[string]string{}
	}
	now := m.clock.Now().Unix()
	for other, until := range list.Data {
		if seconds, err := strconv.ParseInt(until, 10, 64); err != nil || seconds < now {
			delete(list.Data, other)
		}
	}
	list.Data[id] = strconv.FormatInt(expires.Unix(), 10)
	if create {
		list.ObjectMeta = metav1.ObjectMeta{
			Namespace: m.namespace, Name: RevokedName, Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"},
		}
		return m.client.Create(ctx, &list)
	}
	return m.client.Update(ctx, &list)
}

func (m *Manager) revoked(ctx context.Context, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	var list corev1.ConfigMap
	if err := m.client.Get(ctx, m.key(RevokedName), &list); client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading revoked sessions: %w", err)
	}
	_, revoked := list.Data[id]
	return revoked, nil
}
