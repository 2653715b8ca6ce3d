package login

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	// maxName is the longest name of an account in bytes, upstream's: names of failed logins are remembered.
	maxName = 32
	// maxPassword is what bcrypt takes.
	maxPassword = 72
)

// CheckPassword tells whether an account that can log on has this password. Its error is a Refusal if not.
func (m *Manager) CheckPassword(ctx context.Context, name, password string) error {
	switch {
	case password == "":
		return ErrBlank
	case len(name) > maxName:
		return Refusal(fmt.Sprintf("Username is too long (%d bytes max)", maxName))
	}
	config, err := m.read(ctx)
	if err != nil {
		return err
	}
	done, err := m.attempts.begin(ctx, name)
	if err != nil {
		return err
	}
	account, exists := config.account(name)
	hash := account.passwordHash
	if !exists || len(hash) == 0 {
		hash, exists = m.nobody, false
	}
	matches := bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil
	done(matches && exists)
	switch {
	case !matches || !exists:
		return ErrCredentials
	case !account.Enabled:
		return Refusal(fmt.Sprintf("Account %s is disabled", name))
	case !account.Can(CapabilityLogin):
		return Refusal(fmt.Sprintf("Account %s does not have %s capability", name, CapabilityLogin))
	}
	return nil
}

// SetPassword gives an account a new password. All its sessions end; its API keys too, as in Argo CD. The error wraps
// ErrPassword if the password isn't one that passwordPattern allows, and ErrNoAccount if there is no account.
func (m *Manager) SetPassword(ctx context.Context, name, password string) error {
	current, err := m.read(ctx)
	if err != nil {
		return err
	}
	pattern, err := regexp.Compile(current.passwordPattern())
	switch {
	case err != nil:
		return fmt.Errorf("failed to compile password regex: %w", err)
	case !pattern.MatchString(password):
		return newProblem(ErrPassword, "new password does not match the following expression: %s", current.passwordPattern())
	case len(password) > maxPassword:
		return newProblem(ErrPassword, "failed to hash password: bcrypt: password length exceeds %d bytes", maxPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), m.cost)
	if err != nil {
		return fmt.Errorf("failed to hash password: %w", err)
	}
	return m.updateSecret(ctx, func(config *config) error {
		if _, ok := config.account(name); !ok {
			return newProblem(ErrNoAccount, "account '%s' does not exist", name)
		}
		config.secret[accountKey(name, "password")] = hash
		config.secret[accountKey(name, "passwordMtime")] = []byte(m.clock.Now().UTC().Format(time.RFC3339))
		return nil
	})
}
