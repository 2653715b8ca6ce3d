package protocol

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// The states of a connection to a cluster or repository.
const (
	ConnectionSuccessful = "Successful"
	ConnectionFailed     = "Failed"
	ConnectionUnknown    = "Unknown"
)

// ConnectionState tells whether a cluster or a repository answers.
type ConnectionState struct {
	Status     string       `json:"status" protobuf:"bytes,1,opt,name=status"`
	Message    string       `json:"message" protobuf:"bytes,2,opt,name=message"`
	ModifiedAt *metav1.Time `json:"attemptedAt" protobuf:"bytes,3,opt,name=attemptedAt"`
}

// ClusterID names a cluster by URL (type "url" or empty), by name ("name"), or by URL-encoded name ("name_escaped").
type ClusterID struct {
	Type  string `json:"type,omitempty" protobuf:"bytes,1,opt,name=type"`
	Value string `json:"value,omitempty" protobuf:"bytes,2,opt,name=value"`
}

// ClusterQuery selects clusters. Empty fields select everything.
type ClusterQuery struct {
	Server string     `json:"server,omitempty" protobuf:"bytes,1,opt,name=server"`
	Name   string     `json:"name,omitempty" protobuf:"bytes,2,opt,name=name"`
	ID     *ClusterID `json:"id,omitempty" protobuf:"bytes,3,opt,name=id"`
}

// ClusterResponse is an empty answer.
type ClusterResponse struct{}

// ClusterCreateRequest adds a cluster.
type ClusterCreateRequest struct {
	Cluster *Cluster `json:"cluster,omitempty" protobuf:"bytes,1,opt,name=cluster"`
	Upsert  bool     `json:"upsert,omitempty" protobuf:"varint,2,opt,name=upsert"`
}

// ClusterUpdateRequest changes a cluster: the fields that UpdatedFields names, or all.
type ClusterUpdateRequest struct {
	Cluster       *Cluster   `json:"cluster,omitempty" protobuf:"bytes,1,opt,name=cluster"`
	UpdatedFields []string   `json:"updatedFields,omitempty" protobuf:"bytes,2,rep,name=updatedFields"`
	ID            *ClusterID `json:"id,omitempty" protobuf:"bytes,3,opt,name=id"`
}

// ClusterList is a list of clusters.
type ClusterList struct {
	metav1.ListMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Items           []Cluster `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// Cluster is a cluster that applications can be deployed to. Answers carry no credentials.
type Cluster struct {
	Server          string          `json:"server" protobuf:"bytes,1,opt,name=server"`
	Name            string          `json:"name" protobuf:"bytes,2,opt,name=name"`
	Config          ClusterConfig   `json:"config" protobuf:"bytes,3,opt,name=config"`
	ConnectionState ConnectionState `json:"connectionState,omitempty" protobuf:"bytes,4,opt,name=connectionState"`
	ServerVersion   string          `json:"serverVersion,omitempty" protobuf:"bytes,5,opt,name=serverVersion"`
	// Namespaces are the only ones that are managed; empty means all.
	Namespaces         []string          `json:"namespaces,omitempty" protobuf:"bytes,6,rep,name=namespaces"`
	RefreshRequestedAt *metav1.Time      `json:"refreshRequestedAt,omitempty" protobuf:"bytes,7,opt,name=refreshRequestedAt"`
	Info               ClusterInfo       `json:"info,omitempty" protobuf:"bytes,8,opt,name=info"`
	Shard              *int64            `json:"shard,omitempty" protobuf:"varint,9,opt,name=shard"`
	ClusterResources   bool              `json:"clusterResources,omitempty" protobuf:"varint,10,opt,name=clusterResources"`
	Project            string            `json:"project,omitempty" protobuf:"bytes,11,opt,name=project"`
	Labels             map[string]string `json:"labels,omitempty" protobuf:"bytes,12,rep,name=labels"`
	Annotations        map[string]string `json:"annotations,omitempty" protobuf:"bytes,13,rep,name=annotations"`
}

// ClusterInfo is what the hub knows of a cluster.
type ClusterInfo struct {
	ConnectionState   ConnectionState  `json:"connectionState,omitempty" protobuf:"bytes,1,opt,name=connectionState"`
	ServerVersion     string           `json:"serverVersion,omitempty" protobuf:"bytes,2,opt,name=serverVersion"`
	CacheInfo         ClusterCacheInfo `json:"cacheInfo,omitempty" protobuf:"bytes,3,opt,name=cacheInfo"`
	ApplicationsCount int64            `json:"applicationsCount" protobuf:"varint,4,opt,name=applicationsCount"`
	APIVersions       []string         `json:"apiVersions,omitempty" protobuf:"bytes,5,rep,name=apiVersions"`
}

// ClusterCacheInfo is the size of the hub's cache of a cluster.
type ClusterCacheInfo struct {
	ResourcesCount    int64        `json:"resourcesCount,omitempty" protobuf:"varint,1,opt,name=resourcesCount"`
	APIsCount         int64        `json:"apisCount,omitempty" protobuf:"varint,2,opt,name=apisCount"`
	LastCacheSyncTime *metav1.Time `json:"lastCacheSyncTime,omitempty" protobuf:"bytes,3,opt,name=lastCacheSyncTime"`
}

// ClusterConfig is how the hub connects. It is the JSON in a cluster Secret's "config" key.
type ClusterConfig struct {
	Username           string              `json:"username,omitempty" protobuf:"bytes,1,opt,name=username"`
	Password           string              `json:"password,omitempty" protobuf:"bytes,2,opt,name=password"`
	BearerToken        string              `json:"bearerToken,omitempty" protobuf:"bytes,3,opt,name=bearerToken"`
	TLSClientConfig    TLSClientConfig     `json:"tlsClientConfig" protobuf:"bytes,4,opt,name=tlsClientConfig"`
	AWSAuthConfig      *AWSAuthConfig      `json:"awsAuthConfig,omitempty" protobuf:"bytes,5,opt,name=awsAuthConfig"`
	ExecProviderConfig *ExecProviderConfig `json:"execProviderConfig,omitempty" protobuf:"bytes,6,opt,name=execProviderConfig"`
	DisableCompression bool                `json:"disableCompression,omitempty" protobuf:"varint,7,opt,name=disableCompression"`
	ProxyURL           string              `json:"proxyUrl,omitempty" protobuf:"bytes,8,opt,name=proxyUrl"`
}

// TLSClientConfig is PEM data.
type TLSClientConfig struct {
	Insecure   bool   `json:"insecure" protobuf:"varint,1,opt,name=insecure"`
	ServerName string `json:"serverName,omitempty" protobuf:"bytes,2,opt,name=serverName"`
	CertData   []byte `json:"certData,omitempty" protobuf:"bytes,3,opt,name=certData"`
	KeyData    []byte `json:"keyData,omitempty" protobuf:"bytes,4,opt,name=keyData"`
	CAData     []byte `json:"caData,omitempty" protobuf:"bytes,5,opt,name=caData"`
}

// AWSAuthConfig are parameters of AWS IAM.
type AWSAuthConfig struct {
	ClusterName string `json:"clusterName,omitempty" protobuf:"bytes,1,opt,name=clusterName"`
	RoleARN     string `json:"roleARN,omitempty" protobuf:"bytes,2,opt,name=roleARN"`
	Profile     string `json:"profile,omitempty" protobuf:"bytes,3,opt,name=profile"`
}

// ExecProviderConfig is a command that gives credentials.
type ExecProviderConfig struct {
	Command            string                `json:"command,omitempty" protobuf:"bytes,1,opt,name=command"`
	Args               []string              `json:"args,omitempty" protobuf:"bytes,2,rep,name=args"`
	Env                map[string]string     `json:"env,omitempty" protobuf:"bytes,3,rep,name=env"`
	APIVersion         string                `json:"apiVersion,omitempty" protobuf:"bytes,4,opt,name=apiVersion"`
	InstallHint        string                `json:"installHint,omitempty" protobuf:"bytes,5,opt,name=installHint"`
	ProvideClusterInfo bool                  `json:"provideClusterInfo,omitempty" protobuf:"varint,6,opt,name=provideClusterInfo"`
	Config             *runtime.RawExtension `json:"config,omitempty" protobuf:"bytes,7,opt,name=config"`
}
