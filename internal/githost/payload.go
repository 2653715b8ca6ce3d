package githost

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fairlead.dev/fairlead/internal/hook"
)

// The push event of Gitea's webhooks: https://docs.gitea.com/usage/webhooks, structs PushPayload, PayloadCommit,
// Repository and User of its modules/structs. Fields that have no meaning here are left out.
type pushPayload struct {
	Ref        string          `json:"ref"`
	Before     string          `json:"before"`
	After      string          `json:"after"`
	CompareURL string          `json:"compare_url"`
	Commits    []payloadCommit `json:"commits"`
	// TotalCommits is larger than len(Commits) if not all are listed, and then may itself be too small.
	TotalCommits int            `json:"total_commits"`
	HeadCommit   *payloadCommit `json:"head_commit"`
	Repository   payloadRepo    `json:"repository"`
	Pusher       payloadUser    `json:"pusher"`
	Sender       payloadUser    `json:"sender"`
	// As in GitHub's push event; Gitea tells them by other events.
	Created bool `json:"created"`
	Deleted bool `json:"deleted"`
	Forced  bool `json:"forced"`
}

type payloadCommit struct {
	ID        string        `json:"id"`
	Message   string        `json:"message"`
	URL       string        `json:"url"`
	Author    payloadPerson `json:"author"`
	Committer payloadPerson `json:"committer"`
	Timestamp time.Time     `json:"timestamp"`
	Added     []string      `json:"added"`
	Removed   []string      `json:"removed"`
	Modified  []string      `json:"modified"`
}

type payloadPerson struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Username string `json:"username"`
}

type payloadRepo struct {
	Owner         payloadUser `json:"owner"`
	Name          string      `json:"name"`
	FullName      string      `json:"full_name"`
	HTMLURL       string      `json:"html_url"`
	CloneURL      string      `json:"clone_url"`
	DefaultBranch string      `json:"default_branch"`
}

type payloadUser struct {
	Login    string `json:"login"`
	FullName string `json:"full_name"`
	Email    string `json:"email"`
	Username string `json:"username"`
}

const (
	// noObject stands for "doesn't exist" in before and after.
	noObject = "0000000000000000000000000000000000000000"
	// anonymous is who pushed if nobody logged in, or if it isn't known any more.
	anonymous = "anonymous"
	// mailDomain makes users' addresses; .invalid can't exist.
	mailDomain = "git.fairlead.invalid"
)

// Delivery words a change of a branch or tag as Gitea's push event.
func (r *repository) Delivery(ctx context.Context, to hook.Endpoint, c hook.Change) (*hook.Delivery, error) {
	body, err := json.Marshal(r.payload(ctx, c))
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("X-Gitea-Event", "push")
	header.Set("X-Gitea-Event-Type", "push")
	header.Set("X-Gitea-Delivery", strings.ToLower(rand.Text()))
	if to.Secret != "" {
		mac := hmac.New(sha256.New, []byte(to.Secret))
		mac.Write(body)
		header.Set("X-Gitea-Signature", hex.EncodeToString(mac.Sum(nil)))
	}
	return &hook.Delivery{Header: header, Body: body}, nil
}

func (r *repository) payload(ctx context.Context, c hook.Change) pushPayload {
	pusher := r.pusher(c.Key, c.After)
	p := pushPayload{
		Ref: c.Key, Before: orNone(c.Before), After: orNone(c.After), Commits: []payloadCommit{},
		Repository: r.describe(), Pusher: pusher, Sender: pusher,
		Created: c.Before == "", Deleted: c.After == "",
	}
	p.CompareURL = r.htmlURL() + "/compare/" + p.Before + "..." + p.After
	if c.After == "" {
		return p
	}
	// A branch or tag that can't be described must be told all the same.
	if err := r.addCommits(ctx, &p, c); err != nil {
		r.host.log.Warn("a webhook goes out without its commits", "repository", r.name, "ref", c.Key, "error", err)
		p.Commits, p.HeadCommit = []payloadCommit{}, nil
	}
	return p
}

// addCommits lists what the push brought. A receiver that wants to know which files changed finds them in commits, if
// there are some and as many as total_commits says. A forced push lists none: the files that it turned back aren't in them.
func (r *repository) addCommits(ctx context.Context, p *pushPayload, c hook.Change) error {
	if !strings.HasPrefix(c.Key, "refs/heads/") {
		return r.addHead(ctx, p, c.After) // a tag brings no commits of its own, as in Gitea
	}
	commits, err := r.log(ctx, maxCommits+1, revisions(c))
	if err != nil {
		return err
	}
	p.TotalCommits = len(commits)
	p.Forced = slices.ContainsFunc(commits, func(c commit) bool { return c.dropped })
	for _, c := range commits[:min(len(commits), maxCommits)] {
		if !p.Forced {
			p.Commits = append(p.Commits, *r.describeCommit(c))
		}
	}
	if len(p.Commits) > 0 && p.Commits[0].ID == c.After {
		p.HeadCommit = &p.Commits[0]
		return nil
	}
	return r.addHead(ctx, p, c.After)
}

// addHead describes the commit that a branch or tag is at now.
func (r *repository) addHead(ctx context.Context, p *pushPayload, id string) error {
	head, err := r.log(ctx, 1, []string{id})
	if err == nil && len(head) > 0 {
		p.HeadCommit = r.describeCommit(head[0])
	}
	return err
}

// revisions selects what is new on a branch: against what it was, or for a new branch against all the receiver knows.
func revisions(c hook.Change) []string {
	if c.Before != "" {
		return []string{c.Before + "..." + c.After}
	}
	list := make([]string, 0, len(c.Told)+1)
	list = append(list, c.After)
	for ref, id := range c.Told {
		if strings.HasPrefix(ref, "refs/heads/") {
			list = append(list, "^"+id)
		}
	}
	return list
}

// maxReflog is how much of the end of a reflog is searched for who pushed.
const maxReflog = 64 << 10

// pusher finds in the reflog who made the ref point to an object.
func (r *repository) pusher(ref, id string) payloadUser {
	user := anonymous
	if data, err := readEnd(filepath.Join(r.dir, "logs", filepath.FromSlash(ref)), maxReflog); err == nil && id != "" {
		// A line is: OLD NEW NAME <EMAIL> TIME ZONE\tMESSAGE
		lines := bytes.Split(data, []byte("\n"))
		for i := len(lines) - 1; i >= 0; i-- {
			line := string(lines[i])
			if len(line) < 82 || line[41:81] != id {
				continue
			}
			if name, _, found := strings.Cut(line[82:], " <"); found {
				user = name
			}
			break
		}
	}
	return describeUser(user)
}

func readEnd(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	start := max(0, info.Size()-n)
	data := make([]byte, info.Size()-start)
	_, err = f.ReadAt(data, start)
	return data, err
}

func describeUser(name string) payloadUser {
	return payloadUser{Login: name, Username: name, FullName: name, Email: name + "@" + mailDomain}
}

func (r *repository) describe() payloadRepo {
	owner, name := r.name[:strings.LastIndex(r.name, "/")], r.name[strings.LastIndex(r.name, "/")+1:]
	return payloadRepo{
		Owner: describeUser(owner), Name: name, FullName: r.name, HTMLURL: r.htmlURL(), CloneURL: r.cloneURL(),
		DefaultBranch: r.defaultBranch(),
	}
}

func (r *repository) describeCommit(c commit) *payloadCommit {
	return &payloadCommit{
		ID: c.ID, Message: c.Message, URL: r.htmlURL() + "/commit/" + c.ID, Timestamp: c.AuthorDate,
		Author:    payloadPerson{Name: c.Author.Name, Email: c.Author.Email, Username: c.Author.Name},
		Committer: payloadPerson{Name: c.Committer.Name, Email: c.Committer.Email, Username: c.Committer.Name},
		Added:     notNil(c.Added), Removed: notNil(c.Removed), Modified: notNil(c.Modified),
	}
}

func (r *repository) htmlURL() string  { return r.host.opts.URL + "/" + r.name }
func (r *repository) cloneURL() string { return r.htmlURL() + ".git" }
func (r *repository) apiURL() string   { return r.host.opts.URL + "/api/v1/repos/" + r.name }

func orNone(id string) string {
	if id == "" {
		return noObject
	}
	return id
}

// notNil makes an empty list [] in JSON, not null.
func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
