package session

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLoginsAreKeptAndForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "config")
	file, err := Load(path)
	if err != nil || !file.Empty() {
		t.Fatal(file, err)
	}
	for _, login := range [][2]string{{"a", "1"}, {"b", "2"}, {"a", "3"}} {
		file.Set(Context{Name: login[0], Server: Server{Server: login[0] + ":443"}, User: User{Name: login[0], AuthToken: login[1]}})
	}
	if err := file.Save(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of logins has mode %v, %v", info.Mode(), err)
	}
	if file, err = Load(path); err != nil {
		t.Fatal(err)
	}
	if login, err := file.Context(""); err != nil || login.User.AuthToken != "3" || login.Server.Server != "a:443" {
		t.Errorf("the current login is %+v, %v", login, err)
	}
	if !file.Forget("a") || file.Forget("c") {
		t.Error("forgetting a token")
	}
	if login, ok := file.At("a:443"); !ok || login.User.AuthToken != "" {
		t.Errorf("the forgotten login is %+v", login)
	}
	if !file.Remove("a") || file.Remove("a") {
		t.Error("removing a context")
	}
	if _, err := file.Context(""); err == nil {
		t.Error("there is a current login after it was removed")
	}
	if login, err := file.Context("b"); err != nil || login.User.AuthToken != "2" {
		t.Errorf("the other login is %+v, %v", login, err)
	}
	file.Remove("b")
	if err := file.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file without logins is left: %v", err)
	}
}

// The file is one that argocd has written.
func TestFileOfArgocd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	text := `contexts:
- name: cd.example.com
  server: cd.example.com
  user: cd.example.com
current-context: cd.example.com
prompts-enabled: true
servers:
- grpc-web: true
  grpc-web-root-path: /argo
  server: cd.example.com
users:
- auth-token: abc
  name: cd.example.com
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	login, err := file.Context("")
	if err != nil || login.User.AuthToken != "abc" || !login.Server.GRPCWeb || login.Server.GRPCWebRootPath != "/argo" || !file.PromptsEnabled {
		t.Errorf("got %+v, %v", login, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil {
		t.Error("a file of tokens that everybody can read is accepted")
	}
}

func TestFileThatIsNoneIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("users: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil {
		t.Error("a broken file is accepted")
	}
}
