package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

// Kind is what an origin has, and how it is spoken to.
type Kind int

// The kinds.
const (
	// ChartOverHTTP is a chart of a Helm repository with an index.yaml.
	ChartOverHTTP Kind = iota
	// ChartInRegistry is a chart in an OCI registry.
	ChartInRegistry
	// Image is an OCI artifact with manifests in it.
	Image
)

// Origin is where the versions of one thing are.
type Origin struct {
	Kind       Kind
	Repository Repository
	// Chart is the chart's name; empty for an Image.
	Chart string
}

// Repository is a Helm repository or a registry, and how to get at it. The zero value of a field means "not given". Never
// log one.
type Repository struct {
	// URL is http(s)://… of a Helm repository, or host/path of a registry, with or without oci:// in front.
	URL                string
	Username, Password string
	// PassCredentials gives them also to the other hosts that an index names for its charts.
	PassCredentials bool
	// ClientCertificate, ClientKey and CA are PEM. No CA means the system's.
	ClientCertificate, ClientKey, CA string
	// Insecure skips the check of certificates; PlainHTTP doesn't encrypt at all, which only registries know.
	Insecure, PlainHTTP bool
	Proxy, NoProxy      string
}

// Anonymous tells whether there is nothing to log on with.
func (r Repository) Anonymous() bool { return r.Username+r.Password+r.ClientKey == "" }

// IsRegistry tells whether the URL of a chart's repository means an OCI registry: it has no scheme, or oci.
func IsRegistry(repoURL string) bool {
	return strings.HasPrefix(repoURL, "oci://") || !strings.Contains(repoURL, "://")
}

// image is the name of the repository in the registry.
func (o Origin) image() string {
	name := strings.TrimSuffix(strings.TrimPrefix(o.Repository.URL, "oci://"), "/")
	if o.Chart != "" {
		name += "/" + o.Chart
	}
	return name
}

// host is whom to ask.
func (o Origin) host() string {
	if o.Kind == ChartOverHTTP {
		if u, err := url.Parse(o.Repository.URL); err == nil {
			return u.Host
		}
	}
	host, _, _ := strings.Cut(o.image(), "/")
	return host
}

// name is for people: without credentials.
func (o Origin) name() string {
	if o.Kind != ChartOverHTTP {
		return o.image()
	}
	u, err := url.Parse(o.Repository.URL)
	if err != nil {
		return "with an unreadable URL"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// key identifies what somebody with these credentials sees: nobody gets what only others may read.
func (r Repository) key() string {
	sum := sha256.New()
	for _, part := range []string{strings.TrimSuffix(r.URL, "/"), r.Username, r.Password, r.ClientCertificate} {
		sum.Write([]byte(part))
		sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// Access names what somebody with these credentials sees of the repository.
func (r Repository) Access() string { return r.key() }

func (o Origin) key() string { return o.Repository.key() + "/" + o.Chart }
