package server

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/golang-jwt/jwt/v5"

	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// TestAttackTokens comes with tokens that are no good, in every protocol and every place where a token may be.
func TestAttackTokens(t *testing.T) {
	h := newHub(t)
	key := h.secret(settings.SecretName).Data["server.secretkey"]
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	sign := func(method jwt.SigningMethod, key any, change jwt.MapClaims) string {
		claims := jwt.MapClaims{"iss": login.Issuer, "sub": "admin:login", "jti": "forged", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix()}
		for name, value := range change {
			claims[name] = value
		}
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	revoked := h.token("admin")
	h.logOut(revoked)
	role := h.roleToken("gone", "p, proj:shop:gone, applications, *, shop/*, allow")
	project, err := h.server.project(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	project.Spec.Roles = nil
	h.update(project)
	apiKey, err := h.server.options.Login.CreateToken(ctx, "bot", "ci", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.server.options.Login.DeleteToken(ctx, "bot", "ci"); err != nil {
		t.Fatal(err)
	}
	disabled := h.token("operator")
	h.setConfig(settings.ConfigMapName, "accounts.operator.enabled", "false")
	good := sign(jwt.SigningMethodHS256, key, nil)
	parts := strings.Split(good, ".")
	tokens := map[string]string{
		"not signed":                 sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"another key":                sign(jwt.SigningMethodHS256, []byte("another key"), nil),
		"no key":                     sign(jwt.SigningMethodHS256, []byte{}, nil),
		"another algorithm":          sign(jwt.SigningMethodHS512, key, nil),
		"a public key's algorithm":   sign(jwt.SigningMethodRS256, rsaKey, nil),
		"without its signature":      parts[0] + "." + parts[1] + ".",
		"another's signature":        parts[0] + "." + strings.Split(disabled, ".")[1] + "." + parts[2],
		"another issuer":             sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"iss": "https://evil.example"}),
		"no issuer":                  sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"iss": ""}),
		"expired":                    sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"exp": now.Add(-time.Minute).Unix()}),
		"not yet good":               sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"nbf": now.Add(time.Hour).Unix()}),
		"from the future":            sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"iat": now.Add(time.Hour).Unix()}),
		"without an id":              sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"jti": ""}),
		"of nobody":                  sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": ""}),
		"of a role of policies":      sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": "role:admin"}),
		"of an account that isn't":   sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": "eve:login"}),
		"of a project that isn't":    sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": "proj:none:admin"}),
		"of a path":                  sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": "proj:../argocd:admin"}),
		"a session as a key":         sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": "bot:apiKey"}),
		"a key's account, logged on": sign(jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": "bot:login"}),
		"revoked":                    revoked,
		"of a role that has gone":    role,
		"of a key that has gone":     apiKey,
		"of a disabled account":      disabled,
		"noise":                      strings.Repeat("x.", 30_000),
	}
	message, err := protocol.Proto{}.Marshal(&protocol.ApplicationQuery{})
	if err != nil {
		t.Fatal(err)
	}
	list := string(protocol.ApplicationList)
	get := func(header, value string) int {
		request, err := http.NewRequest(http.MethodGet, h.url+"/api/v1/applications", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(header, value)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if status, _ := h.post(wires[0], list, good, grpcFrame(0, message)); status != "gRPC 0" || get("Authorization", "Bearer "+good) != 200 || get("Cookie", "argocd.token="+good) != 200 {
		t.Fatalf("the pattern of the forgeries is refused itself: %s", status)
	}
	for name, token := range tokens {
		for _, w := range wires {
			if status, answer := h.post(w, list, token, w.frame(0, message)); status != "gRPC 16" && status != "HTTP 401" || strings.Contains(answer, token) {
				t.Errorf("%s over %s: %s %s", name, w.name, status, answer)
			}
		}
		for header, value := range map[string]string{"Token": token, "Authorization": "Bearer " + token, "Cookie": "argocd.token=" + token} {
			if status := get(header, value); status != http.StatusUnauthorized {
				t.Errorf("%s in %s: %d", name, header, status)
			}
		}
		h.discreet(token)
	}
}

// TestAttackSubjects: an identity provider's people don't become roles of projects by how they are called.
func TestAttackSubjects(t *testing.T) {
	h, provider := newSSOHub(t)
	h.roleToken("ci", "p, proj:shop:ci, applications, *, shop/*, allow")
	for _, subject := range []string{"proj:shop:ci", "proj:shop:none"} {
		token := provider.Token(t, map[string]any{"sub": subject})
		_, err := hubclient.Call(ctx, h.as("", withToken(token)), protocol.ApplicationList, &protocol.ApplicationQuery{})
		wantCode(t, err, connect.CodeUnauthenticated, "invalid session: failed to verify the token")
		h.discreet(token)
	}
}
