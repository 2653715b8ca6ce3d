package webhook

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"

	"fairlead.dev/fairlead/internal/event"
)

var (
	// bitbucket is Bitbucket Cloud, which proves itself by the identity of the webhook (Argo CD asks for no more). Where Bitbucket
	// knows a secret, it also signs, but under a header that the server's kind uses too.
	bitbucket = sender{
		name: "bitbucket", secretKeys: []string{"webhook.bitbucket.uuid"},
		genuine: token("X-Hook-UUID"),
		parse:   parseBitbucket,
	}
	// bitbucketServer is Bitbucket Server and Data Center.
	bitbucketServer = sender{
		name: "bitbucketserver", secretKeys: []string{"webhook.bitbucketserver.secret"},
		genuine: func(header http.Header, body, secret []byte) bool {
			return header.Get("X-Event-Key") == "diagnostics:ping" || validMAC(header.Get("X-Hub-Signature"), "sha256=", sha256.New, body, secret)
		},
		parse: parseBitbucketServer,
	}
)

// maxChanges bounds how many refs of one delivery are told.
const maxChanges = 1000

var errNotPush = errors.New("it is not the JSON of a push event")

// bitbucketRef is a branch or tag before or after a push; nil where there was none.
type bitbucketRef struct {
	Type   string
	Name   string
	Target struct{ Hash string }
}

func (r *bitbucketRef) hash() string {
	if r == nil {
		return ""
	}
	return r.Target.Hash
}

// parseBitbucket takes "repo:push" (support.atlassian.com, "Event payloads").
func parseBitbucket(header http.Header, body []byte) (news, error) {
	if key := header.Get("X-Event-Key"); key != "repo:push" {
		return bitbucketListing(key, body)
	}
	var p struct {
		Push struct {
			Changes []struct{ Old, New *bitbucketRef }
		}
		Repository struct {
			FullName string `json:"full_name"`
			Links    struct{ HTML struct{ Href string } }
		}
	}
	if json.Unmarshal(body, &p) != nil || len(p.Push.Changes) > maxChanges {
		return news{}, errNotPush
	}
	urls := repositoryURLs{HTMLURL: p.Repository.Links.HTML.Href}
	var n news
	for _, change := range p.Push.Changes {
		ref := change.New
		if ref == nil {
			ref = change.Old
		}
		if ref == nil || ref.Name == "" {
			return news{}, errors.New("it names no ref")
		}
		full := "refs/heads/" + ref.Name
		if ref.Type == "tag" || ref.Type == "annotated_tag" {
			full = "refs/tags/" + ref.Name
		}
		told, err := pushNews(urls, event.Push{Ref: full, Before: change.Old.hash(), After: change.New.hash()})
		if err != nil {
			return news{}, err
		}
		n.pushes = append(n.pushes, told.pushes...)
	}
	return n, nil
}

// parseBitbucketServer takes "repo:refs_changed" (confluence.atlassian.com, "Event payload").
func parseBitbucketServer(header http.Header, body []byte) (news, error) {
	if key := header.Get("X-Event-Key"); key != "repo:refs_changed" {
		return bitbucketServerListing(key, body)
	}
	var p struct {
		Changes []struct {
			Ref              struct{ ID string }
			FromHash, ToHash string
		}
		Repository struct {
			Links struct {
				Clone []struct{ Href string }
			}
		}
	}
	if json.Unmarshal(body, &p) != nil || len(p.Changes) > maxChanges {
		return news{}, errNotPush
	}
	var n news
	for _, change := range p.Changes {
		for _, clone := range p.Repository.Links.Clone {
			told, err := pushNews(repositoryURLs{CloneURL: clone.Href}, event.Push{Ref: change.Ref.ID, Before: change.FromHash, After: change.ToHash})
			if err != nil {
				return news{}, err
			}
			n.pushes = append(n.pushes, told.pushes...)
		}
	}
	if n.empty() {
		return news{}, errors.New("it names no repository or no ref")
	}
	return n, nil
}
