package scm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// contract is what the hosts differ in; all else must be the same for each.
type contract struct {
	kind                                 Kind
	host                                 func(*forge) http.Handler
	provider                             func(c *Client, all bool) Provider
	pulls                                func(c *Client, repository string, labels ...string) PullRequests
	noLabels, noPullLabels, archivedTold bool
	// wants is the header that the credentials must come in.
	wants  string
	access Access
}

var contracts = []contract{
	{kind: GitHub, host: githubHost, access: Access{Token: "t0ken"}, wants: "Authorization=Bearer t0ken",
		provider: func(c *Client, all bool) Provider {
			return GitHubOrganization{Client: c, Name: "team", AllBranches: all, ExcludeArchived: true}
		},
		pulls: func(c *Client, repository string, labels ...string) PullRequests {
			return GitHubPullRequests{Client: c, Owner: "team", Repository: repository, Labels: labels}
		}},
	{kind: GitLab, host: gitlabHost, access: Access{Token: "t0ken"}, wants: "Private-Token=t0ken",
		provider: func(c *Client, all bool) Provider {
			return GitLabGroup{Client: c, Name: "team", AllBranches: all}
		},
		pulls: func(c *Client, repository string, labels ...string) PullRequests {
			if repository == "api" {
				repository = "team/api"
			}
			return GitLabMergeRequests{Client: c, Project: repository, Labels: labels, State: "opened"}
		}},
	{kind: Gitea, host: giteaHost, access: Access{Token: "t0ken"}, wants: "Authorization=token t0ken",
		provider: func(c *Client, all bool) Provider {
			return GiteaOwner{Client: c, Name: "team", AllBranches: all, ExcludeArchived: true}
		},
		pulls: func(c *Client, repository string, labels ...string) PullRequests {
			return GiteaPullRequests{Client: c, Owner: "team", Repository: repository, Labels: labels}
		}},
	{kind: Bitbucket, host: bitbucketHost, access: Access{Username: "u", Password: "t0ken"}, wants: "Authorization=Basic dTp0MGtlbg==",
		noLabels: true, noPullLabels: true, archivedTold: true,
		provider: func(c *Client, all bool) Provider {
			return BitbucketWorkspace{Client: c, Name: "team", AllBranches: all}
		},
		pulls: func(c *Client, repository string, _ ...string) PullRequests {
			return BitbucketPullRequests{Client: c, Owner: "team", Repository: repository}
		}},
	{kind: BitbucketServer, host: bitbucketServerHost, access: Access{Token: "t0ken"}, wants: "Authorization=Bearer t0ken",
		noLabels: true, noPullLabels: true, archivedTold: true,
		provider: func(c *Client, all bool) Provider {
			return BitbucketProject{Client: c, Key: "team", AllBranches: all}
		},
		pulls: func(c *Client, repository string, _ ...string) PullRequests {
			return BitbucketServerPullRequests{Client: c, Project: "team", Repository: repository}
		}},
	{kind: AzureDevOps, host: azureHost, access: Access{Token: "t0ken"}, wants: "Authorization=Basic OnQwa2Vu", noLabels: true,
		provider: func(c *Client, all bool) Provider {
			return AzureProject{Client: c, Organization: "org", Name: "team", AllBranches: all}
		},
		pulls: func(c *Client, repository string, labels ...string) PullRequests {
			return AzurePullRequests{Client: c, Organization: "org", Project: "team", Repository: repository, Labels: labels}
		}},
}

// start serves the forge as the contract's host and makes a client for it.
func (k contract) start(t *testing.T, f *forge) *Client {
	t.Helper()
	name, value, _ := strings.Cut(k.wants, "=")
	f.wants = map[string]string{name: value}
	f.serve(k.host)
	hosts, _ := newTestHosts()
	access := k.access
	access.API = f.url
	client, err := hosts.Client(k.kind, access)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// seen are the branches in one line each.
func seen(found []Repository) []string {
	lines := []string{}
	for _, r := range found {
		line := r.Name + "@" + r.Branch
		if want := sha(r.Name, r.Branch); r.SHA != want {
			line += " with the commit " + r.SHA
		}
		lines = append(lines, line)
	}
	return lines
}

func each(t *testing.T, test func(t *testing.T, k contract)) {
	for _, k := range contracts {
		t.Run(string(k.kind), func(t *testing.T) { test(t, k) })
	}
}

func TestRepositories(t *testing.T) {
	match := regexp.MustCompile
	each(t, func(t *testing.T, k contract) {
		attic := []string{}
		if k.archivedTold {
			attic = []string{"attic@main"}
		}
		for _, test := range []struct {
			name    string
			all     bool
			filters []Filter
			want    []string
			labels  bool
		}{
			{name: "default branches", want: slices.Concat([]string{"api@main", "web@trunk"}, attic, []string{"docs@main"})},
			{name: "all branches", all: true, filters: []Filter{{Repository: match("api|docs")}},
				want: []string{"api@main", "api@feature/x", "api@old", "docs@main", "docs@b1", "docs@b2", "docs@b3"}},
			{name: "branches by name", all: true, filters: []Filter{{Branch: match("^(feature/|b[12]$)")}}, want: []string{"api@feature/x", "docs@b1", "docs@b2"}},
			{name: "a folder", filters: []Filter{{PathsExist: []string{"k8s/"}, Repository: match("^(api|web|docs)$")}}, want: []string{"api@main", "docs@main"}},
			{name: "a file, and not another", all: true, filters: []Filter{{PathsExist: []string{"k8s/app.yaml"}, PathsDoNotExist: []string{"go.mod"}}},
				want: []string{"docs@main", "docs@b1", "docs@b2", "docs@b3"}},
			{name: "either of two", filters: []Filter{{Repository: match("web")}, {Repository: match("docs")}}, want: []string{"web@trunk", "docs@main"}},
			{name: "both rounds", filters: []Filter{{Repository: match("web|docs")}, {Branch: match("trunk")}}, want: []string{"web@trunk"}},
			{name: "a label", labels: true, filters: []Filter{{Label: match("^deploy$")}}, want: []string{"api@main"}},
			{name: "nothing", filters: []Filter{{Repository: match("nothing")}}, want: []string{}},
		} {
			if test.labels && k.noLabels {
				test.want = []string{}
			}
			client := k.start(t, newForge(t))
			found, err := Find(context.Background(), k.provider(client, test.all), test.filters, "")
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			if diff := cmp.Diff(test.want, seen(found)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		}
	})
}

func TestRepositoryParameters(t *testing.T) {
	each(t, func(t *testing.T, k contract) {
		for protocol, want := range map[string]string{"": "git@host:team/api.git", "ssh": "git@host:team/api.git", "https": "https://host/team/api.git", "ftp": ""} {
			found, err := Find(context.Background(), k.provider(k.start(t, newForge(t)), false), []Filter{{Repository: regexp.MustCompile("^api$")}}, protocol)
			if k.kind == AzureDevOps {
				want = "https://host/team/api.git"
			}
			if want == "" {
				if err == nil || !strings.Contains(err.Error(), "unknown clone protocol for ") {
					t.Errorf("protocol %q: error is %v", protocol, err)
				}
				continue
			}
			if err != nil || len(found) != 1 {
				t.Fatalf("found %v (%v)", found, err)
			}
			expected := Repository{Organization: "team", Name: "api", URL: want, Branch: "main", SHA: sha("api", "main"), Labels: []string{"go", "deploy"}, ID: int64(1)}
			switch k.kind {
			case Gitea:
				expected.URL = strings.TrimSuffix(want, ".git")
				if protocol != "https" {
					expected.URL = want
				}
			case Bitbucket:
				expected.ID = "{1}"
			case AzureDevOps:
				expected.ID, expected.Organization = "1", "org"
			}
			if k.noLabels {
				expected.Labels = []string{}
			}
			if diff := cmp.Diff(expected, found[0], cmpopts.IgnoreUnexported(Repository{})); diff != "" {
				t.Errorf("protocol %q (-want +got):\n%s", protocol, diff)
			}
		}
	})
}

func TestPullRequests(t *testing.T) {
	each(t, func(t *testing.T, k contract) {
		for _, test := range []struct {
			name    string
			labels  []string
			filters []PullRequestFilter
			want    []int64
		}{
			{name: "all", want: []int64{7, 9, 12}},
			{name: "labels", labels: []string{"preview", "go"}, want: []int64{7}},
			{name: "branch", filters: []PullRequestFilter{{Branch: regexp.MustCompile("^feature/")}}, want: []int64{7}},
			{name: "target or title", filters: []PullRequestFilter{{TargetBranch: regexp.MustCompile("release")}, {Title: regexp.MustCompile("^WIP")}}, want: []int64{9, 12}},
			{name: "target and title", filters: []PullRequestFilter{{TargetBranch: regexp.MustCompile("release"), Title: regexp.MustCompile("^WIP")}}, want: []int64{}},
		} {
			if len(test.labels) > 0 && k.noPullLabels {
				continue
			}
			found, err := FindPullRequests(context.Background(), k.pulls(k.start(t, newForge(t)), "api", test.labels...), test.filters)
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			numbers := []int64{}
			for _, p := range found {
				numbers = append(numbers, p.Number)
			}
			if diff := cmp.Diff(test.want, numbers); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
			if len(found) == 0 || found[0].Number != 7 {
				continue
			}
			want := PullRequest{Number: 7, Title: "Add a thing", Branch: "feature/x", TargetBranch: "main", HeadSHA: sha("pull", "feature/x"), Author: "ann", Labels: []string{"preview", "go"}}
			if k.noPullLabels {
				want.Labels = nil
			}
			if diff := cmp.Diff(want, found[0], cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		}
	})
}

// TestManyPages: no page is left out, whatever the host's own idea of how much a page holds.
func TestManyPages(t *testing.T) {
	each(t, func(t *testing.T, k contract) {
		for _, page := range []int{1, 7, 50, 100, 1000} {
			f := newForge(t)
			f.page, f.repos, f.pulls = page, nil, nil
			for i := range 201 {
				f.repos = append(f.repos, forgeRepo{id: i + 1, name: fmt.Sprintf("r%d", i), branches: []string{"main"}})
				f.pulls = append(f.pulls, forgePull{number: i + 1, branch: "b", title: "t"})
			}
			f.repos = append(f.repos, forgeRepo{id: 999, name: "api", branches: []string{"main"}})
			client := k.start(t, f)
			listed, err := k.provider(client, false).Repositories(context.Background(), "https")
			if err != nil || len(listed) != 202 {
				t.Errorf("pages of %d: %d repositories (%v)", page, len(listed), err)
			}
			pulls, err := k.pulls(client, "api").PullRequests(context.Background())
			if err != nil || len(pulls) != 201 {
				t.Errorf("pages of %d: %d pull requests (%v)", page, len(pulls), err)
			}
		}
	})
}

// TestRepositoryGone: only what hosts say in so many words counts.
func TestRepositoryGone(t *testing.T) {
	each(t, func(t *testing.T, k contract) {
		if k.kind == AzureDevOps {
			client := k.start(t, newForge(t))
			_, err := AzurePullRequests{Client: client, Organization: "org", Project: "none", Repository: "api"}.PullRequests(context.Background())
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("error is %v", err)
			}
			return
		}
		if _, err := k.pulls(k.start(t, newForge(t)), "none").PullRequests(context.Background()); !errors.Is(err, ErrNotFound) {
			t.Errorf("error is %v", err)
		}
	})
}

// spoilers are the ways in which hosts fail. None may look like a host without repositories, branches or pull requests.
var spoilers = map[string]func(w http.ResponseWriter, r *http.Request){
	"500":                   func(w http.ResponseWriter, _ *http.Request) { fail(w, 500, `{"message":"boom"}`) },
	"502 of a proxy":        func(w http.ResponseWriter, _ *http.Request) { fail(w, 502, `<html>Bad Gateway</html>`) },
	"401":                   func(w http.ResponseWriter, _ *http.Request) { fail(w, 401, `{"message":"Bad credentials"}`) },
	"403":                   func(w http.ResponseWriter, _ *http.Request) { fail(w, 403, `{"message":"Forbidden"}`) },
	"404 that says nothing": func(w http.ResponseWriter, _ *http.Request) { fail(w, 404, ``) },
	"404 of a proxy":        func(w http.ResponseWriter, _ *http.Request) { fail(w, 404, `<html>Not Found</html>`) },
	"a login page": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte("<html>Log in</html>"))
	},
	"a login page with 203": func(w http.ResponseWriter, _ *http.Request) { fail(w, 203, `<html>Log in</html>`) },
	"a broken connection":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"a redirect elsewhere": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://localhost"+r.URL.Path, http.StatusFound)
	},
	"202": func(w http.ResponseWriter, _ *http.Request) { fail(w, 202, `[]`) },
}

// nonsense are answers of success that say nothing.
var nonsense = map[string]func(w http.ResponseWriter, r *http.Request){
	"null":               func(w http.ResponseWriter, _ *http.Request) { fail(w, 200, `null`) },
	"nothing":            func(w http.ResponseWriter, _ *http.Request) { fail(w, 200, ``) },
	"another object":     func(w http.ResponseWriter, _ *http.Request) { fail(w, 200, `{}`) },
	"objects of nothing": func(w http.ResponseWriter, _ *http.Request) { fail(w, 200, `[{}]`) },
	"half an answer":     func(w http.ResponseWriter, _ *http.Request) { fail(w, 200, `[{"id":1,`) },
}

func TestNonsenseIsAnError(t *testing.T) {
	each(t, func(t *testing.T, k contract) {
		for name, spoiler := range nonsense {
			f := newForge(t)
			client := k.start(t, f)
			f.spoil = func(w http.ResponseWriter, r *http.Request) bool { spoiler(w, r); return true }
			if found, err := k.provider(client, true).Repositories(context.Background(), ""); err == nil {
				t.Errorf("%s: repositories %v", name, found)
			}
			if found, err := k.pulls(client, "api").PullRequests(context.Background()); err == nil {
				t.Errorf("%s: pull requests %v", name, found)
			}
			of := Repository{Organization: "team", Name: "api", Branch: "main", slug: "1"}
			for _, all := range []bool{true, false} {
				// Bitbucket Server says with an empty answer that a repository is empty.
				if found, err := k.provider(client, all).Branches(context.Background(), of); err == nil && (k.kind != BitbucketServer || name != "nothing") {
					t.Errorf("%s: branches %v", name, found)
				}
			}
		}
	})
}

func TestFailuresAreErrors(t *testing.T) {
	each(t, func(t *testing.T, k contract) {
		for name, spoiler := range spoilers {
			for _, after := range []int{0, 1, 2, 4, 8, 13, 20} { // requests that go well before
				client, spoiled := k.spoiled(t, spoiler, after)
				found, err := Find(context.Background(), k.provider(client, true), []Filter{{PathsDoNotExist: []string{"nothing/here"}}}, "ssh")
				if err == nil && spoiled.Load() {
					t.Errorf("%s at request %d: found %v", name, after+1, seen(found))
				}
				if strings.Contains(fmt.Sprint(err), "t0ken") {
					t.Errorf("%s: the error tells the token: %v", name, err)
				}
				// A host of its own: requests of the search that was given up may still be under way to the first.
				client, spoiled = k.spoiled(t, spoiler, after)
				pulls, err := FindPullRequests(context.Background(), k.pulls(client, "api"), nil)
				if err == nil && spoiled.Load() {
					t.Errorf("%s at request %d: pull requests %v", name, after+1, pulls)
				}
			}
		}
	})
}

// spoiled starts a host that answers so many requests well, and spoils the others. It tells whether it spoiled one.
func (k contract) spoiled(t *testing.T, spoiler func(http.ResponseWriter, *http.Request), after int) (*Client, *atomic.Bool) {
	f := newForge(t)
	client := k.start(t, f)
	spoiled := &atomic.Bool{}
	f.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if int(f.asked.Load()) <= after {
			return false
		}
		spoiled.Store(true)
		spoiler(w, r)
		return true
	}
	return client, spoiled
}

func TestLimits(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		header map[string]string
		body   string
		pause  time.Duration // 0: it is no limit
	}{
		{"GitHub's primary", 403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767323245"}, `{"message":"API rate limit exceeded"}`, 200 * time.Second},
		{"GitHub's secondary", 403, map[string]string{"Retry-After": "60"}, `{"message":"You have exceeded a secondary rate limit"}`, time.Minute},
		{"GitHub's secondary, without a time", 403, nil, `{"message":"You have exceeded a secondary rate limit"}`, time.Minute},
		{"GitLab's", 429, map[string]string{"Ratelimit-Reset": "1767323075"}, `Retry later`, 30 * time.Second},
		{"Bitbucket's", 429, nil, `{"type":"error","error":{"message":"Rate limit for this resource has been exceeded"}}`, time.Minute},
		{"a date", 429, map[string]string{"Retry-After": "Fri, 02 Jan 2026 03:14:05 GMT"}, ``, 10 * time.Minute},
		{"overload", 503, map[string]string{"Retry-After": "5"}, ``, 5 * time.Second},
		{"for years", 429, map[string]string{"Retry-After": "999999999"}, ``, time.Hour},
		{"in the past", 429, map[string]string{"Retry-After": "-5"}, ``, time.Second},
		{"nonsense", 429, map[string]string{"Retry-After": "soon"}, ``, time.Minute},
		{"no limit", 403, map[string]string{"X-RateLimit-Remaining": "17"}, `{"message":"Resource not accessible"}`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newForge(t)
			f.spoil = func(w http.ResponseWriter, _ *http.Request) bool {
				for name, value := range test.header {
					w.Header().Set(name, value)
				}
				fail(w, test.status, test.body)
				return true
			}
			f.serve(githubHost)
			hosts, clock := newTestHosts()
			start := clock.Now()
			client, err := hosts.Client(GitHub, Access{API: f.url})
			if err != nil {
				t.Fatal(err)
			}
			provider := GitHubOrganization{Client: client, Name: "team"}
			_, err = Find(context.Background(), provider, nil, "")
			var limit *LimitError
			if !errors.As(err, &limit) {
				if test.pause != 0 || err == nil {
					t.Errorf("error is %v", err)
				}
				return
			}
			if got := limit.Until.Sub(start); got != test.pause {
				t.Errorf("it rests for %s, want %s", got, test.pause)
			}
			asked := f.asked.Load()
			// Also with another client, the same account isn't asked; another account is.
			again, _ := hosts.Client(GitHub, Access{API: f.url})
			if _, err := (GitHubPullRequests{Client: again, Owner: "team", Repository: "api"}).PullRequests(context.Background()); !errors.As(err, &limit) {
				t.Errorf("error is %v", err)
			}
			if f.asked.Load() != asked {
				t.Error("the host was asked while it rests")
			}
			f.spoil = nil
			other, _ := hosts.Client(GitHub, Access{API: f.url, Token: "other"})
			if _, err := (GitHubOrganization{Client: other, Name: "team"}).Repositories(context.Background(), ""); err != nil {
				t.Errorf("another account: %v", err)
			}
			clock.SetTime(limit.Until)
			if found, err := Find(context.Background(), provider, nil, ""); err != nil || len(found) == 0 {
				t.Errorf("afterwards: %v, %v", found, err)
			}
		})
	}
}
