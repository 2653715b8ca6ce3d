package login

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/settings"
)

// AdminName is the account that always exists.
const AdminName = "admin"

// Capability is what an account can be used for.
type Capability string

// The capabilities.
const (
	CapabilityLogin  Capability = "login"
	CapabilityAPIKey Capability = "apiKey"
)

// Account is a local account.
type Account struct {
	Name         string
	Enabled      bool
	Capabilities []Capability
	// Tokens are the API keys, without their secrets.
	Tokens []Token
	// PasswordChanged is zero if it never was.
	PasswordChanged time.Time

	passwordHash []byte
}

// Token is an API key, in the form of argocd-secret. Times are Unix seconds; ExpiresAt 0 means never.
type Token struct {
	ID        string `json:"id"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp,omitempty"`
}

// Can tells whether the account has a capability.
func (a Account) Can(capability Capability) bool { return slices.Contains(a.Capabilities, capability) }

func (a Account) hasToken(id string) bool {
	return slices.ContainsFunc(a.Tokens, func(t Token) bool { return t.ID == id })
}

// The keys of argocd-cm and argocd-secret, in Argo CD's form.
const (
	keySigning         = "server.secretkey"
	keySessionDuration = "users.session.duration"
	keyPasswordPattern = "passwordPattern"
	keyAdminEnabled    = "admin.enabled"
)

const (
	// defaultSession is the time that a session lasts, Argo CD's.
	defaultSession = 24 * time.Hour
)

// DefaultPasswordPattern is what a new password must match where argocd-cm has no passwordPattern: Argo CD's.
const DefaultPasswordPattern = "^.{8,32}$"

// accountKey is where an account keeps something in the Secret: admin.password, accounts.ann.password.
func accountKey(name, what string) string {
	if name == AdminName {
		return name + "." + what
	}
	return "accounts." + name + "." + what
}

// config is one reading of ConfigMap and Secret.
type config struct {
	configMap map[string]string
	secret    map[string][]byte
}

func (m *Manager) read(ctx context.Context) (*config, error) {
	var configMap corev1.ConfigMap
	if err := m.client.Get(ctx, m.key(settings.ConfigMapName), &configMap); client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading accounts: %w", err)
	}
	var secret corev1.Secret
	if err := m.client.Get(ctx, m.key(settings.SecretName), &secret); client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading accounts: %w", err)
	}
	return &config{configMap: configMap.Data, secret: secret.Data}, nil
}

func (m *Manager) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: m.namespace, Name: name}
}

func (c *config) signingKey() []byte { return c.secret[keySigning] }

// sessionDuration is how long a session lasts; nonsense means the default.
func (c *config) sessionDuration() time.Duration {
	duration, err := time.ParseDuration(c.configMap[keySessionDuration])
	if err != nil || duration <= 0 {
		return defaultSession
	}
	return duration
}

func (c *config) passwordPattern() string {
	if pattern := c.configMap[keyPasswordPattern]; pattern != "" {
		return pattern
	}
	return DefaultPasswordPattern
}

// account reads one account.
func (c *config) account(name string) (Account, bool) {
	declared, exists := c.configMap["accounts."+name]
	if name == "" || strings.Contains(name, ".") || (!exists && name != AdminName) {
		return Account{}, false
	}
	account := Account{Name: name, Enabled: true}
	enabledKey := "accounts." + name + ".enabled"
	if name == AdminName {
		enabledKey = keyAdminEnabled
		if !exists {
			declared = string(CapabilityLogin)
		}
	}
	for part := range strings.SplitSeq(declared, ",") {
		switch capability := Capability(strings.TrimSpace(part)); capability {
		case CapabilityLogin, CapabilityAPIKey:
			account.Capabilities = append(account.Capabilities, capability)
		}
	}
	if enabled, set := c.configMap[enabledKey]; set && enabled != "true" {
		account.Enabled = false
	}
	account.passwordHash = c.secret[accountKey(name, "password")]
	account.PasswordChanged, _ = time.Parse(time.RFC3339, string(c.secret[accountKey(name, "passwordMtime")]))
	if tokens := c.secret[accountKey(name, "tokens")]; len(tokens) > 0 {
		if json.Unmarshal(tokens, &account.Tokens) != nil {
			account.Tokens = nil // keys that can't be read open no door
		}
	}
	return account, true
}

// Accounts are all local accounts, by name.
func (m *Manager) Accounts(ctx context.Context) ([]Account, error) {
	config, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{AdminName: true}
	for key := range config.configMap {
		if name, ok := strings.CutPrefix(key, "accounts."); ok && !strings.Contains(name, ".") {
			names[name] = true
		}
	}
	var accounts []Account
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if account, ok := config.account(name); ok {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}

// Account is one local account; the error wraps ErrNoAccount if there is none.
func (m *Manager) Account(ctx context.Context, name string) (Account, error) {
	config, err := m.read(ctx)
	if err != nil {
		return Account{}, err
	}
	account, ok := config.account(name)
	if !ok {
		return Account{}, newProblem(ErrNoAccount, "account '%s' does not exist", name)
	}
	return account, nil
}

// updateSecret changes argocd-secret, and again if somebody else did meanwhile.
func (m *Manager) updateSecret(ctx context.Context, change func(*config) error) error {
	for attempt := 0; ; attempt++ {
		var configMap corev1.ConfigMap
		if err := m.client.Get(ctx, m.key(settings.ConfigMapName), &configMap); client.IgnoreNotFound(err) != nil {
			return err
		}
		var secret corev1.Secret
		if err := m.client.Get(ctx, m.key(settings.SecretName), &secret); err != nil {
			return err
		}
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		if err := change(&config{configMap: configMap.Data, secret: secret.Data}); err != nil {
			return err
		}
		err := m.client.Update(ctx, &secret)
		if err == nil {
			return m.seen(ctx, secret.ResourceVersion)
		}
		if !apierrors.IsConflict(err) || attempt == 4 {
			return err
		}
	}
}

// seenTimeout bounds the wait for a cache to hear of a write.
const seenTimeout = 5 * time.Second

// seen waits until reads of argocd-secret have at least a version: they come from a cache, and a key that was just deleted
// must not let anybody in.
func (m *Manager) seen(ctx context.Context, version string) error {
	err := wait.PollUntilContextTimeout(ctx, 5*time.Millisecond, seenTimeout, true, func(ctx context.Context) (bool, error) {
		var secret corev1.Secret
		if err := m.client.Get(ctx, m.key(settings.SecretName), &secret); err != nil {
			return false, err
		}
		order, err := resourceversion.CompareResourceVersion(secret.ResourceVersion, version)
		return order >= 0, err
	})
	if err != nil {
		return fmt.Errorf("waiting until the change of %s counts: %w", settings.SecretName, err)
	}
	return nil
}
