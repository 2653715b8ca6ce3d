package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Cluster is a cluster that applications may be deployed to.
type Cluster struct {
	Name   string
	Server string
	// Labels and Annotations are those of its Secret, which selectors see.
	Labels, Annotations map[string]string
	// Namespaces bounds what is watched; empty means the whole cluster.
	Namespaces []string
	// ClusterResources allows cluster-scoped objects although Namespaces is set.
	ClusterResources bool
	// Project scopes the cluster to one AppProject; empty means all.
	Project string
	// Shard pins the cluster to one of several controllers in Argo CD; here it is only kept. Nil for none.
	Shard  *int64
	Config ClusterConfig
	// SecretName is the Secret that it was read from; empty for the hub itself.
	SecretName string
	// HubConfig is set instead of Config for the hub itself.
	HubConfig *rest.Config
}

// ClusterConfig is the JSON under a cluster Secret's key "config". Never log one.
type ClusterConfig struct {
	Username           string              `json:"username,omitempty"`
	Password           string              `json:"password,omitempty"`
	BearerToken        string              `json:"bearerToken,omitempty"`
	TLSClientConfig    TLSClientConfig     `json:"tlsClientConfig"`
	AWSAuthConfig      *AWSAuthConfig      `json:"awsAuthConfig,omitempty"`
	ExecProviderConfig *ExecProviderConfig `json:"execProviderConfig,omitempty"`
	ProxyURL           string              `json:"proxyUrl,omitempty"`
	DisableCompression bool                `json:"disableCompression,omitempty"`
}

// TLSClientConfig is how the API server is trusted and what it is shown. The data are PEM (base64 in JSON).
type TLSClientConfig struct {
	Insecure   bool   `json:"insecure"`
	ServerName string `json:"serverName,omitempty"`
	CertData   []byte `json:"certData,omitempty"`
	KeyData    []byte `json:"keyData,omitempty"`
	CAData     []byte `json:"caData,omitempty"`
}

// ExecProviderConfig is a program that prints credentials (client-go's exec plugin protocol).
type ExecProviderConfig struct {
	Command     string            `json:"command,omitempty"`
	Args        []string          `json:"args,omitempty"`
	Env         map[string]string `json:"env,omitempty"`
	APIVersion  string            `json:"apiVersion,omitempty"`
	InstallHint string            `json:"installHint,omitempty"`
	// ProvideClusterInfo tells the program about the cluster, with Config beside it.
	ProvideClusterInfo bool            `json:"provideClusterInfo,omitempty"`
	Config             json.RawMessage `json:"config,omitempty"`
}

// AWSAuthConfig are an EKS cluster's parameters. A token is asked of argocd-k8s-auth, or of AWS' own command line.
type AWSAuthConfig struct {
	ClusterName string `json:"clusterName,omitempty"`
	RoleARN     string `json:"roleARN,omitempty"`
	Profile     string `json:"profile,omitempty"`
}

// ClusterFromSecret reads a Secret of type cluster. What can't be read is an error that names the Secret and the key,
// never the value.
func ClusterFromSecret(secret *corev1.Secret) (Cluster, error) {
	d := secretData{secret: secret}
	c := Cluster{
		Name: d.text("name"), Server: strings.TrimRight(d.text("server"), "/"), Project: d.text("project"),
		ClusterResources: d.flag("clusterResources"),
		Labels:           secret.Labels, Annotations: secret.Annotations, SecretName: secret.Name,
	}
	for _, namespace := range strings.Split(d.text("namespaces"), ",") {
		if namespace = strings.TrimSpace(namespace); namespace != "" {
			c.Namespaces = append(c.Namespaces, namespace)
		}
	}
	if d.err != nil {
		return c, d.err
	}
	if c.Server == "" {
		return c, fmt.Errorf("reading secret %s: it has no server", secret.Name)
	}
	if c.Name == "" {
		c.Name = c.Server
	}
	if text := d.text("shard"); text != "" {
		shard, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return c, fmt.Errorf("reading secret %s: key shard is not a number", secret.Name)
		}
		c.Shard = &shard
	}
	if config := secret.Data["config"]; len(config) > 0 {
		if err := json.Unmarshal(config, &c.Config); err != nil {
			// The decoder's text may quote what it read.
			return c, fmt.Errorf("reading secret %s: key config is not the JSON of a cluster's configuration", secret.Name)
		}
	}
	return c, nil
}

// RESTConfig is how client-go reaches the cluster, with no client-side rate limit: the API server has its own.
func (c Cluster) RESTConfig() (*rest.Config, error) {
	if c.HubConfig != nil {
		config := rest.CopyConfig(c.HubConfig)
		config.QPS = -1
		return config, nil
	}
	config := &rest.Config{
		Host: c.Server, Username: c.Config.Username, Password: c.Config.Password, BearerToken: c.Config.BearerToken,
		TLSClientConfig: rest.TLSClientConfig{
			Insecure: c.Config.TLSClientConfig.Insecure, ServerName: c.Config.TLSClientConfig.ServerName,
			CertData: c.Config.TLSClientConfig.CertData, KeyData: c.Config.TLSClientConfig.KeyData,
			CAData: c.Config.TLSClientConfig.CAData,
		},
		DisableCompression: c.Config.DisableCompression,
		QPS:                -1,
	}
	if proxy := c.Config.ProxyURL; proxy != "" {
		address, err := url.Parse(proxy)
		if err != nil {
			return nil, fmt.Errorf("reading the proxy of cluster %q: it is not a URL", c.Name)
		}
		config.Proxy = http.ProxyURL(address)
	}
	switch {
	case c.Config.AWSAuthConfig != nil:
		provider, err := c.Config.AWSAuthConfig.clientConfig(exec.LookPath)
		if err != nil {
			return nil, fmt.Errorf("reading the credentials of cluster %q: %w", c.Name, err)
		}
		config.ExecProvider = provider
	case c.Config.ExecProviderConfig != nil:
		config.ExecProvider = c.Config.ExecProviderConfig.clientConfig()
	}
	return config, nil
}

// clientConfig finds the program that gets a token. Argo CD's image has argocd-k8s-auth; AWS' command line does the same.
func (a AWSAuthConfig) clientConfig(look func(string) (string, error)) (*clientcmdapi.ExecConfig, error) {
	config := &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1beta1", InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}
	switch {
	case found(look, "argocd-k8s-auth"):
		config.Command, config.Args = "argocd-k8s-auth", []string{"aws"}
	case found(look, "aws"):
		config.Command, config.Args = "aws", []string{"eks", "get-token", "--output", "json"}
	default:
		return nil, errors.New("awsAuthConfig needs argocd-k8s-auth or aws on the hub's PATH: install one of them")
	}
	for _, option := range [][2]string{{"--cluster-name", a.ClusterName}, {"--role-arn", a.RoleARN}, {"--profile", a.Profile}} {
		if option[1] != "" {
			config.Args = append(config.Args, option[0], option[1])
		}
	}
	return config, nil
}

func found(look func(string) (string, error), program string) bool {
	_, err := look(program)
	return err == nil
}

func (e ExecProviderConfig) clientConfig() *clientcmdapi.ExecConfig {
	config := &clientcmdapi.ExecConfig{
		Command: e.Command, Args: e.Args, APIVersion: e.APIVersion, InstallHint: e.InstallHint,
		InteractiveMode: clientcmdapi.NeverExecInteractiveMode, ProvideClusterInfo: e.ProvideClusterInfo,
	}
	if len(e.Config) > 0 {
		config.Config = &runtime.Unknown{Raw: e.Config, ContentType: runtime.ContentTypeJSON}
	}
	for name, value := range e.Env {
		config.Env = append(config.Env, clientcmdapi.ExecEnvVar{Name: name, Value: value})
	}
	return config
}
