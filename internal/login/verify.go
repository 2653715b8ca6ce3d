package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"github.com/golang-jwt/jwt/v5"
)

// External verifies the tokens that others issued.
type External interface {
	// Verify tells who a token stands for. Its errors say why a token is no good, without any part of it, and are for the
	// log; ErrExpired is wrapped where only the time has run out.
	Verify(ctx context.Context, token string) (Identity, error)
}

// ErrExpired is wrapped by External's error of a token whose time has run out.
var ErrExpired = errors.New("token is expired")

// errVerification is all that is said of an identity provider's token that is no good, as upstream does.
var errVerification = errors.New("failed to verify the token")

// Identity is who a token stands for.
type Identity struct {
	// Name is what people call them: the account's name, or the e-mail address that an identity provider gives; "" is an
	// anonymous user.
	Name string
	// Subject is what policies call them: the account's name, proj:PROJECT:ROLE, or the identity provider's subject.
	Subject string
	// Issuer is who issued the token.
	Issuer string
	// Capability is what a local token is: a session (login) or an API key. An identity provider's is a session.
	Capability Capability
	// TokenID is the token's own name, by which it is revoked; an identity provider's may have none.
	TokenID string
	// IssuedAt and ExpiresAt are the token's; ExpiresAt zero means never.
	IssuedAt, ExpiresAt time.Time
	// Claims are all that the token says, of which policies' scopes pick the groups.
	Claims map[string]any
}

// Groups are the values of the claims that scopes names, each a text or a list of texts.
func (i Identity) Groups(scopes []string) []string {
	var groups []string
	for _, scope := range scopes {
		switch value := i.Claims[scope].(type) {
		case string:
			groups = append(groups, value)
		case []string:
			groups = append(groups, value...)
		case []any:
			for _, element := range value {
				if group, ok := element.(string); ok {
					groups = append(groups, group)
				}
			}
		}
	}
	return groups
}

// Verify tells who a token stands for. Its errors wrap ErrToken, and name no part of the token but its id.
func (m *Manager) Verify(ctx context.Context, token string) (Identity, error) {
	var unverified jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &unverified); err != nil {
		return Identity{}, fmt.Errorf("%w: %v", ErrToken, err)
	}
	if unverified.Issuer != Issuer {
		return m.verifyExternal(ctx, token)
	}
	config, err := m.read(ctx)
	if err != nil {
		return Identity{}, err
	}
	identity, err := m.parse(config, token)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if _, _, ok := access.ProjectRoleOf(identity.Subject); ok {
		err = m.admitRole(ctx, identity)
	} else {
		identity.Subject, identity.Capability = splitSubject(identity.Subject)
		err = m.admit(ctx, config, identity)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	identity.Name = identity.Subject
	identity.Claims = map[string]any{"iss": Issuer, "sub": identity.Subject, "jti": identity.TokenID}
	return identity, nil
}

// parse checks the signature of a token of our own, and its times.
func (m *Manager) parse(config *config, token string) (Identity, error) {
	key := config.signingKey()
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims,
		func(*jwt.Token) (any, error) {
			if len(key) == 0 {
				return nil, errors.New("the hub has no signing key")
			}
			return key, nil
		},
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(Issuer), jwt.WithTimeFunc(m.clock.Now),
		jwt.WithIssuedAt())
	if err != nil {
		return Identity{}, err
	}
	if claims.IssuedAt == nil {
		return Identity{}, errors.New("it doesn't say when it was issued")
	}
	identity := Identity{Subject: claims.Subject, Issuer: claims.Issuer, TokenID: claims.ID, IssuedAt: claims.IssuedAt.Time}
	if claims.ExpiresAt != nil {
		identity.ExpiresAt = claims.ExpiresAt.Time
	}
	return identity, nil
}

// verifyExternal asks the identity provider's verifier. What is wrong with a token is for the log alone.
func (m *Manager) verifyExternal(ctx context.Context, token string) (Identity, error) {
	if m.external == nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, ErrNoSSO)
	}
	identity, err := m.external.Verify(ctx, token)
	if errors.Is(err, ErrNoSSO) {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, ErrNoSSO)
	}
	if err != nil {
		m.logger.WarnContext(ctx, "refusing a token of the identity provider", "error", err)
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, errVerification)
	}
	// Subjects of projects' roles are those of the hub's own tokens.
	if _, _, role := access.ProjectRoleOf(identity.Subject); role || identity.Issuer == Issuer || identity.Subject == "" {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, errVerification)
	}
	if revoked, err := m.revoked(ctx, identity.TokenID); err != nil || revoked {
		return Identity{}, errors.Join(fmt.Errorf("%w: token is revoked, please re-login", ErrToken), err)
	}
	identity.Capability = CapabilityLogin
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
	name := identity.Subject
	account, ok := config.account(name)
	switch {
	case !ok:
		return newProblem(ErrNoAccount, "account '%s' does not exist", name)
	case !account.Enabled:
		return fmt.Errorf("account %s is disabled", name)
	case !account.Can(identity.Capability):
		return fmt.Errorf("account %s does not have '%s' capability", name, identity.Capability)
	case identity.TokenID == "":
		return errors.New("token does not have a unique identifier (jti claim) and cannot be validated")
	case identity.Capability == CapabilityAPIKey && !account.hasToken(identity.TokenID):
		return fmt.Errorf("account %s does not have token with id %s", name, identity.TokenID)
	case identity.IssuedAt.Before(account.PasswordChanged.Truncate(time.Second)):
		return errors.New("account password has changed since token issued")
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

// admitRole checks that a project still lists the token of its role, as its status or, from older days, its spec does. A
// token with an id is known by that alone; the oldest ones only by when they were issued.
func (m *Manager) admitRole(ctx context.Context, identity Identity) error {
	projectName, roleName, _ := access.ProjectRoleOf(identity.Subject)
	var project argo.AppProject
	if err := m.client.Get(ctx, m.key(projectName), &project); err != nil {
		return err
	}
	issued := identity.IssuedAt.Unix()
	known := func(t argo.JWTToken) bool {
		if identity.TokenID != "" {
			return t.ID == identity.TokenID
		}
		return t.IssuedAt == issued
	}
	for _, role := range project.Spec.Roles {
		if role.Name == roleName && (slices.ContainsFunc(role.JWTTokens, known) ||
			slices.ContainsFunc(project.Status.JWTTokensByRole[roleName].Items, known)) {
			return nil
		}
	}
	return fmt.Errorf("JWT token for role '%s' issued at '%d' does not exist in project '%s'", roleName, issued, projectName)
}

// SignRole makes a token of a project's role, and what the project must list for it to count. The caller writes that into
// the project; without it the token opens nothing. expiresIn 0 means never.
func (m *Manager) SignRole(ctx context.Context, project, role, id string, expiresIn time.Duration) (string, argo.JWTToken, error) {
	config, err := m.read(ctx)
	if err != nil {
		return "", argo.JWTToken{}, err
	}
	signed, err := m.sign(config, access.ProjectSubject(project, role), id, expiresIn)
	if err != nil {
		return "", argo.JWTToken{}, err
	}
	now := m.clock.Now()
	token := argo.JWTToken{ID: id, IssuedAt: now.Unix()}
	if expiresIn > 0 {
		token.ExpiresAt = now.Add(expiresIn).Unix()
	}
	return signed, token, nil
}
