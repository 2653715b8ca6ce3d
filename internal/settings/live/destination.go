package live

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/settings"
)

// ErrDisabled means the hub itself, where argocd-cm's cluster.inClusterEnabled forbids it as a destination.
var ErrDisabled = errors.New("is disabled")

// Destination is the cluster that an application names, by URL or by name. The error's text is upstream's.
func (s *Source) Destination(ctx context.Context, d v1alpha1.ApplicationDestination) (settings.Cluster, error) {
	none := settings.Cluster{}
	switch {
	case d.Server != "" && d.Name != "":
		return none, fmt.Errorf("application destination can't have both name and server defined: %s %s", d.Name, d.Server)
	case d.Server == "" && d.Name == "":
		return none, errors.New("Destination server missing from app spec")
	}
	read, err := s.read(ctx)
	if err != nil {
		return none, err
	}
	server := strings.TrimRight(d.Server, "/")
	var found []settings.Cluster
	var servers []string
	for _, c := range read.clusters {
		if d.Name != "" && c.Name == d.Name || d.Name == "" && c.Server == server {
			found, servers = append(found, c), append(servers, c.Server)
		}
	}
	switch {
	case len(found) == 0 && d.Name != "":
		return none, &UnknownClusterError{ServerOrName: d.Name, ByName: true}
	case len(found) == 0:
		return none, fmt.Errorf("error getting cluster by server %q: %w", d.Server, &UnknownClusterError{ServerOrName: server})
	case len(found) > 1 && d.Name != "":
		return none, fmt.Errorf("there are %d clusters with the same name: [%s]", len(found), strings.Join(servers, " "))
	}
	if found[0].Server == settings.InClusterServer {
		disabled, err := s.inClusterDisabled(ctx)
		if err != nil {
			return none, err
		}
		if disabled {
			return none, fmt.Errorf("error getting cluster by server %q: cluster %q %w", found[0].Server, found[0].Server, ErrDisabled)
		}
	}
	return found[0], nil
}
