package server

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/web"
)

func (s *Server) listClusters(ctx context.Context, c *call, q *protocol.ClusterQuery) (*protocol.ClusterList, error) {
	server, name, err := clusterNamed(q)
	if err != nil {
		return nil, err
	}
	clusters, err := s.options.Settings.Clusters(ctx)
	if err != nil {
		return nil, err
	}
	counts := s.applicationCounts(ctx)
	check := c.filter()
	list := &protocol.ClusterList{Items: []protocol.Cluster{}}
	for _, cluster := range clusters {
		if (server == "" || server == cluster.Server) && (name == "" || name == cluster.Name) &&
			check(access.InProject(cluster.Project, cluster.Server)) == access.Allowed {
			list.Items = append(list.Items, s.toCluster(ctx, cluster, counts))
		}
	}
	return list, nil
}

// clusterNamed is what a query names: a URL or a name.
func clusterNamed(q *protocol.ClusterQuery) (server, name string, err error) {
	if q.ID == nil {
		return strings.TrimRight(q.Server, "/"), q.Name, nil
	}
	switch q.ID.Type {
	case "name":
		return "", q.ID.Value, nil
	case "name_escaped":
		if name, err = url.QueryUnescape(q.ID.Value); err != nil {
			return "", "", invalid(fmt.Sprintf("failed to unescape cluster name: %v", err))
		}
		return "", name, nil
	}
	return strings.TrimRight(q.ID.Value, "/"), "", nil
}

// cluster finds a cluster, by its URL if the query has one and else by its name, and checks the row's permission on it. Who
// may not see it can't tell whether it exists.
func (s *Server) cluster(ctx context.Context, c *call, q *protocol.ClusterQuery) (settings.Cluster, error) {
	found, err := s.clustersNamed(ctx, c, q)
	if err != nil {
		return settings.Cluster{}, err
	}
	return found[0], nil
}

// clustersNamed are all clusters that a query names: several may have the same name. The caller has the row's permission on all.
func (s *Server) clustersNamed(ctx context.Context, c *call, q *protocol.ClusterQuery) ([]settings.Cluster, error) {
	c.checked = true // a cluster that isn't there is denied
	server, name, err := clusterNamed(q)
	if err != nil {
		return nil, err
	}
	clusters, err := s.options.Settings.Clusters(ctx)
	if err != nil {
		return nil, err
	}
	var found []settings.Cluster
	for _, cluster := range clusters {
		if server != "" && server == cluster.Server || server == "" && name != "" && name == cluster.Name {
			if c.allow(access.InProject(cluster.Project, cluster.Server)) != nil {
				return nil, errPermission
			}
			found = append(found, cluster)
		}
	}
	if len(found) == 0 {
		return nil, errPermission
	}
	return found, nil
}

func (s *Server) getCluster(ctx context.Context, c *call, q *protocol.ClusterQuery) (*protocol.Cluster, error) {
	cluster, err := s.cluster(ctx, c, q)
	if err != nil {
		return nil, err
	}
	return s.answerCluster(ctx, cluster)
}

func (s *Server) answerCluster(ctx context.Context, cluster settings.Cluster) (*protocol.Cluster, error) {
	counts := s.applicationCounts(ctx)
	answer := s.toCluster(ctx, cluster, counts)
	return &answer, nil
}

func (s *Server) createCluster(ctx context.Context, c *call, q *protocol.ClusterCreateRequest) (*protocol.Cluster, error) {
	if q.Cluster == nil || q.Cluster.Server == "" {
		return nil, invalid("missing payload 'cluster' or its server in request")
	}
	desired := q.Cluster
	desired.Server = strings.TrimRight(desired.Server, "/")
	if err := c.allow(access.InProject(desired.Project, desired.Server)); err != nil {
		return nil, fmt.Errorf("permission denied while creating cluster: %w", err)
	}
	if err := checkServer(desired.Server); err != nil {
		return nil, err
	}
	if err := mayRunProgram(c, protocol.Cluster{}, *desired); err != nil {
		return nil, err
	}
	clusters, err := s.options.Settings.Clusters(ctx)
	if err != nil {
		return nil, err
	}
	index := slices.IndexFunc(clusters, func(existing settings.Cluster) bool { return existing.Server == desired.Server })
	if index < 0 && desired.Server == settings.InClusterServer {
		return nil, invalid("cannot register cluster: in-cluster has been disabled")
	}
	if index < 0 || clusters[index].SecretName == "" {
		return s.writeCluster(ctx, "", desired)
	}
	existing := clusters[index]
	keys := differentClusters(existing, desired)
	switch {
	case len(keys) == 0:
		return s.answerCluster(ctx, existing)
	case !q.Upsert:
		return nil, differentSpec("cluster", keys)
	}
	if err := c.require(access.Clusters, access.Update, access.InProject(existing.Project, existing.Server)); err != nil {
		return nil, errPermission
	}
	if err := c.require(access.Clusters, access.Update, access.InProject(desired.Project, desired.Server)); err != nil {
		return nil, errPermission
	}
	return s.writeCluster(ctx, existing.SecretName, desired)
}

// differentClusters names the fields in which a configured cluster differs from a wanted one.
func differentClusters(existing settings.Cluster, desired *protocol.Cluster) []string {
	a, b := fromSettings(existing), *desired
	if b.Name == "" {
		b.Name = b.Server
	}
	for _, one := range []*protocol.Cluster{&a, &b} {
		one.Info, one.ConnectionState, one.ServerVersion, one.RefreshRequestedAt = protocol.ClusterInfo{}, protocol.ConnectionState{}, "", nil
	}
	return differentFields(a, b)
}

// mayRunProgram sees that who names a program for a cluster's credentials may do so: the hub runs it. That takes the permission
// on all clusters; one on the clusters of a project would be one on the hub.
func mayRunProgram(c *call, before, after protocol.Cluster) error {
	if after.Config.ExecProviderConfig == nil || reflect.DeepEqual(before.Config.ExecProviderConfig, after.Config.ExecProviderConfig) {
		return nil
	}
	return c.require(access.Clusters, c.row.permission.action, "*")
}

// checkServer refuses what isn't the address of an API server.
func checkServer(server string) error {
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return invalid("the cluster's server isn't a URL such as https://HOST:6443")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && web.Refused(ip) {
		return invalid("the cluster's server: " + web.ErrLinkLocal.Error())
	}
	return nil
}

func (s *Server) updateCluster(ctx context.Context, c *call, q *protocol.ClusterUpdateRequest) (*protocol.Cluster, error) {
	if q.Cluster == nil {
		return nil, invalid("missing payload 'cluster' in request")
	}
	existing, err := s.cluster(ctx, c, &protocol.ClusterQuery{Server: q.Cluster.Server, Name: q.Cluster.Name, ID: q.ID})
	if err != nil {
		return nil, err
	}
	desired := *q.Cluster
	desired.Server = existing.Server
	if len(q.UpdatedFields) > 0 {
		desired = fromSettings(existing)
		for _, field := range q.UpdatedFields {
			updateClusterField(&desired, q.Cluster, field)
		}
	}
	if err := mayRunProgram(c, fromSettings(existing), desired); err != nil {
		return nil, err
	}
	if desired.Project != existing.Project {
		if err := c.allow(access.InProject(desired.Project, desired.Server)); err != nil {
			return nil, err
		}
	}
	return s.writeCluster(ctx, existing.SecretName, &desired)
}

func updateClusterField(cluster, from *protocol.Cluster, field string) {
	switch field {
	case "name":
		cluster.Name = from.Name
	case "namespaces":
		cluster.Namespaces = from.Namespaces
	case "config":
		cluster.Config = from.Config
	case "shard":
		cluster.Shard = from.Shard
	case "clusterResources":
		cluster.ClusterResources = from.ClusterResources
	case "labels":
		cluster.Labels = from.Labels
	case "annotations":
		cluster.Annotations = from.Annotations
	case "project":
		cluster.Project = from.Project
	}
}

func (s *Server) deleteCluster(ctx context.Context, c *call, q *protocol.ClusterQuery) (*protocol.ClusterResponse, error) {
	clusters, err := s.clustersNamed(ctx, c, q)
	if err != nil {
		return nil, err
	}
	for _, cluster := range clusters {
		if cluster.SecretName == "" {
			return nil, fail(connect.CodeNotFound, fmt.Errorf("cluster %q not found: it is the hub's own and has no secret to delete", cluster.Server))
		}
		secret := s.newSecret(cluster.SecretName)
		if err := s.options.Live.Get(ctx, client.ObjectKeyFromObject(secret), secret); err != nil {
			return nil, fmt.Errorf("reading cluster '%s': %w", cluster.Name, err)
		}
		if err := s.dropSecret(ctx, secret); err != nil {
			return nil, fmt.Errorf("deleting cluster '%s': %w", cluster.Name, err)
		}
	}
	return &protocol.ClusterResponse{}, nil
}

// invalidateCluster has a cluster read anew.
func (s *Server) invalidateCluster(ctx context.Context, c *call, q *protocol.ClusterQuery) (*protocol.Cluster, error) {
	cluster, err := s.cluster(ctx, c, q)
	if err != nil {
		return nil, err
	}
	invalidator, ok := s.options.Fleet.(CacheInvalidator)
	if !ok {
		return nil, missingPart("reach clusters")
	}
	if err := invalidator.InvalidateCache(cluster); err != nil {
		return nil, err
	}
	answer, err := s.answerCluster(ctx, cluster)
	if err == nil {
		answer.RefreshRequestedAt = &metav1.Time{Time: s.options.Clock.Now()}
	}
	return answer, err
}

// rotateCluster gives the service accounts that clusters are reached as new tokens.
func (s *Server) rotateCluster(ctx context.Context, c *call, q *protocol.ClusterQuery) (*protocol.ClusterResponse, error) {
	clusters, err := s.clustersNamed(ctx, c, q)
	if err != nil {
		return nil, err
	}
	rotator, ok := s.options.Fleet.(TokenRotator)
	if !ok {
		return nil, missingPart("reach clusters")
	}
	for _, cluster := range clusters {
		if cluster.SecretName == "" || cluster.Config.BearerToken == "" {
			return nil, invalid(fmt.Sprintf("Cluster '%s' does not use bearer token authentication", cluster.Server))
		}
		token, finish, err := rotator.RotateToken(ctx, cluster)
		if err != nil {
			return nil, err
		}
		desired := fromSettings(cluster)
		desired.Config.BearerToken = token
		desired.Config.TLSClientConfig.CertData, desired.Config.TLSClientConfig.KeyData = nil, nil
		if _, err := s.writeCluster(ctx, cluster.SecretName, &desired); err != nil {
			return nil, err
		}
		// The old token goes when the new one is known to work and kept.
		if err := finish(ctx); err != nil {
			return nil, fmt.Errorf("rotating the token of cluster '%s': %w", cluster.Name, err)
		}
	}
	return &protocol.ClusterResponse{}, nil
}

// writeCluster keeps a cluster as a Secret in Argo CD's form; name is that of the Secret to replace, empty for a new one.
func (s *Server) writeCluster(ctx context.Context, name string, cluster *protocol.Cluster) (*protocol.Cluster, error) {
	if cluster.Name == "" {
		cluster.Name = cluster.Server
	}
	if cluster.Annotations[lastApplied] != "" {
		return nil, invalid(fmt.Sprintf("annotation %s cannot be set", lastApplied))
	}
	config, err := json.Marshal(cluster.Config)
	if err != nil {
		return nil, err
	}
	newName, err := clusterSecretName(cluster.Server)
	if err != nil {
		return nil, invalid(err.Error())
	}
	secret := s.newSecret(newName)
	if name != "" {
		secret.Name = name
		if err := s.options.Live.Get(ctx, client.ObjectKeyFromObject(secret), secret); err != nil {
			return nil, fmt.Errorf("reading cluster '%s': %w", cluster.Name, err)
		}
	}
	secret.Labels, secret.Annotations = maps.Clone(cluster.Labels), maps.Clone(cluster.Annotations)
	labelSecret(secret, settings.SecretTypeCluster)
	secret.Data = map[string][]byte{
		"name": []byte(cluster.Name), "server": []byte(cluster.Server), "config": config,
	}
	optional := map[string]string{"namespaces": strings.Join(cluster.Namespaces, ","), "project": cluster.Project}
	if cluster.ClusterResources {
		optional["clusterResources"] = "true"
	}
	if cluster.Shard != nil {
		optional["shard"] = fmt.Sprint(*cluster.Shard)
	}
	setText(secret, optional)
	written, err := settings.ClusterFromSecret(secret)
	if err != nil {
		return nil, invalid(err.Error())
	}
	if err := s.probeCluster(ctx, written); err != nil {
		return nil, err
	}
	err = s.saveSecret(ctx, secret)
	if apierrors.IsAlreadyExists(err) {
		return nil, fail(connect.CodeAlreadyExists, fmt.Errorf("cluster %q already exists", cluster.Server))
	}
	if err != nil {
		return nil, fmt.Errorf("writing cluster '%s': %w", cluster.Name, err)
	}
	return s.answerCluster(ctx, written)
}

// setText sets the values that aren't empty.
func setText(secret *corev1.Secret, values map[string]string) {
	for key, value := range values {
		if value != "" {
			secret.Data[key] = []byte(value)
		}
	}
}

// applicationCounts counts the applications of each cluster, by URL and by name.
func (s *Server) applicationCounts(ctx context.Context) map[string]int64 {
	counts := map[string]int64{}
	for _, app := range s.servedApps(ctx) {
		destination := &app.Spec.Destination
		if destination.Server != "" {
			counts[strings.TrimRight(destination.Server, "/")]++
		} else {
			counts[destination.Name]++
		}
	}
	return counts
}

// toCluster is a cluster as it may be shown: without credentials, with its state.
func (s *Server) toCluster(ctx context.Context, cluster settings.Cluster, counts map[string]int64) protocol.Cluster {
	answer := fromSettings(cluster)
	// What programs for credentials get as arguments and variables may be secret too.
	answer.Config = protocol.ClusterConfig{
		AWSAuthConfig: answer.Config.AWSAuthConfig, ProxyURL: publicURL(answer.Config.ProxyURL), DisableCompression: answer.Config.DisableCompression,
		TLSClientConfig: protocol.TLSClientConfig{
			Insecure: cluster.Config.TLSClientConfig.Insecure, ServerName: cluster.Config.TLSClientConfig.ServerName,
		},
	}
	answer.Info.ConnectionState = protocol.ConnectionState{Status: protocol.ConnectionUnknown}
	if informer, ok := s.options.Fleet.(ClusterInformer); ok {
		answer.Info = informer.ClusterInfo(ctx, cluster)
	}
	if answer.Info.ConnectionState.Status == protocol.ConnectionUnknown {
		if probed, ok := s.probed(ctx, cluster); ok {
			answer.Info.ConnectionState, answer.Info.ServerVersion = probed.ConnectionState, probed.ServerVersion
		}
	}
	answer.Info.ServerVersion = plainVersion(answer.Info.ServerVersion)
	answer.Info.ApplicationsCount = counts[cluster.Server] + counts[cluster.Name]
	if state := &answer.Info.ConnectionState; state.Status == protocol.ConnectionUnknown && answer.Info.ApplicationsCount == 0 {
		state.Message = "Cluster has no applications and is not being monitored."
	}
	answer.ConnectionState, answer.ServerVersion = answer.Info.ConnectionState, answer.Info.ServerVersion
	return answer
}

func fromSettings(cluster settings.Cluster) protocol.Cluster {
	config := cluster.Config
	answer := protocol.Cluster{
		Server: cluster.Server, Name: cluster.Name, Namespaces: cluster.Namespaces, ClusterResources: cluster.ClusterResources,
		Project: cluster.Project, Shard: cluster.Shard, Labels: withoutPrefix(cluster.Labels), Annotations: withoutPrefix(cluster.Annotations),
		Config: protocol.ClusterConfig{
			Username: config.Username, Password: config.Password, BearerToken: config.BearerToken,
			DisableCompression: config.DisableCompression, ProxyURL: config.ProxyURL,
			TLSClientConfig: protocol.TLSClientConfig(config.TLSClientConfig),
		},
	}
	if aws := config.AWSAuthConfig; aws != nil {
		answer.Config.AWSAuthConfig = &protocol.AWSAuthConfig{ClusterName: aws.ClusterName, RoleARN: aws.RoleARN, Profile: aws.Profile}
	}
	if exec := config.ExecProviderConfig; exec != nil {
		answer.Config.ExecProviderConfig = &protocol.ExecProviderConfig{
			Command: exec.Command, Args: exec.Args, Env: exec.Env, APIVersion: exec.APIVersion, InstallHint: exec.InstallHint,
			ProvideClusterInfo: exec.ProvideClusterInfo,
		}
		if len(exec.Config) > 0 {
			answer.Config.ExecProviderConfig.Config = &runtime.RawExtension{Raw: exec.Config}
		}
	}
	return answer
}

// withoutPrefix leaves out the labels and annotations that make a Secret a cluster's.
func withoutPrefix(values map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range values {
		if key != settings.SecretTypeLabel && key != "managed-by" && key != lastApplied {
			kept[key] = value
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}
