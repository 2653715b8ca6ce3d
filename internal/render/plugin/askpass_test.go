package plugin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestLogin: a plugin whose configuration asks for it may log on to the repository, as long as it is called.
func TestLogin(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "ask.sock")
	if err := os.WriteFile(socket, nil, 0o600); err != nil { // of a hub that was killed
		t.Fatal(err)
	}
	client, dir := newClient(t, func(o *Options) { o.AskPass = socket })
	t.Cleanup(client.Close)
	const script = `printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "%s %s"}\n' "$LOGIN" "$ARGOCD_GIT_BEARER_AUTH_HEADER"`
	trusted, other := &sidecar{t: t, generate: script, borrows: true}, &sidecar{t: t, generate: script}
	trusted.serve(dir, "trusted")
	other.serve(dir, "other")
	from := func(login Login, err error) Input {
		in := input(t, repository())
		in.Login = func(context.Context) (Login, error) { return login, err }
		return in
	}
	ann := Login{Username: "ann", Password: "s3cr3t"}
	bearer := Login{Header: HeaderLogin{"ARGOCD_GIT_BEARER_AUTH_HEADER", "Authorization: Bearer t"}}
	for name, test := range map[string]struct {
		plugin string
		in     Input
		want   string
	}{
		"a password":                      {"trusted", from(ann, nil), "ann:s3cr3t "},
		"a bearer token":                  {"trusted", from(bearer, nil), ": Authorization: Bearer t"},
		"a public repository":             {"trusted", from(Login{}, nil), " "},
		"no repository":                   {"trusted", input(t, repository()), " "},
		"a plugin that doesn't want them": {"other", from(ann, nil), " "},
		"credentials that can't be had":   {"trusted", from(Login{}, errors.New("no token")), "error: no token"},
	} {
		if got := generate(t, client, test.plugin, test.in); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if got := generate(t, client, "trusted", from(ann, nil)); got != "ann:s3cr3t " {
		t.Fatalf("got %q", got)
	}
	for name, value := range trusted.asked {
		if strings.Contains(value, ann.Password) {
			t.Errorf("the password is in the plugin's environment, as %s", name)
		}
	}
	if _, err := trusted.askPass(); status.Code(err) != codes.NotFound {
		t.Errorf("after the call: error is %v", err)
	}
	trusted.asked["ARGOCD_GIT_ASKPASS_NONCE"] = ""
	if _, err := trusted.askPass(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("without the word: error is %v", err)
	}
}

// TestLendsKeys: the keys of a host over SSH are files, as long as the plugin is called. What a killed hub left goes.
func TestLendsKeys(t *testing.T) {
	shared := t.TempDir()
	left := filepath.Join(shared, keyFolders+"LEFT")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	client, dir := newClient(t, func(o *Options) { o.AskPass = filepath.Join(shared, "ask.sock") })
	t.Cleanup(client.Close)
	(&sidecar{t: t, borrows: true, generate: `
		printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "%s"}\n' "$(cat "$GIT_SSH_COMMAND")"`}).serve(dir, "trusted")
	in := input(t, repository())
	var lent string
	in.Login = func(context.Context) (Login, error) {
		return Login{Keys: func(dir string) ([]string, error) {
			lent = filepath.Join(dir, "id")
			return []string{"GIT_SSH_COMMAND=" + lent}, os.WriteFile(lent, []byte("KEY"), 0o600)
		}}, nil
	}
	if got := generate(t, client, "trusted", in); got != "KEY" {
		t.Errorf("got %q", got)
	}
	in.Login = func(context.Context) (Login, error) {
		return Login{Keys: func(string) ([]string, error) { return nil, errors.New("full disk") }}, nil
	}
	if got := generate(t, client, "trusted", in); got != "error: lending the repository's key to a plugin: full disk" {
		t.Errorf("got %q", got)
	}
	if keys, _ := filepath.Glob(filepath.Join(shared, keyFolders+"*")); lent == "" || len(keys) > 0 {
		t.Errorf("left after the calls: %v", keys)
	}
}
