package controlplane

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig is the path of the kubeconfig of a client named at Prepare.
func (c Cluster) Kubeconfig(client string) string { return c.path(client + ".kubeconfig") }

// writeKubeconfig writes the kubeconfig of a client whose certificate exists. The certificates are inside, so that the
// file can be copied elsewhere.
func (c Cluster) writeKubeconfig(client string) error {
	ca, err1 := os.ReadFile(c.CertFile("ca.crt"))
	cert, err2 := os.ReadFile(c.CertFile(client + ".crt"))
	key, err3 := os.ReadFile(c.CertFile(client + ".key"))
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("writing kubeconfig of %s: %w", client, err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[c.Name] = &clientcmdapi.Cluster{Server: c.Server(), CertificateAuthorityData: ca}
	config.AuthInfos[client] = &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
	config.Contexts[c.Name] = &clientcmdapi.Context{Cluster: c.Name, AuthInfo: client}
	config.CurrentContext = c.Name
	content, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("writing kubeconfig of %s: %w", client, err)
	}
	path := c.Kubeconfig(client)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return fmt.Errorf("writing kubeconfig of %s: %w", client, err)
	}
	return nil
}
