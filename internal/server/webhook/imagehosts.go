package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"fairlead.dev/fairlead/internal/event"
)

// Docker Hub and Harbor tell in no header who they are: the webhook's address does, with ?type=docker.hub or ?type=harbor, as
// Argo CD's image updater has it. Docker Hub knows no secrets either, so that the address carries it too: &secret=….
var (
	dockerHub = sender{
		name: "dockerhub", secretKeys: []string{"webhook.dockerhub.secret", "webhook.registry.secret"},
		genuine: token(querySecret),
		parse:   parseDockerHub,
	}
	harbor = sender{
		name: "harbor", secretKeys: []string{"webhook.harbor.secret", "webhook.registry.secret"},
		genuine: token("Authorization"),
		parse:   parseHarbor,
	}
)

// querySecret is where the secret of the address is put for the check.
const querySecret = "X-Fairlead-Query-Secret"

var errNotImage = errors.New("it is not the JSON of a pushed image")

// parseDockerHub takes docs.docker.com, "Docker Hub webhooks".
func parseDockerHub(_ http.Header, body []byte) (news, error) {
	var p struct {
		PushData   struct{ Tag string } `json:"push_data"`
		Repository struct {
			RepoName string `json:"repo_name"`
		}
	}
	if json.Unmarshal(body, &p) != nil || p.PushData.Tag == "" || p.Repository.RepoName == "" {
		return news{}, errNotImage
	}
	return news{images: []event.Image{{Repository: "docker.io/" + p.Repository.RepoName, Tag: p.PushData.Tag}}}, nil
}

// parseHarbor takes "PUSH_ARTIFACT" (goharbor.io, "Configure webhook notifications").
func parseHarbor(_ http.Header, body []byte) (news, error) {
	var p struct {
		Type      string
		EventData struct {
			Resources []struct {
				Digest, Tag string
				ResourceURL string `json:"resource_url"`
			}
		} `json:"event_data"`
	}
	if json.Unmarshal(body, &p) != nil || len(p.EventData.Resources) > maxChanges {
		return news{}, errNotImage
	}
	var n news
	if p.Type != "PUSH_ARTIFACT" {
		return n, nil
	}
	for _, resource := range p.EventData.Resources {
		repository, ok := strings.CutSuffix(resource.ResourceURL, ":"+resource.Tag)
		if resource.Tag == "" || !ok || !strings.Contains(repository, "/") {
			continue // pushed by digest, which nobody waits for
		}
		n.images = append(n.images, event.Image{Repository: repository, Tag: resource.Tag, Digest: resource.Digest})
	}
	return n, nil
}

// parsePackage takes GitHub's "package" and "registry_package": an image that was published on ghcr.io.
func parsePackage(body []byte) (news, error) {
	type published struct {
		PackageType string `json:"package_type"`
		Version     struct {
			Version           string
			PackageURL        string                                      `json:"package_url"`
			ContainerMetadata struct{ Tag struct{ Name, Digest string } } `json:"container_metadata"`
		} `json:"package_version"`
	}
	var p struct {
		Action          string
		Package         published
		RegistryPackage published `json:"registry_package"`
	}
	if json.Unmarshal(body, &p) != nil {
		return news{}, errNotImage
	}
	image := p.Package
	if image.PackageType == "" {
		image = p.RegistryPackage
	}
	tag := image.Version.ContainerMetadata.Tag
	repository, ok := strings.CutSuffix(image.Version.PackageURL, ":"+tag.Name)
	if p.Action == "" || !strings.EqualFold(image.PackageType, "container") || tag.Name == "" || !ok || !strings.Contains(repository, "/") {
		return news{}, nil
	}
	return news{images: []event.Image{{Repository: repository, Tag: tag.Name, Digest: tag.Digest}}}, nil
}
