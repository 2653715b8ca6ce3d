package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"fairlead.dev/fairlead/internal/local/supervise"
)

// hubControllers are what a cluster without nodes needs: namespaces that can be deleted, owned objects that go with
// their owner, service accounts with tokens.
const hubControllers = "namespace-controller,garbage-collector-controller,serviceaccount-controller," +
	"serviceaccount-token-controller,root-ca-certificate-publisher-controller,clusterrole-aggregation-controller"

// Units are the processes of the control plane; they come after the units named.
func (c Cluster) Units(after ...string) []supervise.Unit {
	units := []supervise.Unit{c.Etcd(after...), c.APIServer(), c.ControllerManager()}
	if c.HasNodes() {
		units = append(units, c.scheduler())
	}
	return units
}

// APIServerUnit is the name of the unit that the cluster's clients come after.
func (c Cluster) APIServerUnit() string { return c.Name + "-apiserver" }

// Etcd listens on sockets only: no port to choose, and the folder's permissions say who may talk to it.
func (c Cluster) Etcd(after ...string) supervise.Unit {
	const peer = "http://localhost:2380" // a name for the only member of its cluster; nobody connects there
	socket := c.EtcdSocket()
	argv := []string{
		c.KubeSandbox, "etcd",
		"--data-dir=" + c.path("etcd"),
		"--listen-client-urls=unix://" + socket,
		"--advertise-client-urls=unix://" + socket,
		"--listen-peer-urls=unix://" + filepath.Join(c.SocketDir, c.Name+"-peer.sock"),
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=default=" + peer,
		"--snapshot-count=5000",
		"--auto-compaction-mode=periodic", "--auto-compaction-retention=30m",
		"--log-level=warn",
	}
	if c.Ephemeral {
		argv = append(argv, "--unsafe-no-fsync")
	}
	return supervise.Unit{
		Name:  c.Name + "-etcd",
		After: after,
		Argv:  argv,
		Ready: etcdHealthy(socket),
	}
}

// EtcdSocket is the path of the socket on which etcd listens.
func (c Cluster) EtcdSocket() string { return filepath.Join(c.SocketDir, c.Name+"-etcd.sock") }

// APIServer is ready when /readyz says so.
func (c Cluster) APIServer() supervise.Unit {
	argv := []string{
		c.KubeSandbox, "kube-apiserver",
		"--etcd-servers=unix://" + c.EtcdSocket(),
		"--bind-address=" + c.Address.String(),
		"--advertise-address=" + c.Address.String(),
		"--secure-port=" + strconv.Itoa(c.Port),
		"--service-cluster-ip-range=" + c.ServiceCIDR.String(),
		"--tls-cert-file=" + c.CertFile("apiserver.crt"), "--tls-private-key-file=" + c.CertFile("apiserver.key"),
		"--client-ca-file=" + c.CertFile("ca.crt"),
		"--kubelet-certificate-authority=" + c.CertFile("ca.crt"),
		"--kubelet-client-certificate=" + c.CertFile("kubelet-client.crt"),
		"--kubelet-client-key=" + c.CertFile("kubelet-client.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.CertFile("service-account.key"),
		"--service-account-signing-key-file=" + c.CertFile("service-account.key"),
		// The node's name resolves nowhere.
		"--kubelet-preferred-address-types=InternalIP",
		"--authorization-mode=Node,RBAC",
		"--allow-privileged=true",
		"--profiling=false",
	}
	if c.HasNodes() {
		argv = append(argv, "--enable-admission-plugins=NodeRestriction")
	} else {
		argv = append(argv, "--disable-admission-plugins=ServiceAccount")
	}
	if !c.HasNodes() || c.Address.IsLoopback() {
		// No pod looks for the API server at the Service "kubernetes", and a loopback address may not stand there.
		argv = append(argv, "--endpoint-reconciler-type=none")
	}
	return supervise.Unit{Name: c.APIServerUnit(), After: []string{c.Name + "-etcd"}, Argv: argv, Ready: c.apiServerReady()}
}

// ControllerManager runs all controllers in a cluster with nodes, hubControllers in another.
func (c Cluster) ControllerManager() supervise.Unit {
	argv := []string{
		c.KubeSandbox, "kube-controller-manager",
		"--kubeconfig=" + c.Kubeconfig("controller-manager"),
		"--service-account-private-key-file=" + c.CertFile("service-account.key"),
		"--root-ca-file=" + c.CertFile("ca.crt"),
		"--use-service-account-credentials=true",
		// There is only one: electing it would only delay the restart after kill -9 by the lease's time.
		"--leader-elect=false",
		"--secure-port=0",
		"--profiling=false",
	}
	if c.HasNodes() {
		argv = append(argv,
			"--allocate-node-cidrs=true", "--cluster-cidr="+c.PodCIDR.String(),
			// The only node gets the whole range.
			"--node-cidr-mask-size="+strconv.Itoa(c.PodCIDR.Bits()),
			"--service-cluster-ip-range="+c.ServiceCIDR.String(),
			"--node-monitor-grace-period=20s",
			"--horizontal-pod-autoscaler-sync-period=60s",
		)
	} else {
		argv = append(argv, "--controllers="+hubControllers)
	}
	return supervise.Unit{Name: c.Name + "-controller-manager", After: []string{c.APIServerUnit()}, Argv: argv}
}

func (c Cluster) scheduler() supervise.Unit {
	return supervise.Unit{
		Name:  c.Name + "-scheduler",
		After: []string{c.APIServerUnit()},
		Argv: []string{
			c.KubeSandbox, "kube-scheduler",
			"--kubeconfig=" + c.Kubeconfig("scheduler"),
			"--leader-elect=false",
			"--secure-port=0",
			"--profiling=false",
		},
	}
}

// etcdHealthy asks etcd over its socket.
func etcdHealthy(socket string) func(context.Context) error {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	return supervise.Answers(client, "http://etcd/health")
}

// apiServerReady asks /readyz, trusting the cluster's own authority.
func (c Cluster) apiServerReady() func(context.Context) error {
	client := sync.OnceValues(func() (*http.Client, error) {
		ca, err := os.ReadFile(c.CertFile("ca.crt"))
		if err != nil {
			return nil, fmt.Errorf("reading the authority of cluster %s: %w", c.Name, err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(ca)
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}, nil
	})
	return func(ctx context.Context) error {
		client, err := client()
		if err != nil {
			return err
		}
		return supervise.Answers(client, c.Server()+"/readyz")(ctx)
	}
}
