package live

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/settings"
)

// read is what was made of the Secrets. It isn't changed once it is made.
type read struct {
	// version is the one of the Secrets that it was made of, or of older ones.
	version  uint64
	clusters []settings.Cluster
	catalog  *settings.Catalog
}

// secrets are the hub's, read once for each change.
type secrets struct {
	// version counts the changes; zero where nobody watches, so that nothing is remembered.
	version atomic.Uint64
	newest  atomic.Pointer[read]
	reading sync.Mutex
}

// Remember lets the source read Secrets once for each change of one, and no longer at each question. The cache must be the
// one that Reader reads. Call it in the set-up, before the cache starts.
//
// A change has to count for the very next question. An event comes a moment after the cache has changed, and by then a
// reconcile may have asked; a field index, however, is kept by the cache while it holds the lock for the change. So what
// counts the changes is an index (of nothing), and the event for what an index doesn't see, which is a cache that is emptied.
func (s *Source) Remember(ctx context.Context, c cache.Cache) error {
	count := func(object client.Object) {
		if object.GetNamespace() == s.Namespace && object.GetLabels()[settings.SecretTypeLabel] != "" {
			s.known.version.Add(1)
		}
	}
	err := c.IndexField(ctx, &corev1.Secret{}, "fairlead.changes", func(object client.Object) []string {
		count(object)
		return nil
	})
	if err != nil {
		return fmt.Errorf("watching the secrets: %w", err)
	}
	informer, err := c.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching the secrets: %w", err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{DeleteFunc: func(gone any) {
		if unseen, ok := gone.(toolscache.DeletedFinalStateUnknown); ok {
			gone = unseen.Obj
		}
		if object, ok := gone.(client.Object); ok {
			count(object)
		}
	}})
	if err != nil {
		return fmt.Errorf("watching the secrets: %w", err)
	}
	s.known.version.Add(1)
	return nil
}

// read gives what the Secrets say now.
func (s *Source) read(ctx context.Context) (*read, error) {
	if found := s.remembered(); found != nil {
		return found, nil
	}
	k := &s.known
	k.reading.Lock()
	defer k.reading.Unlock()
	if found := s.remembered(); found != nil { // somebody else read them meanwhile
		return found, nil
	}
	// The version is taken first: what changes while they are listed makes them be read again.
	made := &read{version: k.version.Load()}
	repositories, err := s.repositories(ctx, settings.SecretTypeRepository)
	if err != nil {
		return nil, err
	}
	templates, err := s.repositories(ctx, settings.SecretTypeRepoCreds)
	if err != nil {
		return nil, err
	}
	made.catalog = settings.NewCatalog(repositories, templates)
	if made.clusters, err = s.clusters(ctx); err != nil {
		return nil, err
	}
	k.newest.Store(made)
	return made, nil
}

// remembered is what was read, if nothing has changed since; else nil.
func (s *Source) remembered() *read {
	version := s.known.version.Load()
	if found := s.known.newest.Load(); version != 0 && found != nil && found.version == version {
		return found
	}
	return nil
}

func (s *Source) repositories(ctx context.Context, secretType string) ([]settings.Repository, error) {
	secrets, err := s.list(ctx, secretType)
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

func (s *Source) clusters(ctx context.Context) ([]settings.Cluster, error) {
	secrets, err := s.list(ctx, settings.SecretTypeCluster)
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
	slices.SortFunc(clusters, func(a, b settings.Cluster) int { return strings.Compare(a.Name, b.Name) })
	return clusters, nil
}

func (s *Source) list(ctx context.Context, secretType string) ([]corev1.Secret, error) {
	var list corev1.SecretList
	err := s.Reader.List(ctx, &list, client.InNamespace(s.Namespace), client.MatchingLabels{settings.SecretTypeLabel: secretType},
		client.UnsafeDisableDeepCopy) // nobody changes what it gets
	if err != nil {
		return nil, fmt.Errorf("listing the secrets of type %s: %w", secretType, err)
	}
	sort.Slice(list.Items, func(i, j int) bool { return list.Items[i].Name < list.Items[j].Name })
	return list.Items, nil
}
