package scm

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/internal/git"
)

func TestBaseOf(t *testing.T) {
	for _, test := range []struct {
		kind Kind
		api  string
		want string
	}{
		{GitHub, "", "https://api.github.com"},
		{GitHub, "https://api.github.com/", "https://api.github.com"},
		{GitHub, "https://ghe.example", "https://ghe.example/api/v3"},
		{GitHub, "https://ghe.example/api/v3/", "https://ghe.example/api/v3"},
		{GitHub, "https://x.api.ghe.example", "https://x.api.ghe.example"},
		{GitLab, "", "https://gitlab.com/api/v4"},
		{GitLab, "https://git.example/sub/", "https://git.example/sub/api/v4"},
		{Gitea, "http://git.example:3000", "http://git.example:3000/api/v1"},
		{Bitbucket, "", "https://api.bitbucket.org/2.0"},
		{Bitbucket, "https://bb.example/2.0/", "https://bb.example/2.0"},
		{BitbucketServer, "https://bb.example/rest/", "https://bb.example/rest/api/1.0"},
		{BitbucketServer, "https://bb.example/ctx", "https://bb.example/ctx/rest/api/1.0"},
		{AzureDevOps, "", "https://dev.azure.com"},
		{AzureDevOps, "https://ado.example/tfs", "https://ado.example/tfs"},
		{GitLab, "https://ann:s3cret@git.example/?x=y#z", "https://git.example/api/v4"},
		{Gitea, "", ""},
		{GitHub, "file:///etc/passwd", ""},
		{GitHub, "ghe.example", ""},
		{GitHub, "https://gh e:s3cret", ""},
	} {
		base, err := baseOf(test.kind, test.api)
		if test.want == "" {
			if err == nil || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s at %q: %v, error %v", test.kind, test.api, base, err)
			}
			continue
		}
		if err != nil || base.String() != test.want {
			t.Errorf("%s at %q is %v (%v), want %s", test.kind, test.api, base, err, test.want)
		}
	}
}

// TestNamesAskForNothingElse: a name can't make another question of the one that is asked.
func TestNamesAskForNothingElse(t *testing.T) {
	base := &url.URL{Scheme: "https", Host: "host", Path: "/api/v3"}
	for name, want := range map[string]string{
		"../../users": "/api/v3/orgs/..%2F..%2Fusers/repos", "a?b#c": "/api/v3/orgs/a%3Fb%23c/repos", "a%2Fb": "/api/v3/orgs/a%252Fb/repos", "..": "", ".": "", "": "",
	} {
		at, err := route{"orgs", name, "repos"}.on(base, nil)
		if want == "" {
			if err == nil {
				t.Errorf("%q asks for %s", name, at)
			}
			continue
		}
		if err != nil || at.EscapedPath() != want || at.RawQuery != "" {
			t.Errorf("%q asks for %v (%v), want %s", name, at, err, want)
		}
	}
	if at, err := (route{"repos", "o", "r", "contents"}).deeper("k8s/../../x").on(base, nil); err == nil {
		t.Errorf("it asks for %s", at)
	}
}

func TestRedirects(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked, with %v", r.Header)
		reply200(w, []object{})
	}))
	defer elsewhere.Close()
	f := newForge(t)
	f.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasPrefix(r.URL.Path, "/moved/"):
			r.URL.Path = strings.TrimPrefix(r.URL.Path, "/moved")
			return false
		case r.URL.Path == "/api/v4/groups/team/projects":
			http.Redirect(w, r, "/moved"+r.URL.RequestURI(), http.StatusMovedPermanently)
		default:
			// The other test server has the same address, so that the name must differ.
			http.Redirect(w, r, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)+r.URL.RequestURI(), http.StatusFound)
		}
		return true
	}
	client := contracts[1].start(t, f)
	if found, err := (GitLabGroup{Client: client, Name: "team"}).Repositories(context.Background(), ""); err != nil || len(found) == 0 {
		t.Errorf("found %v (%v)", found, err)
	}
	if _, err := (GitLabMergeRequests{Client: client, Project: "1"}).PullRequests(context.Background()); err == nil || !strings.Contains(err.Error(), "redirects elsewhere") {
		t.Errorf("error is %v", err)
	}
}

func TestHugeAnswers(t *testing.T) {
	f := newForge(t)
	f.spoil = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Write([]byte("[" + strings.Repeat(" ", maxPage) + "]"))
		return true
	}
	client := contracts[0].start(t, f)
	if _, err := (GitHubOrganization{Client: client, Name: "team"}).Repositories(context.Background(), ""); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("error is %v", err)
	}
	if has, err := (GitHubOrganization{Client: client, Name: "team"}).HasPath(context.Background(), Repository{Organization: "o", Name: "r"}, "large"); err != nil || !has {
		t.Errorf("a large file is there: %v (%v)", has, err)
	}
}

// TestEndlessPages: a host that gives the same page again and again doesn't hold up anybody for ever.
func TestEndlessPages(t *testing.T) {
	f := newForge(t)
	f.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Link", fmt.Sprintf(`<http://host/x?%s>; rel="next"`, r.URL.RawQuery))
		reply200(w, []object{{"id": 1, "name": "x", "owner": object{"login": "o"}}})
		return true
	}
	client := contracts[0].start(t, f)
	if _, err := (GitHubOrganization{Client: client, Name: "team"}).Repositories(context.Background(), ""); err == nil || !strings.Contains(err.Error(), "again and again") {
		t.Errorf("error is %v", err)
	}
}

func TestCancelledListing(t *testing.T) {
	f := newForge(t)
	client := contracts[0].start(t, f)
	ctx, cancel := context.WithCancelCause(context.Background())
	f.spoil = func(http.ResponseWriter, *http.Request) bool {
		cancel(errors.New("the hub stops"))
		return false
	}
	found, err := Find(ctx, GitHubOrganization{Client: client, Name: "team"}, nil, "")
	if err == nil {
		t.Errorf("found %v", found)
	}
}

// TestGitHubApp: the app's token is minted once, found by the owner, and minted anew when it isn't taken.
func TestGitHubApp(t *testing.T) {
	f := newForge(t)
	minted, valid := 0, ""
	f.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/api/v3/users/team/installation":
			reply200(w, object{"id": 42})
		case "/api/v3/app/installations/42/access_tokens":
			minted++
			valid = fmt.Sprintf("app-token-%d", minted)
			w.WriteHeader(http.StatusCreated)
			json.NewEncoder(w).Encode(object{"token": valid, "expires_at": time.Date(2026, 1, 2, 4, 4, 5, 0, time.UTC)})
		default:
			if r.Header.Get("Authorization") != "Bearer "+valid {
				fail(w, 401, `{"message":"Bad credentials"}`)
				return true
			}
			return false
		}
		return true
	}
	f.serve(githubHost)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	hosts, _ := newTestHosts()
	client, err := hosts.Client(GitHub, Access{App: git.GitHubApp{ID: 7, PrivateKey: private, BaseURL: f.url + "/api/v3"}, Owner: "team"})
	if err != nil {
		t.Fatal(err)
	}
	organization := GitHubOrganization{Client: client, Name: "team"}
	if found, err := Find(context.Background(), organization, nil, ""); err != nil || len(found) == 0 || minted != 1 {
		t.Fatalf("found %v with %d tokens (%v)", found, minted, err)
	}
	valid = "revoked"
	if _, err := organization.Repositories(context.Background(), ""); err == nil {
		t.Error("a revoked token is taken")
	}
	if _, err := organization.Repositories(context.Background(), ""); err != nil || minted != 2 {
		t.Errorf("after a new token, of %d: %v", minted, err)
	}
}

// FuzzAnswers looks for answers that break a reader, or that make something of nothing.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`[]`, `[{}]`, `null`, `{"values":[],"isLastPage":true}`, `{"values":[{}],"next":"?page=2"}`, `{"value":[]}`, `{"value":[{"id":"1"}]}`,
		`[{"id":1,"name":"a","owner":{"login":"o"},"default_branch":"main"}]`, `[{"number":1,"head":{"ref":"b","sha":"c"}}]`, `{"name":"b","commit":{"id":"c"}}`,
		`{"isLastPage":false,"nextPageStart":-1,"values":[]}`,
	} {
		f.Add(200, body, "")
		f.Add(404, body, `<http://x/?page=2>; rel="next"`)
	}
	f.Add(403, `{"message":{"a":[1]},"errors":[{}]}`, "<%zz>; rel=next")
	hosts, _ := newTestHosts()
	f.Fuzz(func(t *testing.T, status int, body, link string) {
		if status < 200 || status > 599 || status == 204 || status/100 == 3 {
			return
		}
		asked := 0
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			if asked++; asked > 3 {
				return nil, errors.New("enough")
			}
			recorder := httptest.NewRecorder()
			recorder.Header().Set("Link", strings.Map(func(r rune) rune {
				if r < ' ' || r > '~' {
					return '-'
				}
				return r
			}, link))
			recorder.WriteHeader(status)
			recorder.WriteString(body)
			return recorder.Result(), nil
		})
		for _, k := range contracts {
			asked = 0
			client, err := hosts.Client(k.kind, Access{API: "http://host"})
			if err != nil {
				t.Fatal(err)
			}
			client.http.Transport = transport
			clear(hosts.resting)
			found, err := Find(context.Background(), k.provider(client, true), nil, "https")
			for _, r := range found {
				if r.Name == "" || r.Branch == "" || r.SHA == "" || err != nil {
					t.Errorf("%s: found %+v (%v)", k.kind, r, err)
				}
			}
			if status != 200 && err == nil {
				t.Errorf("%s: status %d is no error", k.kind, status)
			}
			asked = 0
			pulls, err := k.pulls(client, "api").PullRequests(context.Background())
			for _, p := range pulls {
				if p.Number == 0 || p.Branch == "" || err != nil {
					t.Errorf("%s: found %+v (%v)", k.kind, p, err)
				}
			}
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
