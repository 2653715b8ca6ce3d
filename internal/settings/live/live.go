// Package live reads the hub's ConfigMaps and Secrets and hands them out as settings. It keeps no copy: its reader is a
// cache that watches, so a change is seen at once.
//
// Start with Source. The formats are internal/settings'.
package live

import (
	"context"
	"fmt"
	"log/slog"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/settings"
)

// Source reads settings from the hub.
type Source struct {
	// Reader should be a cache of Secrets and ConfigMaps.
	Reader client.Reader
	// Namespace is the hub's, usually argocd.
	Namespace string
	// Hub reaches the hub's own API server, the destination in-cluster.
	Hub *rest.Config
}

// RepositoryFor returns the repository with that URL and its credentials: those of its own Secret, else of the repo-creds
// template with the longest matching prefix, else none.
func (s *Source) RepositoryFor(ctx context.Context, url string) (settings.Repository, error) {
	repositories, err := s.repositories(ctx, settings.SecretTypeRepository)
	if err != nil {
		return settings.Repository{}, err
	}
	templates, err := s.repositories(ctx, settings.SecretTypeRepoCreds)
	if err != nil {
		return settings.Repository{}, err
	}
	return settings.FindRepository(url, repositories, templates), nil
}

// Repositories are the configured repositories, by URL, with the credentials of their templates filled in.
func (s *Source) Repositories(ctx context.Context) ([]settings.Repository, error) {
	repositories, err := s.repositories(ctx, settings.SecretTypeRepository)
	if err != nil {
		return nil, err
	}
	templates, err := s.repositories(ctx, settings.SecretTypeRepoCreds)
	if err != nil {
		return nil, err
	}
	for i, r := range repositories {
		repositories[i] = settings.FindRepository(r.URL, repositories, templates)
	}
	sort.Slice(repositories, func(i, j int) bool { return repositories[i].URL < repositories[j].URL })
	return repositories, nil
}

// Clusters are the clusters that applications may name, the hub itself among them, by name.
func (s *Source) Clusters(ctx context.Context) ([]settings.Cluster, error) {
	secrets, err := s.secrets(ctx, settings.SecretTypeCluster)
	if err != nil {
		return nil, err
	}
	var clusters []settings.Cluster
	hub := settings.Cluster{Name: settings.InClusterName, Server: settings.InClusterServer}
	for i := range secrets {
		cluster, err := settings.ClusterFromSecret(&secrets[i])
		if err != nil {
			slog.WarnContext(ctx, "ignoring cluster", "error", err)
			continue
		}
		if cluster.Server == settings.InClusterServer {
			hub = cluster
			continue
		}
		clusters = append(clusters, cluster)
	}
	hub.HubConfig = s.Hub
	clusters = append(clusters, hub)
	sort.Slice(clusters, func(i, j int) bool { return clusters[i].Name < clusters[j].Name })
	return clusters, nil
}

// UnknownClusterError says that no cluster has that URL or name.
type UnknownClusterError struct{ ServerOrName string }

func (e *UnknownClusterError) Error() string {
	return fmt.Sprintf("cluster %q is not configured: register it, or correct the destination", e.ServerOrName)
}

// Cluster is the cluster with that URL or name; an *UnknownClusterError if there is none.
func (s *Source) Cluster(ctx context.Context, serverOrName string) (settings.Cluster, error) {
	clusters, err := s.Clusters(ctx)
	if err != nil {
		return settings.Cluster{}, err
	}
	for _, c := range clusters {
		if c.Server == strings.TrimRight(serverOrName, "/") || c.Name == serverOrName {
			return c, nil
		}
	}
	return settings.Cluster{}, &UnknownClusterError{ServerOrName: serverOrName}
}

// ConfigMap is the data of one of the hub's ConfigMaps; empty when it doesn't exist.
func (s *Source) ConfigMap(ctx context.Context, name string) (map[string]string, error) {
	var configMap corev1.ConfigMap
	if err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, &configMap); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("reading ConfigMap %s: %w", name, err)
	}
	return configMap.Data, nil
}

// Secret is the data of one of the hub's Secrets; empty when it doesn't exist.
func (s *Source) Secret(ctx context.Context, name string) (map[string][]byte, error) {
	var secret corev1.Secret
	if err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, &secret); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return secret.Data, nil
}

func (s *Source) repositories(ctx context.Context, secretType string) ([]settings.Repository, error) {
	secrets, err := s.secrets(ctx, secretType)
	if err != nil {
		return nil, err
	}
	var repositories []settings.Repository
	for i := range secrets {
		repository, err := settings.RepositoryFromSecret(&secrets[i])
		if err != nil {
			slog.WarnContext(ctx, "ignoring repository", "error", err)
			continue
		}
		repositories = append(repositories, repository)
	}
	return repositories, nil
}

func (s *Source) secrets(ctx context.Context, secretType string) ([]corev1.Secret, error) {
	var list corev1.SecretList
	err := s.Reader.List(ctx, &list, client.InNamespace(s.Namespace), client.MatchingLabels{settings.SecretTypeLabel: secretType})
	if err != nil {
		return nil, fmt.Errorf("listing the secrets of type %s: %w", secretType, err)
	}
	sort.Slice(list.Items, func(i, j int) bool { return list.Items[i].Name < list.Items[j].Name })
	return list.Items, nil
}

// Remote is how the Git repository with that URL is reached; with no configured credentials it is the bare URL.
func (s *Source) Remote(ctx context.Context, url string) (git.Remote, error) {
	r, err := s.RepositoryFor(ctx, url)
	if err != nil {
		return git.Remote{}, err
	}
	return RemoteOf(r), nil
}

// RemoteOf is how a configured repository is reached.
func RemoteOf(r settings.Repository) git.Remote {
	return git.Remote{
		URL: r.URL, Username: r.Username, Password: r.Password, BearerToken: r.BearerToken,
		SSHPrivateKey: r.SSHPrivateKey, ClientCertificate: r.TLSClientCertData, ClientKey: r.TLSClientCertKey,
		Proxy: r.Proxy, NoProxy: r.NoProxy, Insecure: r.Insecure,
	}
}
