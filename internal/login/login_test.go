package login

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

const namespace = "argocd"

type hub struct {
	*Manager
	clock  *testingclock.FakeClock
	client client.Client
}

func newHub(t *testing.T, configMap map[string]string) *hub {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "argocd-secret"},
		Data: map[string][]byte{
			"server.secretkey": []byte("a key of some length for the test"), "admin.password": hash,
			"accounts.ann.password": hash, "accounts.off.password": hash, "accounts.bot.password": hash,
		},
	}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "argocd-cm"}, Data: configMap}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, argo.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(secret, config).Build()
	clock := testingclock.NewFakeClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	manager, err := New(Options{Client: c, Namespace: namespace, Clock: clock, Cost: bcrypt.MinCost})
	if err != nil {
		t.Fatal(err)
	}
	return &hub{manager, clock, c}
}

var accounts = map[string]string{
	"accounts.ann": "login, apiKey", "accounts.off": "login", "accounts.off.enabled": "false", "accounts.bot": "apiKey",
}

func TestLogin(t *testing.T) {
	ctx := context.Background()
	h := newHub(t, accounts)
	for name, test := range map[string]struct{ user, password, want string }{
		"right":         {"ann", "correct horse", ""},
		"admin":         {"admin", "correct horse", ""},
		"wrong":         {"ann", "battery", ErrCredentials.Error()},
		"nobody":        {"eve", "correct horse", ErrCredentials.Error()},
		"blank":         {"ann", "", ErrBlank.Error()},
		"disabled":      {"off", "correct horse", "Account off is disabled"},
		"no login":      {"bot", "correct horse", "Account bot does not have login capability"},
		"long name":     {strings.Repeat("x", 33), "x", "too long"},
		"key of a map":  {"ann.enabled", "x", ErrCredentials.Error()},
		"long password": {"ann", strings.Repeat("x", 1000), ErrCredentials.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := h.Login(ctx, test.user, test.password)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("got %v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			identity, err := h.Verify(ctx, token)
			if err != nil || identity.Name != test.user || identity.Capability != CapabilityLogin {
				t.Fatalf("got %+v, %v", identity, err)
			}
		})
	}
}

func TestAdminCanBeDisabled(t *testing.T) {
	h := newHub(t, map[string]string{"admin.enabled": "false"})
	if _, err := h.Login(context.Background(), "admin", "correct horse"); err == nil {
		t.Fatal("the disabled admin got in")
	}
}

func TestAttemptsAreLimited(t *testing.T) {
	ctx := context.Background()
	h := newHub(t, accounts)
	for range maxFailures {
		if _, err := h.Login(ctx, "ann", "guess"); !errors.Is(err, ErrCredentials) {
			t.Fatal(err)
		}
	}
	if _, err := h.Login(ctx, "ann", "correct horse"); !errors.Is(err, ErrCredentials) {
		t.Fatalf("after %d failures: %v", maxFailures, err)
	}
	if _, err := h.Login(ctx, "admin", "correct horse"); err != nil {
		t.Fatalf("another account is shut out too: %v", err)
	}
	h.clock.Step(failureWindow + time.Second)
	if _, err := h.Login(ctx, "ann", "correct horse"); err != nil {
		t.Fatalf("after the window: %v", err)
	}
}

func TestAttemptsAreForgotten(t *testing.T) {
	a := newAttempts(testingclock.NewFakeClock(time.Unix(1e9, 0)))
	for i := range maxNames + 100 {
		done, err := a.begin(context.Background(), fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		done(false)
	}
	if len(a.failed) > maxNames {
		t.Fatalf("%d names are remembered", len(a.failed))
	}
}

func TestTokensEnd(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(*hub, Identity) error{
		"at their time": func(h *hub, _ Identity) error { h.clock.Step(24*time.Hour + time.Second); return nil },
		"when revoked":  func(h *hub, i Identity) error { return h.Revoke(ctx, i) },
		"with a new password": func(h *hub, _ Identity) error {
			h.clock.Step(time.Second)
			return h.SetPassword(ctx, "ann", "new password")
		},
		"with the account":       func(h *hub, _ Identity) error { return h.edit("accounts.ann", "") },
		"when it is disabled":    func(h *hub, _ Identity) error { return h.edit("accounts.ann.enabled", "false") },
		"without the capability": func(h *hub, _ Identity) error { return h.edit("accounts.ann", "apiKey") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, accounts)
			token, err := h.Login(ctx, "ann", "correct horse")
			if err != nil {
				t.Fatal(err)
			}
			identity, err := h.Verify(ctx, token)
			if err != nil {
				t.Fatal(err)
			}
			if err := end(h, identity); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Verify(ctx, token); !errors.Is(err, ErrToken) || strings.Contains(err.Error(), token) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// edit changes argocd-cm; an empty value deletes the key.
func (h *hub) edit(key, value string) error {
	var configMap corev1.ConfigMap
	if err := h.client.Get(context.Background(), h.key("argocd-cm"), &configMap); err != nil {
		return err
	}
	configMap.Data[key] = value
	if value == "" {
		delete(configMap.Data, key)
	}
	return h.client.Update(context.Background(), &configMap)
}

func TestRevocationsAreForgotten(t *testing.T) {
	ctx := context.Background()
	h := newHub(t, accounts)
	for range 3 {
		token, err := h.Login(ctx, "ann", "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		identity, err := h.Verify(ctx, token)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Revoke(ctx, identity); err != nil {
			t.Fatal(err)
		}
		h.clock.Step(25 * time.Hour)
	}
	var list corev1.ConfigMap
	if err := h.client.Get(ctx, h.key(RevokedName), &list); err != nil || len(list.Data) != 1 {
		t.Fatalf("%d are kept, %v", len(list.Data), err)
	}
}

func TestForgedTokens(t *testing.T) {
	h := newHub(t, accounts)
	now := jwt.NewNumericDate(h.clock.Now())
	good := jwt.RegisteredClaims{Issuer: Issuer, Subject: "admin:login", ID: "1", IssuedAt: now}
	sign := func(method jwt.SigningMethod, key any, change func(*jwt.RegisteredClaims)) string {
		claims := good
		change(&claims)
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	key := []byte("a key of some length for the test")
	same := func(*jwt.RegisteredClaims) {}
	if _, err := h.Verify(context.Background(), sign(jwt.SigningMethodHS256, key, same)); err != nil {
		t.Fatalf("the pattern of the forgeries is refused itself: %v", err)
	}
	for name, token := range map[string]string{
		"empty":         "",
		"no token":      "a.b.c",
		"unsigned":      sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, same),
		"other key":     sign(jwt.SigningMethodHS256, []byte("another"), same),
		"empty key":     sign(jwt.SigningMethodHS256, []byte{}, same),
		"other method":  sign(jwt.SigningMethodHS512, key, same),
		"other issuer":  sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Issuer = "evil" }),
		"no id":         sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.ID = "" }),
		"no issue time": sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.IssuedAt = nil }),
		"nobody":        sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = ":login" }),
		"role":          sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "role:admin" }),
		"not a key":     sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "ann:apiKey" }),
	} {
		if identity, err := h.Verify(context.Background(), token); !errors.Is(err, ErrToken) {
			t.Errorf("%s: got %+v, %v", name, identity, err)
		}
	}
}

func TestAPIKeys(t *testing.T) {
	ctx := context.Background()
	h := newHub(t, accounts)
	token, err := h.CreateToken(ctx, "bot", "ci", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := h.Verify(ctx, token)
	if err != nil || identity.Name != "bot" || identity.Capability != CapabilityAPIKey {
		t.Fatalf("got %+v, %v", identity, err)
	}
	if _, err := h.CreateToken(ctx, "bot", "ci", 0); !errors.Is(err, ErrTokenExists) {
		t.Errorf("the same id twice: %v", err)
	}
	if _, err := h.CreateToken(ctx, "admin", "", 0); !errors.Is(err, ErrCapability) {
		t.Errorf("a key for an account without: %v", err)
	}
	if _, err := h.CreateToken(ctx, "eve", "", 0); !errors.Is(err, ErrNoAccount) {
		t.Errorf("a key for nobody: %v", err)
	}
	account, err := h.Account(ctx, "bot")
	if err != nil || len(account.Tokens) != 1 || account.Tokens[0].ExpiresAt-account.Tokens[0].IssuedAt != 3600 {
		t.Errorf("got %+v, %v", account, err)
	}
	if err := h.DeleteToken(ctx, "bot", "ci"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Verify(ctx, token); !errors.Is(err, ErrToken) {
		t.Errorf("the deleted key: %v", err)
	}
	if err := h.DeleteToken(ctx, "bot", "ci"); !errors.Is(err, ErrNoToken) {
		t.Errorf("deleting twice: %v", err)
	}
}

func TestPasswords(t *testing.T) {
	ctx := context.Background()
	h := newHub(t, accounts)
	for _, bad := range []string{"short", strings.Repeat("x", 40), strings.Repeat("x", 100)} {
		if err := h.SetPassword(ctx, "ann", bad); !errors.Is(err, ErrPassword) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
	if err := h.SetPassword(ctx, "eve", "long enough"); !errors.Is(err, ErrNoAccount) {
		t.Error(err)
	}
	if err := h.SetPassword(ctx, "ann", "long enough"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Login(ctx, "ann", "long enough"); err != nil {
		t.Error(err)
	}
}

func TestAccounts(t *testing.T) {
	list, err := newHub(t, accounts).Accounts(context.Background())
	var names []string
	for _, account := range list {
		names = append(names, account.Name)
	}
	if err != nil || fmt.Sprint(names) != "[admin ann bot off]" {
		t.Fatalf("got %v, %v", names, err)
	}
}

func TestEnsureAdmin(t *testing.T) {
	ctx := context.Background()
	c := fake.NewClientBuilder().Build()
	for range 2 {
		if err := EnsureAdmin(ctx, c, namespace); err != nil {
			t.Fatal(err)
		}
	}
	var initial corev1.Secret
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "argocd-initial-admin-secret"}, &initial); err != nil {
		t.Fatal(err)
	}
	m, err := New(Options{Client: c, Namespace: namespace, Cost: bcrypt.MinCost})
	if err != nil {
		t.Fatal(err)
	}
	token, err := m.Login(ctx, "admin", string(initial.Data["password"]))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Verify(ctx, token); err != nil {
		t.Fatal(err)
	}
}

// TestTokensOfProjectRoles: a token counts as long as the project lists it, by its id or, without one, by when it was issued.
func TestTokensOfProjectRoles(t *testing.T) {
	ctx := context.Background()
	h := newHub(t, nil)
	signed, listed, err := h.SignRole(ctx, "shop", "ci", "one", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(want string) {
		t.Helper()
		identity, err := h.Verify(ctx, signed)
		if want != "" {
			if !errors.Is(err, ErrToken) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %+v, %v, want %q", identity, err, want)
			}
			return
		}
		if err != nil || identity.Subject != "proj:shop:ci" || identity.TokenID != "one" || identity.Issuer != Issuer {
			t.Errorf("got %+v, %v", identity, err)
		}
	}
	verify("not found")
	project := &argo.AppProject{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shop"}}
	project.Spec.Roles = []argo.ProjectRole{{Name: "ci"}, {Name: "other", JWTTokens: []argo.JWTToken{listed}}}
	project.Status.JWTTokensByRole = map[string]argo.JWTTokens{"gone": {Items: []argo.JWTToken{listed}}}
	if err := h.client.Create(ctx, project); err != nil {
		t.Fatal(err)
	}
	verify("does not exist in project 'shop'")
	set := func(edit func()) {
		t.Helper()
		edit()
		if err := h.client.Update(ctx, project); err != nil {
			t.Fatal(err)
		}
	}
	set(func() { project.Spec.Roles[0].JWTTokens = []argo.JWTToken{listed} })
	verify("")
	set(func() {
		project.Spec.Roles[0].JWTTokens = nil
		project.Status.JWTTokensByRole = map[string]argo.JWTTokens{"ci": {Items: []argo.JWTToken{listed}}}
	})
	verify("")
	// Another token of the same second doesn't keep a deleted one alive.
	set(func() {
		project.Status.JWTTokensByRole = map[string]argo.JWTTokens{"ci": {Items: []argo.JWTToken{{ID: "two", IssuedAt: listed.IssuedAt}}}}
	})
	verify("does not exist in project 'shop'")
	set(func() { project.Spec.Roles[0].JWTTokens = []argo.JWTToken{listed} })
	h.clock.Step(2 * time.Hour)
	verify("expired")
	// Neither does a role of a project open an account, nor an account a role.
	if signed, err = h.sign(mustRead(t, h), "ann:login:x", "id", 0); err != nil {
		t.Fatal(err)
	}
	verify("account 'ann' does not exist")
}

func mustRead(t *testing.T, h *hub) *config {
	t.Helper()
	config, err := h.read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// late is a client whose reads trail behind its writes by some reads, as a cache's do.
type late struct {
	client.Client
	old    *corev1.Secret
	behind int
}

func (l *late) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	if secret, ok := into.(*corev1.Secret); ok && l.behind > 0 && l.old != nil {
		l.behind--
		l.old.DeepCopyInto(secret)
		return nil
	}
	return l.Client.Get(ctx, key, into, options...)
}

func (l *late) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	before := &corev1.Secret{}
	if err := l.Client.Get(ctx, client.ObjectKeyFromObject(object), before); err != nil {
		return err
	}
	if err := l.Client.Update(ctx, object, options...); err != nil {
		return err
	}
	l.old, l.behind = before, 3
	return nil
}

// A key that was deleted lets nobody in, however far reads trail behind.
func TestDeletedKeysEndAtOnce(t *testing.T) {
	ctx := context.Background()
	h := newHub(t, accounts)
	h.Manager.client = &late{Client: h.client}
	token, err := h.CreateToken(ctx, "bot", "ci", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Verify(ctx, token); err != nil {
		t.Fatalf("a new key doesn't count yet: %v", err)
	}
	if err := h.DeleteToken(ctx, "bot", "ci"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Verify(ctx, token); err == nil {
		t.Error("a deleted key lets in")
	}
}
