package oci

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/imagepolicy"
)

// Registry says how one registry is reached: an entry of registries.conf. The zero value means "as its name says".
type Registry struct {
	// Name is for people.
	Name string
	// Prefix is the registry's host in the names of images; empty for docker.io.
	Prefix string
	// APIURL is where its API is; empty means https://PREFIX.
	APIURL string
	// DefaultNamespace is put before names of a single word, as docker.io's "library".
	DefaultNamespace string
	// Default makes it the registry of images that name none.
	Default bool
	// Credentials are for all images that have no pull secret of their own; zero means none.
	Credentials imagepolicy.SecretRef
	// Insecure skips the verification of TLS certificates.
	Insecure bool
	// CAFile is a file of PEM certificates to trust, and CA the same as text; empty means the system's.
	CAFile, CA string
	// ClientCertificate and ClientKey, in PEM, authenticate the connection; empty means none.
	ClientCertificate, ClientKey string
	// Proxy is the URL of a proxy; empty means the environment's. NoProxy are hosts that need none, comma-separated.
	Proxy, NoProxy string
	// Limit bounds the requests in a second; 0 means no bound.
	Limit float64
}

// Registries are the entries of registries.conf.
type Registries []Registry

// ParseRegistries reads the key registries.conf of the ConfigMap argocd-image-updater-config. The format is upstream's:
// https://argocd-image-updater.readthedocs.io/en/stable/configuration/registries/. Empty text means no entries.
func ParseRegistries(text string) (Registries, error) {
	var file struct {
		Registries []struct {
			Name        string  `json:"name"`
			Prefix      string  `json:"prefix"`
			APIURL      string  `json:"api_url"`
			DefaultNS   string  `json:"defaultns"`
			Default     bool    `json:"default"`
			Credentials string  `json:"credentials"`
			Insecure    bool    `json:"insecure"`
			CAFile      string  `json:"ca_file"`
			Limit       float64 `json:"limit"`
		} `json:"registries"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return nil, fmt.Errorf("reading registries.conf: %w", err)
	}
	var registries Registries
	for _, r := range file.Registries {
		if u, err := url.Parse(r.APIURL); r.APIURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return nil, fmt.Errorf("reading registries.conf: the api_url of registry %q is no http(s) URL", r.Name)
		}
		registry := Registry{Name: r.Name, Prefix: r.Prefix, APIURL: r.APIURL, DefaultNamespace: r.DefaultNS, Default: r.Default,
			Insecure: r.Insecure, CAFile: r.CAFile, Limit: r.Limit}
		if r.Credentials != "" {
			ref, err := imagepolicy.ParsePullSecret(r.Credentials)
			if err != nil {
				return nil, fmt.Errorf("reading registries.conf: the credentials of registry %q: %w", r.Name, err)
			}
			registry.Credentials = ref
		}
		registries = append(registries, registry)
	}
	return registries, nil
}

// For returns the entry for an image's repository, and the repository with its registry spelled out.
func (r Registries) For(repository string) (Registry, string) {
	host, path := imagepolicy.SplitRegistry(repository)
	// A name without a host goes to the default registry, if one is configured.
	if bare := !strings.HasPrefix(repository, host+"/"); bare {
		for _, registry := range r {
			if registry.Default && registry.Prefix != "" && !strings.EqualFold(registry.Prefix, host) {
				return registry, registry.Prefix + "/" + withNamespace(registry, strings.TrimPrefix(path, "library/"))
			}
		}
	}
	for _, registry := range r {
		prefix, _ := imagepolicy.SplitRegistry(registry.Prefix + "/x/y")
		if registry.Prefix == "" {
			prefix, _ = imagepolicy.SplitRegistry("x")
		}
		if prefix == host {
			return registry, host + "/" + withNamespace(registry, path)
		}
	}
	return Registry{}, host + "/" + path
}

func withNamespace(registry Registry, path string) string {
	if registry.DefaultNamespace != "" && !strings.Contains(path, "/") {
		return registry.DefaultNamespace + "/" + path
	}
	return path
}

// Credentials are a user and a password. The zero value means anonymous.
type Credentials struct{ Username, Password string }

// ParseCredentials reads "user:password".
func ParseCredentials(text string) (Credentials, error) {
	user, password, ok := strings.Cut(strings.TrimSpace(text), ":")
	if !ok || user == "" {
		return Credentials{}, errors.New("the credentials are not of the form user:password")
	}
	return Credentials{user, password}, nil
}

// DockerCredentials finds the credentials for an image's repository in a dockerconfigjson, as pull secrets hold it.
func DockerCredentials(config []byte, repository string) (Credentials, error) {
	var file struct {
		Auths map[string]struct {
			Username string `json:"username"`
			Password string `json:"password"`
			Auth     string `json:"auth"`
		} `json:"auths"`
	}
	if err := json.Unmarshal(config, &file); err != nil {
		// The error of the decoder may quote what it read.
		return Credentials{}, errors.New("reading the pull secret: it is no dockerconfigjson")
	}
	host, _ := imagepolicy.SplitRegistry(repository)
	for key, entry := range file.Auths {
		key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
		key, _, _ = strings.Cut(key, "/")
		if listed, _ := imagepolicy.SplitRegistry(key + "/x/y"); listed != host {
			continue
		}
		if entry.Auth == "" {
			return Credentials{entry.Username, entry.Password}, nil
		}
		decoded, err := base64.StdEncoding.DecodeString(entry.Auth)
		if err != nil {
			return Credentials{}, fmt.Errorf("reading the pull secret: the auth of registry %s is no base64", host)
		}
		credentials, err := ParseCredentials(string(decoded))
		if err != nil {
			return Credentials{}, fmt.Errorf("reading the pull secret: registry %s: %w", host, err)
		}
		return credentials, nil
	}
	return Credentials{}, fmt.Errorf("reading the pull secret: it has no entry for the registry %s", host)
}
