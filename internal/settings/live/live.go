// Package live reads the hub's ConfigMaps and Secrets and hands them out as settings. Its reader is a cache that
// watches, so a change is seen at once; what it keeps itself is what it made of the newest argocd-cm and, after Remember, of
// the newest Secrets.
//
// Start with Source. The formats are internal/settings'.
package live

import (
	"context"
	"fmt"
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

	parsed parsed
	newest atomic.Pointer[customization.Settings]
	known  secrets
}

// Clusters are the clusters that applications may name, the hub itself among them, by name.
func (s *Source) Clusters(ctx context.Context) ([]settings.Cluster, error) {
	read, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(read.clusters), nil
}

// UnknownClusterError says that no cluster has that URL or name.
type UnknownClusterError struct{ ServerOrName string }

func (e *UnknownClusterError) Error() string {
	return fmt.Sprintf("cluster %q is not configured: register it, or correct the destination", e.ServerOrName)
}

// Cluster is the cluster with that URL or name; an *UnknownClusterError if there is none.
func (s *Source) Cluster(ctx context.Context, serverOrName string) (settings.Cluster, error) {
	read, err := s.read(ctx)
	if err != nil {
		return settings.Cluster{}, err
	}
	for _, c := range read.clusters {
		if c.Server == strings.TrimRight(serverOrName, "/") || c.Name == serverOrName {
			return c, nil
		}
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
