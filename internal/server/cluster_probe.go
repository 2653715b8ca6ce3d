package server

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// ClusterProber is a Fleet that can ask a cluster for its version, without keeping a connection.
type ClusterProber interface {
	Probe(ctx context.Context, cluster settings.Cluster) (version string, err error)
}

// TokenRotator is a Fleet that can replace the token of the service account that a cluster is reached as. The old token works
// until finish is called.
type TokenRotator interface {
	RotateToken(ctx context.Context, cluster settings.Cluster) (token string, finish func(context.Context) error, err error)
}

// probeLifetime is how long the answer of a cluster counts that nobody watches; the hub's own is asked again then.
const probeLifetime = time.Minute

// probes are the answers of clusters, by their URL.
type probes struct {
	mu      sync.Mutex
	answers map[string]protocol.ClusterInfo
}

func (p *probes) remember(server string, info protocol.ClusterInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answers == nil || len(p.answers) >= maxStates {
		p.answers = map[string]protocol.ClusterInfo{}
	}
	p.answers[server] = info
}

func (p *probes) known(server string, now time.Time) (protocol.ClusterInfo, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, ok := p.answers[server]
	return info, ok && now.Sub(info.ConnectionState.ModifiedAt.Time) < probeLifetime
}

// probeCluster tells whether a cluster that is about to be kept answers.
func (s *Server) probeCluster(ctx context.Context, cluster settings.Cluster) error {
	prober, ok := s.options.Fleet.(ClusterProber)
	if !ok {
		return nil
	}
	version, err := prober.Probe(ctx, s.options.Settings.Reached(cluster))
	if err != nil {
		return fail(connect.CodeUnknown, fmt.Errorf("error getting server version: %w", err))
	}
	s.probes.remember(cluster.Server, s.probeInfo(version, nil))
	return nil
}

// probed is how a cluster answered that no application goes to, and that nobody watches therefore: what it said when it was
// added, or, of the hub itself, what it says now.
func (s *Server) probed(ctx context.Context, cluster settings.Cluster) (protocol.ClusterInfo, bool) {
	known, ok := s.probes.known(cluster.Server, s.options.Clock.Now())
	prober, can := s.options.Fleet.(ClusterProber)
	if ok || !can || cluster.HubConfig == nil {
		return known, ok
	}
	info := s.probeInfo(prober.Probe(ctx, cluster))
	s.probes.remember(cluster.Server, info)
	return info, true
}

func (s *Server) probeInfo(version string, err error) protocol.ClusterInfo {
	state := protocol.ConnectionState{Status: protocol.ConnectionSuccessful, ModifiedAt: &metav1.Time{Time: s.options.Clock.Now()}}
	if err != nil {
		state.Status, state.Message = protocol.ConnectionFailed, err.Error()
	}
	return protocol.ClusterInfo{ConnectionState: state, ServerVersion: version}
}

// plainVersion is a version of Kubernetes without what distributions add to it, as upstream shows it.
func plainVersion(text string) string {
	parsed, err := version.ParseGeneric(text)
	if err != nil || !strings.HasPrefix(text, "v") {
		return text
	}
	return "v" + parsed.String()
}
