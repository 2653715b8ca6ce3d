package session

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLoginsAreKeptAndForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "logins.yaml")
	file, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	file.Set(Login{Server: "http://a", Token: "1"})
	file.Set(Login{Server: "http://b", Token: "2"})
	file.Set(Login{Server: "http://a", Token: "3"})
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
	if login, ok := file.Login(""); !ok || login.Token != "3" {
		t.Errorf("the current login is %+v", login)
	}
	file.Remove("http://a")
	if _, ok := file.Login(""); ok {
		t.Error("there is a current login after it was removed")
	}
	if login, ok := file.Login("http://b"); !ok || login.Token != "2" {
		t.Errorf("the other login is %+v", login)
	}
}

func TestFileThatIsNoneIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logins.yaml")
	if err := os.WriteFile(path, []byte("logins: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil {
		t.Error("a broken file is accepted")
	}
}
