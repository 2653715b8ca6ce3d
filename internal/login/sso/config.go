package sso

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/protocol"
)

// Config is what an operator says of the identity provider, in argocd-cm's oidc.config or dex.config.
type Config struct {
	Name   string `json:"name"`
	Issuer string `json:"issuer"`
	// ClientID and ClientSecret are the hub's own at the provider, CLIClientID the command line's, if it has one of its own.
	ClientID     string `json:"clientID"`
	ClientSecret string `json:"clientSecret"`
	CLIClientID  string `json:"cliClientID"`
	// RequestedScopes are what is asked for; none means openid, profile, email and groups.
	RequestedScopes        []string                   `json:"requestedScopes"`
	RequestedIDTokenClaims map[string]*protocol.Claim `json:"requestedIDTokenClaims"`
	// AllowedAudiences are those of tokens; none means both clients.
	AllowedAudiences                        []string `json:"allowedAudiences"`
	SkipAudienceCheckWhenTokenHasNoAudience bool     `json:"skipAudienceCheckWhenTokenHasNoAudience"`
	// EnableUserInfoGroups takes groups from the provider's userinfo endpoint, UserInfoPath below UserInfoBaseURL or the issuer.
	EnableUserInfoGroups     bool   `json:"enableUserInfoGroups"`
	UserInfoBaseURL          string `json:"userInfoBaseURL"`
	UserInfoPath             string `json:"userInfoPath"`
	UserInfoCacheExpiration  string `json:"userInfoCacheExpiration"`
	EnablePKCEAuthentication bool   `json:"enablePKCEAuthentication"`
	// LogoutURL is where a browser goes after logging out; {{token}} and {{logoutRedirectURL}} are replaced.
	LogoutURL  string `json:"logoutURL"`
	DomainHint string `json:"domainHint"`
	// RootCA is PEM of the authorities that the provider's certificate may be of; none means the system's.
	RootCA string `json:"rootCA"`

	// insecure doesn't check the provider's certificate.
	insecure bool
	// dropGroups forgets the token's groups, as a Dex connector does that isn't told to trust them.
	dropGroups bool
	// url and additional are the hub's own addresses.
	url        string
	additional []string
}

// parse reads the data of argocd-cm; nil if no provider is configured. secret looks up what $name stands for.
func parse(data map[string]string, secret func(reference string) (string, error)) (*Config, error) {
	var config *Config
	var err error
	switch {
	case strings.TrimSpace(data["oidc.config"]) != "":
		config, err = parseOIDC(data["oidc.config"], secret)
	case strings.TrimSpace(data["dex.config"]) != "":
		config, err = parseDex(data["dex.config"], data["dex.auth.connectorId"], secret)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	config.insecure = config.insecure || data["oidc.tls.insecure.skip.verify"] == "true"
	config.url = data["url"]
	if err := yaml.Unmarshal([]byte(data["additionalUrls"]), &config.additional); err != nil {
		config.additional = nil // what can't be read is no place to go to
	}
	return config, config.check()
}

func parseOIDC(text string, secret func(string) (string, error)) (*Config, error) {
	var raw map[string]any
	if err := yaml.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("reading oidc.config of argocd-cm: %w", err)
	}
	config := &Config{}
	if err := resolved(raw, secret, config); err != nil {
		return nil, fmt.Errorf("reading oidc.config of argocd-cm: %w", err)
	}
	return config, nil
}

// resolved puts secrets in the place of references, and decodes what comes of it.
func resolved(raw map[string]any, secret func(string) (string, error), into any) error {
	replaced, err := replace(raw, secret)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(replaced)
	if err != nil {
		return err
	}
	return yaml.Unmarshal(text, into)
}

// replace puts a secret in the place of each text that begins with a dollar sign.
func replace(value any, secret func(string) (string, error)) (any, error) {
	switch value := value.(type) {
	case string:
		if reference, ok := strings.CutPrefix(value, "$"); ok && reference != "" {
			return secret(reference)
		}
	case map[string]any:
		for key := range value {
			replaced, err := replace(value[key], secret)
			if err != nil {
				return nil, err
			}
			value[key] = replaced
		}
	case []any:
		for i := range value {
			replaced, err := replace(value[i], secret)
			if err != nil {
				return nil, err
			}
			value[i] = replaced
		}
	}
	return value, nil
}

// dexConfig is the part of Dex's own configuration that can be served without a Dex: a connector to an OpenID provider.
type dexConfig struct {
	Connectors []struct {
		Type   string `json:"type"`
		ID     string `json:"id"`
		Name   string `json:"name"`
		Config struct {
			Issuer               string   `json:"issuer"`
			ClientID             string   `json:"clientID"`
			ClientSecret         string   `json:"clientSecret"`
			Scopes               []string `json:"scopes"`
			RootCAs              []string `json:"rootCAs"`
			InsecureSkipVerify   bool     `json:"insecureSkipVerify"`
			InsecureEnableGroups bool     `json:"insecureEnableGroups"`
		} `json:"config"`
	} `json:"connectors"`
}

// parseDex reads dex.config. There is no Dex here: of its connectors, those of type oidc are spoken to directly.
func parseDex(text, preferred string, secret func(string) (string, error)) (*Config, error) {
	var raw map[string]any
	if err := yaml.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("reading dex.config of argocd-cm: %w", err)
	}
	var dex dexConfig
	if err := resolved(raw, secret, &dex); err != nil {
		return nil, fmt.Errorf("reading dex.config of argocd-cm: %w", err)
	}
	at := -1
	for i, connector := range dex.Connectors {
		if preferred != "" && connector.ID == preferred || preferred == "" && connector.Type == "oidc" && at < 0 {
			at = i
		}
	}
	switch {
	case len(dex.Connectors) == 0:
		return nil, errors.New("dex.config of argocd-cm has no connectors")
	case at < 0 && preferred == "":
		at = 0
	case at < 0:
		return nil, fmt.Errorf("dex.auth.connectorId of argocd-cm is %q, which none of dex.config's connectors has as its id", preferred)
	}
	connector := dex.Connectors[at]
	if connector.Type != "oidc" {
		return nil, fmt.Errorf("dex.config of argocd-cm has connector %q of type %q, which needs a Dex; Fairlead runs none: "+
			"run a Dex of your own and name it as issuer in oidc.config, or use a connector of type oidc", connector.ID, connector.Type)
	}
	c := connector.Config
	if len(c.RootCAs) > 0 {
		return nil, fmt.Errorf("dex.config of argocd-cm has connector %q with rootCAs, which are files of a Dex; give the certificates as rootCA of oidc.config", connector.ID)
	}
	scopes := []string{"openid"}
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"profile", "email"}
	}
	for _, scope := range c.Scopes {
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	config := &Config{
		Name: connector.Name, Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: c.ClientSecret, RequestedScopes: scopes,
		insecure: c.InsecureSkipVerify, dropGroups: !c.InsecureEnableGroups,
	}
	return config, nil
}

// check tells what keeps a configuration from working.
func (c *Config) check() error {
	issuer, err := url.Parse(c.Issuer)
	switch {
	case err != nil || issuer.Host == "" || issuer.Scheme != "https" && issuer.Scheme != "http":
		return fmt.Errorf("the issuer of argocd-cm's oidc.config is %q; write its https URL", c.Issuer)
	case c.ClientID == "":
		return errors.New("oidc.config of argocd-cm has no clientID")
	}
	if c.RootCA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(c.RootCA)) {
		return errors.New("rootCA of argocd-cm's oidc.config holds no certificate")
	}
	return nil
}

// audiences are those that a token may be for.
func (c *Config) audiences() []string {
	if len(c.AllowedAudiences) > 0 {
		return c.AllowedAudiences
	}
	if c.CLIClientID != "" {
		return []string{c.ClientID, c.CLIClientID}
	}
	return []string{c.ClientID}
}

func (c *Config) scopes() []string {
	if len(c.RequestedScopes) > 0 {
		return c.RequestedScopes
	}
	return []string{"openid", "profile", "email", "groups"}
}

func (c *Config) tls() *tls.Config {
	t := &tls.Config{InsecureSkipVerify: c.insecure} //nolint:gosec // only where the operator says so
	if c.RootCA != "" {
		t.RootCAs = x509.NewCertPool()
		t.RootCAs.AppendCertsFromPEM([]byte(c.RootCA))
	}
	return t
}

// userInfoAge is how long what the userinfo endpoint said counts.
func (c *Config) userInfoAge() time.Duration {
	const standard = 5 * time.Minute
	if age, err := time.ParseDuration(c.UserInfoCacheExpiration); err == nil && age > 0 {
		return age
	}
	return standard
}

// Describe is what clients may know.
func (c *Config) Describe() *protocol.OIDCConfig {
	return &protocol.OIDCConfig{
		Name: c.Name, Issuer: c.Issuer, ClientID: c.ClientID, CLIClientID: c.CLIClientID, Scopes: c.RequestedScopes,
		IDTokenClaims: c.RequestedIDTokenClaims, EnablePKCEAuthentication: c.EnablePKCEAuthentication,
	}
}
