// Package controlplane describes the control plane of one local cluster (etcd, API server, controller manager,
// scheduler) as units for supervise, and keeps its certificates and kubeconfigs.
//
// All programs are subcommands of kube-sandbox, which is upstream Kubernetes unmodified. The package starts nothing
// itself and knows nothing of nodes. Start reading at Cluster, then Prepare.
package controlplane

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"fairlead.dev/fairlead/internal/local/pki"
)

// Cluster is one control plane.
type Cluster struct {
	// Name prefixes the units' names and is the context in kubeconfigs.
	Name string
	// Dir holds all its files, but sockets.
	Dir string
	// SocketDir holds etcd's sockets; its path must be short (a Unix socket's path has at most 107 bytes).
	SocketDir string
	// KubeSandbox is the path of the binary.
	KubeSandbox string
	// Address and Port are where the API server listens.
	Address netip.Addr
	Port    int
	// ServiceCIDR is where Services get their addresses.
	ServiceCIDR netip.Prefix
	// PodCIDR is where pods get theirs; invalid (the zero value) for a cluster without nodes, whose API server then
	// neither demands service accounts of pods nor publishes its own address to them.
	PodCIDR netip.Prefix
	// Ephemeral is for tests: etcd doesn't wait for the disk, so that a power cut may cost the data.
	Ephemeral bool
}

// HasNodes reports whether the cluster is one that runs pods.
func (c Cluster) HasNodes() bool { return c.PodCIDR.IsValid() }

// Server is the API server's URL.
func (c Cluster) Server() string {
	return "https://" + net.JoinHostPort(c.Address.String(), strconv.Itoa(c.Port))
}

// AdminKubeconfig is the path of the kubeconfig of a user who may do everything.
func (c Cluster) AdminKubeconfig() string { return c.path("admin.kubeconfig") }

// CertFile is the path of a certificate or key of the cluster, such as "ca.crt".
func (c Cluster) CertFile(file string) string { return c.path("pki", file) }

func (c Cluster) path(elem ...string) string {
	return filepath.Join(append([]string{c.Dir}, elem...)...)
}

// Client is a certificate and a kubeconfig for a user of the cluster.
type Client struct {
	// Name is that of the files: NAME.crt, NAME.key, NAME.kubeconfig.
	Name   string
	User   string
	Groups []string
	// Hosts are set if the certificate also serves, as a kubelet's does.
	Hosts []string
}

// Prepare writes certificates and kubeconfigs that are missing or out of date. Clients are those besides the control
// plane's own.
func (c Cluster) Prepare(clients ...Client) error {
	if err := os.MkdirAll(c.path("etcd"), 0o700); err != nil {
		return fmt.Errorf("preparing cluster %s: %w", c.Name, err)
	}
	authority, err := pki.Open(c.path("pki"), c.Name)
	if err != nil {
		return fmt.Errorf("preparing cluster %s: %w", c.Name, err)
	}
	for name, subject := range map[string]pki.Subject{
		"apiserver": {User: "kube-apiserver", Hosts: []string{
			c.Address.String(), "127.0.0.1", "localhost", c.ServiceCIDR.Masked().Addr().Next().String(),
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		}},
		"kubelet-client": {User: "kube-apiserver-kubelet-client", Groups: []string{"system:masters"}},
		// The key that signs service account tokens; its certificate is not used.
		"service-account": {User: "service-accounts"},
	} {
		if err := authority.Issue(name, subject); err != nil {
			return fmt.Errorf("preparing cluster %s: %w", c.Name, err)
		}
	}
	clients = append([]Client{
		{Name: "admin", User: "admin", Groups: []string{"system:masters"}},
		{Name: "controller-manager", User: "system:kube-controller-manager"},
		{Name: "scheduler", User: "system:kube-scheduler"},
	}, clients...)
	for _, client := range clients {
		err := authority.Issue(client.Name, pki.Subject{User: client.User, Groups: client.Groups, Hosts: client.Hosts})
		if err == nil {
			err = c.writeKubeconfig(client.Name)
		}
		if err != nil {
			return fmt.Errorf("preparing cluster %s: %w", c.Name, err)
		}
	}
	return nil
}
