package cli

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

const (
	// ssoPort is the one that providers know from argocd.
	ssoPort = 8085
	// maxProviderAnswer bounds what is read of a provider's answer, in bytes.
	maxProviderAnswer = 1 << 20
	// callbackHeaderTimeout bounds how long the browser may take to send a request.
	callbackHeaderTimeout = 10 * time.Second
	// dexClient is the command line's client at the hub's Dex, and dexPath where that is.
	dexClient, dexPath = "argo-cd-cli", "/api/dex"
)

// browserLogin is how a login with the browser goes.
type browserLogin struct {
	port     int
	callback string
	launch   bool
}

func (b *browserLogin) flags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&b.port, "sso-port", ssoPort, "port on this machine that the browser comes back to")
	cmd.Flags().StringVar(&b.callback, "callback", "", "scheme, host and port that the browser comes back to; default: http://localhost and the port")
	cmd.Flags().BoolVar(&b.launch, "sso-launch-browser", true, "open the browser")
}

// provider is what discovery tells of an OpenID provider:
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata.
type provider struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Scopes        []string `json:"scopes_supported"`
	// of the login
	client    string
	asked     []string
	claims    map[string]*protocol.Claim
	connector string
}

// ssoLogin has the user log in with the browser: the authorization code flow with PKCE (RFC 7636), whose redirect comes
// back to a port of this machine.
func (r *root) ssoLogin(ctx context.Context, c *client.Client, b browserLogin) (token, refresh string, err error) {
	settings, err := client.Call(ctx, c, protocol.SettingsGet, &protocol.SettingsQuery{})
	if err != nil {
		return "", "", err
	}
	p, err := discover(ctx, c, settings)
	if err != nil {
		return "", "", err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("localhost", strconv.Itoa(b.port)))
	if err != nil {
		return "", "", fmt.Errorf("waiting for the browser: %w", err)
	}
	defer listener.Close()
	redirect := firstOf(b.callback, "http://"+net.JoinHostPort("localhost", strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))) + "/auth/callback"
	state, verifier := rand.Text(), rand.Text()+rand.Text() // 43 characters at least
	address, err := p.address(redirect, state, verifier)
	if err != nil {
		return "", "", err
	}
	r.printf("Performing authorization_code flow login: %s\n", address)
	if b.launch {
		r.printf("Opening system default browser for authentication\n")
		if err := openBrowser(ctx, address); err != nil {
			return "", "", fmt.Errorf("opening the browser: %w; with --sso-launch-browser=false you open it yourself", err)
		}
	} else {
		r.printf("To authenticate, copy-and-paste the following URL into your preferred browser: %s\n", address)
	}
	code, err := awaitCallback(ctx, listener, state)
	if err != nil {
		return "", "", err
	}
	if token, refresh, err = p.exchange(ctx, c, code, redirect, verifier); err != nil {
		return "", "", err
	}
	r.printf("Authentication successful\n")
	return token, refresh, nil
}

// discover asks the provider that the hub names, or the hub's Dex.
func discover(ctx context.Context, c *client.Client, settings *protocol.Settings) (*provider, error) {
	p := &provider{}
	issuer := ""
	switch {
	case settings.OIDCConfig != nil && settings.OIDCConfig.Issuer != "":
		oidc := settings.OIDCConfig
		issuer, p.client, p.asked, p.claims = oidc.Issuer, firstOf(oidc.CLIClientID, oidc.ClientID), oidc.Scopes, oidc.IDTokenClaims
	case settings.DexConfig != nil && len(settings.DexConfig.Connectors) > 0:
		issuer, p.client, p.connector = settings.URL+dexPath, dexClient, settings.DexConfig.DexAuthConnectorID
	default:
		return nil, fmt.Errorf("%s is not configured with SSO", c.Server())
	}
	if len(p.asked) == 0 {
		p.asked = []string{"openid", "profile", "email", "groups"}
	}
	if p.client == dexClient {
		p.asked = append(slices.Clone(p.asked), "federated:id")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(issuer, "/")+"/.well-known/openid-configuration", nil)
	if err != nil {
		return nil, fmt.Errorf("failed to query provider %q: %w", issuer, err)
	}
	if err := answered(c, request, p); err != nil {
		return nil, fmt.Errorf("failed to query provider %q: %w", issuer, err)
	}
	if strings.TrimRight(p.Issuer, "/") != strings.TrimRight(issuer, "/") {
		return nil, fmt.Errorf("failed to query provider %q: it calls itself %q", issuer, p.Issuer)
	}
	if slices.Contains(p.Scopes, "offline_access") {
		p.asked = append(slices.Clone(p.asked), "offline_access")
	}
	return p, nil
}

// address is where the browser is sent.
func (p *provider) address(redirect, state, verifier string) (string, error) {
	u, err := url.Parse(p.Authorization)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("reading the provider's authorization endpoint %q: it is no URL", p.Authorization)
	}
	challenge := sha256.Sum256([]byte(verifier))
	query := u.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": p.client, "redirect_uri": redirect, "scope": strings.Join(p.asked, " "), "state": state,
		"access_type": "offline", "code_challenge_method": "S256", "code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]),
	} {
		query.Set(name, value)
	}
	if len(p.claims) > 0 {
		claims, err := json.Marshal(map[string]any{"id_token": p.claims})
		if err != nil {
			return "", fmt.Errorf("asking for claims: %w", err)
		}
		query.Set("claims", string(claims))
	}
	if p.connector != "" {
		query.Set("connector_id", p.connector)
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// awaitCallback serves the one page that the browser is sent back to, and returns the code that it brings.
func awaitCallback(ctx context.Context, listener net.Listener, state string) (string, error) {
	type outcome struct {
		code string
		err  error
	}
	came := make(chan outcome, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("/auth/callback", func(w http.ResponseWriter, request *http.Request) {
		result := outcome{code: request.FormValue("code")}
		switch failure := request.FormValue("error"); {
		case failure != "":
			result.err = fmt.Errorf("%s: %s", failure, request.FormValue("error_description"))
		case request.FormValue("state") != state:
			//lint:ignore ST1005 argocd's text
			result.err = errors.New("Unknown state nonce")
		case result.code == "":
			result.err = errors.New("no code in request")
		}
		if result.err != nil {
			http.Error(w, html.EscapeString(result.err.Error()), http.StatusBadRequest)
		} else {
			fmt.Fprintln(w, "Authentication was successful, you can now return to the command line.")
		}
		select {
		case came <- result:
		default: // the first one counts
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: callbackHeaderTimeout}
	go func() { _ = server.Serve(listener) }() // it ends with Shutdown
	defer func() {
		_ = server.Shutdown(ctx) // the answer is on its way; if it is lost, nothing else is
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case result := <-came:
		return result.code, result.err
	}
}

// exchange gives the code for tokens.
func (p *provider) exchange(ctx context.Context, c *client.Client, code, redirect, verifier string) (token, refresh string, err error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "client_id": {p.client}, "code_verifier": {verifier},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", fmt.Errorf("getting a token: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		ID      string `json:"id_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := answered(c, request, &answer); err != nil {
		return "", "", fmt.Errorf("getting a token: %w", err)
	}
	if answer.ID == "" {
		return "", "", errors.New("no id_token in token response")
	}
	return answer.ID, answer.Refresh, nil
}

// answered sends a request and reads its answer as JSON.
func answered(c *client.Client, request *http.Request, into any) error {
	response, err := c.HTTP().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxProviderAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s: %.200s", response.Status, text)
	}
	return json.Unmarshal(text, into)
}

func openBrowser(ctx context.Context, address string) error {
	switch runtime.GOOS {
	case "windows":
		return exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", address).Start()
	case "darwin":
		return exec.CommandContext(ctx, "open", address).Start()
	}
	return exec.CommandContext(ctx, "xdg-open", address).Start()
}
