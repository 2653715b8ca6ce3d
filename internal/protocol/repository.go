package protocol

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RepoQuery names a repository.
type RepoQuery struct {
	Repo         string `json:"repo,omitempty" protobuf:"bytes,1,opt,name=repo"`
	ForceRefresh bool   `json:"forceRefresh,omitempty" protobuf:"varint,2,opt,name=forceRefresh"`
	AppProject   string `json:"appProject,omitempty" protobuf:"bytes,3,opt,name=appProject"`
}

// RepoResponse is an empty answer.
type RepoResponse struct{}

// RepoCreateRequest adds a repository.
type RepoCreateRequest struct {
	Repo      *Repository `json:"repo,omitempty" protobuf:"bytes,1,opt,name=repo"`
	Upsert    bool        `json:"upsert,omitempty" protobuf:"varint,2,opt,name=upsert"`
	CredsOnly bool        `json:"credsOnly,omitempty" protobuf:"varint,3,opt,name=credsOnly"`
}

// RepoUpdateRequest replaces a repository.
type RepoUpdateRequest struct {
	Repo *Repository `json:"repo,omitempty" protobuf:"bytes,1,opt,name=repo"`
}

// RepoAccessQuery asks whether a repository answers with these credentials.
type RepoAccessQuery struct {
	Repo                              string `json:"repo,omitempty" protobuf:"bytes,1,opt,name=repo"`
	Username                          string `json:"username,omitempty" protobuf:"bytes,2,opt,name=username"`
	Password                          string `json:"password,omitempty" protobuf:"bytes,3,opt,name=password"`
	SSHPrivateKey                     string `json:"sshPrivateKey,omitempty" protobuf:"bytes,4,opt,name=sshPrivateKey"`
	Insecure                          bool   `json:"insecure,omitempty" protobuf:"varint,5,opt,name=insecure"`
	TLSClientCertData                 string `json:"tlsClientCertData,omitempty" protobuf:"bytes,6,opt,name=tlsClientCertData"`
	TLSClientCertKey                  string `json:"tlsClientCertKey,omitempty" protobuf:"bytes,7,opt,name=tlsClientCertKey"`
	Type                              string `json:"type,omitempty" protobuf:"bytes,9,opt,name=type"`
	Name                              string `json:"name,omitempty" protobuf:"bytes,10,opt,name=name"`
	EnableOCI                         bool   `json:"enableOci,omitempty" protobuf:"varint,11,opt,name=enableOci"`
	GithubAppPrivateKey               string `json:"githubAppPrivateKey,omitempty" protobuf:"bytes,12,opt,name=githubAppPrivateKey"`
	GithubAppID                       int64  `json:"githubAppID,omitempty" protobuf:"varint,13,opt,name=githubAppID"`
	GithubAppInstallationID           int64  `json:"githubAppInstallationID,omitempty" protobuf:"varint,14,opt,name=githubAppInstallationID"`
	GithubAppEnterpriseBaseURL        string `json:"githubAppEnterpriseBaseUrl,omitempty" protobuf:"bytes,15,opt,name=githubAppEnterpriseBaseUrl"`
	Proxy                             string `json:"proxy,omitempty" protobuf:"bytes,16,opt,name=proxy"`
	Project                           string `json:"project,omitempty" protobuf:"bytes,17,opt,name=project"`
	GCPServiceAccountKey              string `json:"gcpServiceAccountKey,omitempty" protobuf:"bytes,18,opt,name=gcpServiceAccountKey"`
	ForceHTTPBasicAuth                bool   `json:"forceHttpBasicAuth,omitempty" protobuf:"varint,19,opt,name=forceHttpBasicAuth"`
	UseAzureWorkloadIdentity          bool   `json:"useAzureWorkloadIdentity,omitempty" protobuf:"varint,20,opt,name=useAzureWorkloadIdentity"`
	BearerToken                       string `json:"bearerToken,omitempty" protobuf:"bytes,21,opt,name=bearerToken"`
	InsecureOCIForceHTTP              bool   `json:"insecureOciForceHttp,omitempty" protobuf:"varint,22,opt,name=insecureOciForceHttp"`
	AzureServicePrincipalClientID     string `json:"azureServicePrincipalClientId,omitempty" protobuf:"bytes,23,opt,name=azureServicePrincipalClientId"`
	AzureServicePrincipalClientSecret string `json:"azureServicePrincipalClientSecret,omitempty" protobuf:"bytes,24,opt,name=azureServicePrincipalClientSecret"`
	AzureServicePrincipalTenantID     string `json:"azureServicePrincipalTenantId,omitempty" protobuf:"bytes,25,opt,name=azureServicePrincipalTenantId"`
	AzureActiveDirectoryEndpoint      string `json:"azureActiveDirectoryEndpoint,omitempty" protobuf:"bytes,26,opt,name=azureActiveDirectoryEndpoint"`
}

// RepositoryList is a list of repositories.
type RepositoryList struct {
	metav1.ListMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Items           []*Repository `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// Repository is a Git repository, Helm repository or OCI registry. Answers carry no credentials.
type Repository struct {
	Repo                              string          `json:"repo" protobuf:"bytes,1,opt,name=repo"`
	Username                          string          `json:"username,omitempty" protobuf:"bytes,2,opt,name=username"`
	Password                          string          `json:"password,omitempty" protobuf:"bytes,3,opt,name=password"`
	SSHPrivateKey                     string          `json:"sshPrivateKey,omitempty" protobuf:"bytes,4,opt,name=sshPrivateKey"`
	ConnectionState                   ConnectionState `json:"connectionState,omitempty" protobuf:"bytes,5,opt,name=connectionState"`
	InsecureIgnoreHostKey             bool            `json:"insecureIgnoreHostKey,omitempty" protobuf:"varint,6,opt,name=insecureIgnoreHostKey"`
	Insecure                          bool            `json:"insecure,omitempty" protobuf:"varint,7,opt,name=insecure"`
	EnableLFS                         bool            `json:"enableLfs,omitempty" protobuf:"varint,8,opt,name=enableLfs"`
	TLSClientCertData                 string          `json:"tlsClientCertData,omitempty" protobuf:"bytes,9,opt,name=tlsClientCertData"`
	TLSClientCertKey                  string          `json:"tlsClientCertKey,omitempty" protobuf:"bytes,10,opt,name=tlsClientCertKey"`
	Type                              string          `json:"type,omitempty" protobuf:"bytes,11,opt,name=type"`
	Name                              string          `json:"name,omitempty" protobuf:"bytes,12,opt,name=name"`
	InheritedCreds                    bool            `json:"inheritedCreds,omitempty" protobuf:"varint,13,opt,name=inheritedCreds"`
	EnableOCI                         bool            `json:"enableOCI,omitempty" protobuf:"varint,14,opt,name=enableOCI"`
	GithubAppPrivateKey               string          `json:"githubAppPrivateKey,omitempty" protobuf:"bytes,15,opt,name=githubAppPrivateKey"`
	GithubAppID                       int64           `json:"githubAppID,omitempty" protobuf:"varint,16,opt,name=githubAppID"`
	GithubAppInstallationID           int64           `json:"githubAppInstallationID,omitempty" protobuf:"varint,17,opt,name=githubAppInstallationID"`
	GithubAppEnterpriseBaseURL        string          `json:"githubAppEnterpriseBaseUrl,omitempty" protobuf:"bytes,18,opt,name=githubAppEnterpriseBaseUrl"`
	Proxy                             string          `json:"proxy,omitempty" protobuf:"bytes,19,opt,name=proxy"`
	Project                           string          `json:"project,omitempty" protobuf:"bytes,20,opt,name=project"`
	GCPServiceAccountKey              string          `json:"gcpServiceAccountKey,omitempty" protobuf:"bytes,21,opt,name=gcpServiceAccountKey"`
	ForceHTTPBasicAuth                bool            `json:"forceHttpBasicAuth,omitempty" protobuf:"varint,22,opt,name=forceHttpBasicAuth"`
	NoProxy                           string          `json:"noProxy,omitempty" protobuf:"bytes,23,opt,name=noProxy"`
	UseAzureWorkloadIdentity          bool            `json:"useAzureWorkloadIdentity,omitempty" protobuf:"varint,24,opt,name=useAzureWorkloadIdentity"`
	BearerToken                       string          `json:"bearerToken,omitempty" protobuf:"bytes,25,opt,name=bearerToken"`
	InsecureOCIForceHTTP              bool            `json:"insecureOCIForceHttp,omitempty" protobuf:"varint,26,opt,name=insecureOCIForceHttp"`
	Depth                             int64           `json:"depth,omitempty" protobuf:"varint,27,opt,name=depth"`
	WebhookManifestCacheWarmDisabled  bool            `json:"webhookManifestCacheWarmDisabled,omitempty" protobuf:"varint,28,opt,name=webhookManifestCacheWarmDisabled"`
	AzureServicePrincipalClientID     string          `json:"azureServicePrincipalClientId,omitempty" protobuf:"bytes,29,opt,name=azureServicePrincipalClientId"`
	AzureServicePrincipalClientSecret string          `json:"azureServicePrincipalClientSecret,omitempty" protobuf:"bytes,30,opt,name=azureServicePrincipalClientSecret"`
	AzureServicePrincipalTenantID     string          `json:"azureServicePrincipalTenantId,omitempty" protobuf:"bytes,31,opt,name=azureServicePrincipalTenantId"`
	AzureActiveDirectoryEndpoint      string          `json:"azureActiveDirectoryEndpoint,omitempty" protobuf:"bytes,32,opt,name=azureActiveDirectoryEndpoint"`
}

// HasCredentials tells whether a repository brings credentials of its own, by upstream's measure.
func (r *Repository) HasCredentials() bool {
	return r.Username != "" || r.Password != "" || r.BearerToken != "" || r.SSHPrivateKey != "" || r.TLSClientCertData != "" ||
		r.GithubAppPrivateKey != "" || r.UseAzureWorkloadIdentity || r.AzureServicePrincipalClientSecret != ""
}
