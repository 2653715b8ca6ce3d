package webhook

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"fairlead.dev/fairlead/internal/event"
)

// azure is Azure DevOps, which proves itself by basic authentication.
var azure = sender{
	name: "azuredevops", secretKeys: []string{"webhook.azuredevops.username", "webhook.azuredevops.password"}, joined: true,
	genuine: func(header http.Header, _, secret []byte) bool {
		encoded, _ := strings.CutPrefix(header.Get("Authorization"), "Basic ")
		given, err := base64.StdEncoding.DecodeString(encoded)
		return err == nil && equal(string(given), secret)
	},
	parse: parseAzure,
}

// parseAzure takes "git.push" and pull requests that are created, updated or merged (learn.microsoft.com, "Service hooks events").
func parseAzure(_ http.Header, body []byte) (news, error) {
	var p struct {
		EventType string
		Resource  struct {
			RefUpdates []struct{ Name, OldObjectID, NewObjectID string }
			Repository struct {
				Name, RemoteURL string
				Project         struct{ Name string }
			}
		}
	}
	if json.Unmarshal(body, &p) != nil || len(p.Resource.RefUpdates) > maxChanges {
		return news{}, errNotPush
	}
	repository := p.Resource.Repository
	switch p.EventType {
	case "git.push":
	case "git.pullrequest.created", "git.pullrequest.updated", "git.pullrequest.merged":
		return listed(event.Listing{Host: "azuredevops", Site: siteOf(repository.RemoteURL), Owner: repository.Project.Name, Repository: repository.Name, PullRequests: true})
	default:
		return news{}, nil
	}
	urls := repositoryURLs{CloneURL: repository.RemoteURL, SSHURL: azureSSH(repository.RemoteURL)}
	var n news
	for _, update := range p.Resource.RefUpdates {
		told, err := pushNews(urls, event.Push{Ref: update.Name, Before: update.OldObjectID, After: update.NewObjectID})
		if err != nil {
			return news{}, err
		}
		n.pushes = append(n.pushes, told.pushes...)
	}
	return n, nil
}

// azureSSH is how the same repository is written for SSH: organisation/project/_git/repository becomes
// v3/organisation/project/repository. Empty if it has another form.
func azureSSH(remote string) string {
	u, err := url.Parse(remote)
	if err != nil || u.Hostname() != "dev.azure.com" {
		return ""
	}
	path, repository, ok := strings.Cut(u.Path, "/_git/")
	if !ok {
		return ""
	}
	return "git@ssh.dev.azure.com:v3" + path + "/" + repository
}
