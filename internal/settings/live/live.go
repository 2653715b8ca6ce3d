// Package live reads the hub's ConfigMaps and Secrets and hands them out as settings. Its reader is a cache that
// watches, so a change is seen at once; what it keeps itself is what it made of the newest argocd-cm and, after Remember, of
// the newest Secrets.
//
// Start with Source. The formats are internal/settings'.
package live

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/customization"
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
	// Applications and ApplicationSets are the namespaces, besides the hub's, where those count; empty leaves it to
	// argocd-cmd-params-cm.
	Applications, ApplicationSets []string

	parsed parsed
	newest atomic.Pointer[customization.Settings]
	known  secrets
}

// Clusters are the clusters that applications may name, by name. The hub itself is among them, unless the operator says that
// it is none.
func (s *Source) Clusters(ctx context.Context) ([]settings.Cluster, error) {
	read, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	clusters := slices.Clone(read.clusters)
	if disabled, err := s.inClusterDisabled(ctx); err != nil || disabled {
		return slices.DeleteFunc(clusters, func(c settings.Cluster) bool { return c.Server == settings.InClusterServer }), err
	}
	return clusters, nil
}

// inClusterDisabled tells whether the operator doesn't want the hub to be a destination.
func (s *Source) inClusterDisabled(ctx context.Context) (bool, error) {
	config, err := s.ConfigMap(ctx, settings.ConfigMapName)
	return config[settings.InClusterEnabledKey] == "false", err
}

// Reached is a cluster that isn't kept yet as it will be reached: the hub's own address means the hub.
func (s *Source) Reached(c settings.Cluster) settings.Cluster {
	if c.Server == settings.InClusterServer {
		c.HubConfig = s.Hub
	}
	return c
}

// ScopedTo are the repositories and clusters that belong to a project alone.
func (s *Source) ScopedTo(ctx context.Context, project string) (repositories []settings.Repository, clusters []settings.Cluster, err error) {
	read, err := s.read(ctx)
	if err != nil || project == "" {
		return nil, nil, err
	}
	for _, r := range read.catalog.Repositories() {
		if r.Project == project {
			repositories = append(repositories, r)
		}
	}
	for _, c := range read.clusters {
		if c.Project == project {
			clusters = append(clusters, c)
		}
	}
	return repositories, clusters, nil
}

// UnknownClusterError says that no cluster has that URL or name.
type UnknownClusterError struct {
	ServerOrName string
	// ByName says that it can only be a name.
	ByName bool
}

func (e *UnknownClusterError) Error() string {
	if e.ByName {
		return "there are no clusters with this name: " + e.ServerOrName
	}
	return fmt.Sprintf("cluster %q not found: register it, or correct the destination", e.ServerOrName)
}

// Cluster is the cluster with that URL or name; an *UnknownClusterError if there is none.
func (s *Source) Cluster(ctx context.Context, serverOrName string) (settings.Cluster, error) {
	read, err := s.read(ctx)
	if err != nil {
		return settings.Cluster{}, err
	}
	for _, c := range read.clusters {
		if c.Server != strings.TrimRight(serverOrName, "/") && c.Name != serverOrName {
			continue
		}
		if c.Server == settings.InClusterServer {
			if disabled, err := s.inClusterDisabled(ctx); err != nil || disabled {
				return settings.Cluster{}, cmp.Or(err, error(&UnknownClusterError{ServerOrName: serverOrName}))
			}
		}
		return c, nil
	}
	return settings.Cluster{}, &UnknownClusterError{ServerOrName: serverOrName}
}

// ConfigMap is the data of one of the hub's ConfigMaps; empty when it doesn't exist. It is the cache's own and must not be
// changed: each reconcile asks, and the known certificates and hosts are large.
func (s *Source) ConfigMap(ctx context.Context, name string) (map[string]string, error) {
	var configMap corev1.ConfigMap
	if err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, &configMap, client.UnsafeDisableDeepCopy); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("reading ConfigMap %s: %w", name, err)
	}
	return configMap.Data, nil
}

// Polling is how often the operator wants repositories to be asked; what argocd-cm doesn't say is as in standard.
func (s *Source) Polling(ctx context.Context, standard settings.Polling) (settings.Polling, error) {
	data, err := s.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return standard, err
	}
	return settings.PollingFrom(data, standard)
}

// GPGKeys are the operator's public keys, armored, by key ID.
func (s *Source) GPGKeys(ctx context.Context) (map[string]string, error) {
	return s.ConfigMap(ctx, settings.GPGKeysConfigMap)
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

// ApplicationNamespaces are the namespaces whose Applications count. Where the configuration can't be read it is the hub's own
// alone.
func (s *Source) ApplicationNamespaces(ctx context.Context) settings.Namespaces {
	return s.namespaces(ctx, settings.ApplicationNamespacesKey, s.Applications)
}

// ApplicationSetNamespaces are the namespaces whose ApplicationSets count.
func (s *Source) ApplicationSetNamespaces(ctx context.Context) settings.Namespaces {
	return s.namespaces(ctx, settings.ApplicationSetNamespacesKey, s.ApplicationSets)
}

func (s *Source) namespaces(ctx context.Context, key string, given []string) settings.Namespaces {
	if len(given) > 0 {
		return settings.Namespaces{Hub: s.Namespace, Patterns: given}
	}
	params, err := s.ConfigMap(ctx, settings.CmdParamsConfigMap)
	if err != nil {
		slog.WarnContext(ctx, "only the hub's own namespace counts", "error", err)
	}
	return settings.NamespacesFrom(s.Namespace, params[key])
}
