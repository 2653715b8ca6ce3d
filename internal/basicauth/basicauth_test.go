package basicauth

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestUsers(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("pa:ss"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte("# people\n\nplain:secret:1\nhashed:"+string(hash)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	users, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	c := NewChecker(users)
	for _, tc := range []struct {
		name, password string
		ok             bool
	}{
		{"plain", "secret:1", true},
		{"plain", "secret", false},
		{"plain", "", false},
		{"hashed", "pa:ss", true},
		{"hashed", "pa:ss", true}, // from memory
		{"hashed", "wrong", false},
		{"hashed", string(hash), false},
		{"nobody", "", false},
		{"", "", false},
	} {
		r, _ := http.NewRequest(http.MethodGet, "http://host/", nil)
		r.SetBasicAuth(tc.name, tc.password)
		name, given, ok := c.User(r)
		if ok != tc.ok || !given || ok != (name != "") {
			t.Errorf("%s with %q: got %q, %v, %v", tc.name, tc.password, name, given, ok)
		}
	}
	r, _ := http.NewRequest(http.MethodGet, "http://host/", nil)
	if _, given, ok := c.User(r); given || ok {
		t.Error("a request without credentials was taken for a user's")
	}
}

func TestBadUsersFile(t *testing.T) {
	if _, err := Parse([]byte("ok:x\nhush-hush\n")); err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file gave no error")
	}
}
