// Package basicauth checks HTTP basic credentials against a small set of users: those of the local fleet's Git host and
// registry. It is not the hub's login (package login): there are no sessions, tokens or roles.
package basicauth

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// maxFile bounds a users file: some thousand users.
const maxFile = 1 << 20

// Users maps a user's name to a password: in clear, or as a bcrypt hash in htpasswd's form ($2y$…, $2a$…, $2b$…).
type Users map[string]string

// Load reads a users file: a line NAME:PASSWORD per user, the password in clear or as a bcrypt hash, as htpasswd -B writes
// it. Empty lines and lines that start with # are skipped.
func Load(path string) (Users, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading users: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading users from %s: %w", path, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("reading users from %s: the file is larger than %d bytes", path, maxFile)
	}
	users, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading users from %s: %w", path, err)
	}
	return users, nil
}

// Parse is [Load] for the content of a users file.
func Parse(data []byte) (Users, error) {
	users := Users{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, password, found := strings.Cut(line, ":")
		if !found || name == "" || password == "" {
			return nil, fmt.Errorf("line %d isn't NAME:PASSWORD", n) // the line itself may be a secret
		}
		users[name] = password
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return users, nil
}

// Checker checks credentials. It remembers which were right, because bcrypt takes some 60 ms and a single git push
// authenticates three times. The zero value knows no user; it is safe for concurrent use.
type Checker struct {
	users Users
	// right holds, per user, the SHA-256 of the password that bcrypt last found right.
	right sync.Map
}

// NewChecker returns a checker for the given users, which must not be changed afterwards.
func NewChecker(users Users) *Checker {
	return &Checker{users: users}
}

// User returns the name of the user whose credentials the request carries. ok is false if the credentials are wrong or
// absent; given tells the two apart.
func (c *Checker) User(r *http.Request) (name string, given, ok bool) {
	name, password, given := r.BasicAuth()
	if !given || !c.check(name, password) {
		return "", given, false
	}
	return name, true, true
}

func (c *Checker) check(name, password string) bool {
	want, known := c.users[name]
	if !known {
		return false
	}
	sum := sha256.Sum256([]byte(password))
	if !strings.HasPrefix(want, "$2") {
		wantSum := sha256.Sum256([]byte(want))
		return subtle.ConstantTimeCompare(sum[:], wantSum[:]) == 1
	}
	if last, found := c.right.Load(name); found {
		lastSum := last.([sha256.Size]byte)
		if subtle.ConstantTimeCompare(sum[:], lastSum[:]) == 1 {
			return true
		}
	}
	if bcrypt.CompareHashAndPassword([]byte(want), []byte(password)) != nil {
		return false
	}
	c.right.Store(name, sum)
	return true
}
