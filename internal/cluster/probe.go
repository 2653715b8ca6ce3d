package cluster

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/discovery"

	"fairlead.dev/fairlead/internal/settings"
)

// probeTimeout bounds the one question to a cluster that may not be there.
const probeTimeout = 10 * time.Second

// Probe asks a cluster for its version, such as v1.34.1, to try how it is reached. It opens no connection that stays.
func Probe(ctx context.Context, configured settings.Cluster) (string, error) {
	config, err := configured.RESTConfig()
	if err != nil {
		return "", err
	}
	config.Timeout = probeTimeout
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return "", fmt.Errorf("connecting to cluster %q: %w", configured.Name, err)
	}
	version, err := client.ServerVersionWithContext(ctx)
	if err != nil {
		return "", fmt.Errorf("asking cluster %q for its version: %w", configured.Name, err)
	}
	return version.GitVersion, nil
}
