package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
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
	counts, err := s.applicationCounts(ctx)
	if err != nil {
		return nil, err
	}
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

// cluster finds a cluster and checks the row's permission on it. Who may not see it can't tell whether it exists.
func (s *Server) cluster(ctx context.Context, c *call, q *protocol.ClusterQuery) (settings.Cluster, error) {
	server, name, err := clusterNamed(q)
	if err != nil {
		return settings.Cluster{}, err
	}
	clusters, err := s.options.Settings.Clusters(ctx)
	if err != nil {
		return settings.Cluster{}, err
	}
	for _, cluster := range clusters {
		if (server != "" || name != "") && (server == "" || server == cluster.Server) && (name == "" || name == cluster.Name) {
			if c.allow(access.InProject(cluster.Project, cluster.Server)) == nil {
				return cluster, nil
			}
		}
	}
	return settings.Cluster{}, errPermission
}

func (s *Server) getCluster(ctx context.Context, c *call, q *protocol.ClusterQuery) (*protocol.Cluster, error) {
	cluster, err := s.cluster(ctx, c, q)
	if err != nil {
		return nil, err
	}
	return s.answerCluster(ctx, cluster)
}

func (s *Server) answerCluster(ctx context.Context, cluster settings.Cluster) (*protocol.Cluster, error) {
	counts, err := s.applicationCounts(ctx)
	if err != nil {
		return nil, err
	}
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
		return nil, err
	}
	if err := checkServer(desired.Server); err != nil {
		return nil, err
	}
	clusters, err := s.options.Settings.Clusters(ctx)
	if err != nil {
		return nil, err
	}
	index := slices.IndexFunc(clusters, func(existing settings.Cluster) bool { return existing.Server == desired.Server })
	if index >= 0 && clusters[index].SecretName != "" {
		existing := clusters[index]
		if !q.Upsert {
			return nil, invalid("existing cluster spec is different; use upsert flag to force update")
		}
		if err := c.require(access.Clusters, access.Update, access.InProject(existing.Project, existing.Server)); err != nil {
			return nil, err
		}
		return s.writeCluster(ctx, existing.SecretName, desired)
	}
	return s.writeCluster(ctx, "", desired)
}

// checkServer refuses what isn't the address of an API server.
func checkServer(server string) error {
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return invalid("the cluster's server isn't a URL such as https://HOST:6443")
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
	cluster, err := s.cluster(ctx, c, q)
	if err != nil {
		return nil, err
	}
	if cluster.SecretName == "" {
		return nil, precondition(fmt.Sprintf("cluster '%s' is the hub's own and has no secret to delete", cluster.Name))
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.options.Namespace, Name: cluster.SecretName}}
	if err := s.options.Client.Delete(ctx, secret); err != nil {
		return nil, fmt.Errorf("deleting cluster '%s': %w", cluster.Name, err)
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
	return s.answerCluster(ctx, cluster)
}

// writeCluster keeps a cluster as a Secret in Argo CD's form; name is that of the Secret to replace, empty for a new one.
func (s *Server) writeCluster(ctx context.Context, name string, cluster *protocol.Cluster) (*protocol.Cluster, error) {
	config, err := json.Marshal(cluster.Config)
	if err != nil {
		return nil, err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: s.options.Namespace, Name: secretName("cluster", hostOf(cluster.Server), cluster.Server),
	}}
	if name != "" {
		secret.Name = name
		if err := s.options.Live.Get(ctx, client.ObjectKeyFromObject(secret), secret); err != nil {
			return nil, fmt.Errorf("reading cluster '%s': %w", cluster.Name, err)
		}
	}
	secret.Labels = merged(map[string]string{}, cluster.Labels)
	secret.Labels[settings.SecretTypeLabel] = settings.SecretTypeCluster
	secret.Annotations = merged(map[string]string{"managed-by": "argocd.argoproj.io"}, cluster.Annotations)
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
	if name == "" {
		err = s.options.Client.Create(ctx, secret)
	} else {
		err = s.options.Client.Update(ctx, secret)
	}
	if apierrors.IsAlreadyExists(err) {
		return nil, fail(connect.CodeAlreadyExists, fmt.Errorf("cluster '%s' exists already", cluster.Server))
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
func (s *Server) applicationCounts(ctx context.Context) (map[string]int64, error) {
	var apps argo.ApplicationList
	if err := s.options.Client.List(ctx, &apps, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("counting applications: %w", err)
	}
	counts := map[string]int64{}
	for i := range apps.Items {
		destination := &apps.Items[i].Spec.Destination
		if destination.Server != "" {
			counts[strings.TrimRight(destination.Server, "/")]++
		} else {
			counts[destination.Name]++
		}
	}
	return counts, nil
}

// toCluster is a cluster as it may be shown: without credentials, with its state.
func (s *Server) toCluster(ctx context.Context, cluster settings.Cluster, counts map[string]int64) protocol.Cluster {
	answer := fromSettings(cluster)
	answer.Config = protocol.ClusterConfig{TLSClientConfig: protocol.TLSClientConfig{
		Insecure: cluster.Config.TLSClientConfig.Insecure, ServerName: cluster.Config.TLSClientConfig.ServerName,
	}}
	answer.Info.ConnectionState = protocol.ConnectionState{Status: protocol.ConnectionUnknown}
	if informer, ok := s.options.Fleet.(ClusterInformer); ok {
		answer.Info = informer.ClusterInfo(ctx, cluster)
	}
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
