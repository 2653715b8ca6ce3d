package protocol

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RepoCredsQuery selects credential templates; upstream's servers ignore the URL.
type RepoCredsQuery struct {
	URL string `json:"url,omitempty" protobuf:"bytes,1,opt,name=url"`
}

// RepoCredsDeleteRequest names a credential template.
type RepoCredsDeleteRequest struct {
	URL string `json:"url,omitempty" protobuf:"bytes,1,opt,name=url"`
}

// RepoCredsResponse is an empty answer.
type RepoCredsResponse struct{}

// RepoCredsCreateRequest adds a credential template.
type RepoCredsCreateRequest struct {
	Creds  *RepoCreds `json:"creds,omitempty" protobuf:"bytes,1,opt,name=creds"`
	Upsert bool       `json:"upsert,omitempty" protobuf:"varint,2,opt,name=upsert"`
}

// RepoCredsUpdateRequest replaces a credential template.
type RepoCredsUpdateRequest struct {
	Creds *RepoCreds `json:"creds,omitempty" protobuf:"bytes,1,opt,name=creds"`
}

// RepoCredsList is a list of credential templates.
type RepoCredsList struct {
	metav1.ListMeta `json:"metadata" protobuf:"bytes,1,opt,name=metadata"`
	Items           []RepoCreds `json:"items" protobuf:"bytes,2,rep,name=items"`
}

// RepoCreds are credentials for all repositories below a URL that have none of their own. Answers carry no secrets.
type RepoCreds struct {
	URL                               string `json:"url" protobuf:"bytes,1,opt,name=url"`
	Username                          string `json:"username,omitempty" protobuf:"bytes,2,opt,name=username"`
	Password                          string `json:"password,omitempty" protobuf:"bytes,3,opt,name=password"`
	SSHPrivateKey                     string `json:"sshPrivateKey,omitempty" protobuf:"bytes,4,opt,name=sshPrivateKey"`
	TLSClientCertData                 string `json:"tlsClientCertData,omitempty" protobuf:"bytes,5,opt,name=tlsClientCertData"`
	TLSClientCertKey                  string `json:"tlsClientCertKey,omitempty" protobuf:"bytes,6,opt,name=tlsClientCertKey"`
	GithubAppPrivateKey               string `json:"githubAppPrivateKey,omitempty" protobuf:"bytes,7,opt,name=githubAppPrivateKey"`
	GithubAppID                       int64  `json:"githubAppID,omitempty" protobuf:"varint,8,opt,name=githubAppID"`
	GithubAppInstallationID           int64  `json:"githubAppInstallationID,omitempty" protobuf:"varint,9,opt,name=githubAppInstallationID"`
	GithubAppEnterpriseBaseURL        string `json:"githubAppEnterpriseBaseUrl,omitempty" protobuf:"bytes,10,opt,name=githubAppEnterpriseBaseUrl"`
	EnableOCI                         bool   `json:"enableOCI,omitempty" protobuf:"varint,11,opt,name=enableOCI"`
	Type                              string `json:"type,omitempty" protobuf:"bytes,12,opt,name=type"`
	GCPServiceAccountKey              string `json:"gcpServiceAccountKey,omitempty" protobuf:"bytes,13,opt,name=gcpServiceAccountKey"`
	Proxy                             string `json:"proxy,omitempty" protobuf:"bytes,19,opt,name=proxy"`
	ForceHTTPBasicAuth                bool   `json:"forceHttpBasicAuth,omitempty" protobuf:"varint,20,opt,name=forceHttpBasicAuth"`
	NoProxy                           string `json:"noProxy,omitempty" protobuf:"bytes,23,opt,name=noProxy"`
	UseAzureWorkloadIdentity          bool   `json:"useAzureWorkloadIdentity,omitempty" protobuf:"varint,24,opt,name=useAzureWorkloadIdentity"`
	BearerToken                       string `json:"bearerToken,omitempty" protobuf:"bytes,25,opt,name=bearerToken"`
	InsecureOCIForceHTTP              bool   `json:"insecureOCIForceHttp,omitempty" protobuf:"varint,26,opt,name=insecureOCIForceHttp"`
	AzureServicePrincipalClientID     string `json:"azureServicePrincipalClientId,omitempty" protobuf:"bytes,29,opt,name=azureServicePrincipalClientId"`
	AzureServicePrincipalClientSecret string `json:"azureServicePrincipalClientSecret,omitempty" protobuf:"bytes,30,opt,name=azureServicePrincipalClientSecret"`
	AzureServicePrincipalTenantID     string `json:"azureServicePrincipalTenantId,omitempty" protobuf:"bytes,31,opt,name=azureServicePrincipalTenantId"`
	AzureActiveDirectoryEndpoint      string `json:"azureActiveDirectoryEndpoint,omitempty" protobuf:"bytes,32,opt,name=azureActiveDirectoryEndpoint"`
}
