package cli

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/google/shlex"
	"github.com/spf13/pflag"

	"fairlead.dev/fairlead/internal/cli/session"
	"fairlead.dev/fairlead/internal/client"
)

// connection is which hub is spoken to, as whom and how: the flags that every command has.
type connection struct {
	config, context, server, token                  string
	plaintext, insecure, grpcWeb, core, portForward bool
	rootPath, caFile, certificateFile, keyFile      string
	headers                                         []string
	portForwardNamespace, kubeContext               string
	retries                                         int
	// kube is for the API server, where there is no hub.
	kube kubectl
	// ignored are flags of argocd's that tell it where its parts are, or how it logs: there are no parts, and no log.
	ignored map[string]string
}

func (c *connection) flags(flags *pflag.FlagSet) {
	flags.StringVar(&c.config, "config", fromEnvironment("FAIRLEAD_CONFIG", session.DefaultPath()), "file with the logins, argocd's own")
	flags.StringVar(&c.context, "argocd-context", "", "the login to use; default: the current one")
	flags.StringVar(&c.server, "server", firstOf(os.Getenv("FAIRLEAD_SERVER"), os.Getenv("ARGOCD_SERVER")), "address of the hub: a URL or HOST[:PORT]; default: that of the last login ($ARGOCD_SERVER)")
	flags.StringVar(&c.token, "auth-token", "", "token to use instead of a login ($ARGOCD_AUTH_TOKEN)")
	flags.BoolVar(&c.plaintext, "plaintext", false, "speak without TLS")
	flags.BoolVar(&c.insecure, "insecure", false, "accept any TLS certificate of the hub")
	flags.StringVar(&c.caFile, "server-crt", "", "file with the certificates to trust")
	flags.StringVar(&c.certificateFile, "client-crt", "", "file with the certificate that the client shows")
	flags.StringVar(&c.keyFile, "client-crt-key", "", "file with the key of that certificate")
	flags.BoolVar(&c.grpcWeb, "grpc-web", false, "speak gRPC-web, for proxies that can't do HTTP/2")
	flags.StringVar(&c.rootPath, "grpc-web-root-path", "", "speak gRPC-web to a hub below this path of a proxy")
	flags.StringSliceVarP(&c.headers, "header", "H", nil, "NAME: VALUE to send with every request; may be repeated")
	flags.IntVar(&c.retries, "http-retry-max", 0, "how often a call is tried again while the hub can't be reached")
	flags.BoolVar(&c.core, "core", false, "work on the cluster of the kubeconfig, without the API of a hub")
	flags.StringVar(&c.kubeContext, "kube-context", "", "context of the kubeconfig")
	flags.BoolVar(&c.portForward, "port-forward", false, "accepted to say what to do instead: ports are not forwarded here")
	flags.StringVar(&c.portForwardNamespace, "port-forward-namespace", "", "like --port-forward")
	_, _ = flags.MarkHidden("port-forward"), flags.MarkHidden("port-forward-namespace") // they were added just above
	c.ignored = map[string]string{
		"logformat": "json", "loglevel": "info", "controller-name": "argocd-application-controller", "redis-name": "argocd-redis",
		"redis-haproxy-name": "argocd-redis-ha-haproxy", "server-name": "argocd-server", "repo-server-name": "argocd-repo-server", "redis-compress": "gzip",
	}
	for name, value := range c.ignored {
		flags.String(name, value, "accepted for argocd's sake, without effect")
		_ = flags.MarkHidden(name) // it was added one line above
	}
}

// defaultsFromEnvironment sets the flags that ARGOCD_OPTS gives; the command line's own win, because they come later.
func defaultsFromEnvironment(flags *pflag.FlagSet) error {
	words, err := shlex.Split(os.Getenv("ARGOCD_OPTS"))
	if err != nil {
		return fmt.Errorf("reading ARGOCD_OPTS: %w", err)
	}
	for i := 0; i < len(words); i++ {
		name, value, given := strings.Cut(strings.TrimLeft(words[i], "-"), "=")
		flag := flags.Lookup(name)
		if flag == nil && len(name) == 1 {
			flag = flags.ShorthandLookup(name)
		}
		if flag == nil {
			continue // options of single commands are read by argocd in the same lax way
		}
		switch {
		case given:
		case flag.NoOptDefVal != "":
			value = flag.NoOptDefVal
		case i+1 < len(words):
			i++
			value = words[i]
		}
		if err := flag.Value.Set(value); err != nil {
			return &UsageError{fmt.Errorf("reading --%s of ARGOCD_OPTS: %w", name, err)}
		}
	}
	return nil
}

// options are how the hub is reached: what the login says, and over it what the flags say. A login's token goes to the
// login's own server only.
func (r *root) options() (client.Options, error) {
	c := &r.connection
	logins, err := session.Load(c.config)
	if err != nil {
		return client.Options{}, err
	}
	login, known, err := c.login(logins)
	if err != nil {
		return client.Options{}, err
	}
	address := firstOf(login.Server.Server, c.server)
	if address == "" {
		//lint:ignore ST1005 argocd's text
		return client.Options{}, errors.New("Argo CD server address unspecified: not logged in to a hub: run 'fairlead login SERVER', or give --server")
	}
	options, err := c.reach(login.Server)
	if err != nil {
		return client.Options{}, err
	}
	options.Token = firstOf(strings.TrimSpace(c.token), os.Getenv("FAIRLEAD_AUTH_TOKEN"), os.Getenv("ARGOCD_AUTH_TOKEN"), login.User.AuthToken)
	if options.Token == "" && !known {
		return options, fmt.Errorf("not logged in to %s: run 'fairlead login %s'", options.Server, firstOf(c.server, options.Server))
	}
	return options, nil
}

// withoutHub tells whether the flags, or the login that they choose, are for the cluster of the kubeconfig itself.
func (r *root) withoutHub() (bool, error) {
	if r.connection.portForward || r.connection.portForwardNamespace != "" {
		return false, &UsageError{errors.New("ports are not forwarded here: run 'kubectl port-forward svc/argocd-server 8080:443', and give --server localhost:8080")}
	}
	if r.connection.core {
		return true, nil
	}
	logins, err := session.Load(r.connection.config)
	if err != nil {
		return false, err
	}
	login, _, err := r.connection.login(logins)
	return login.Server.Core, err
}

// login is the login that the flags choose; one that only names the server where there is none.
func (c *connection) login(logins *session.File) (session.Context, bool, error) {
	switch {
	case c.context != "":
		login, err := logins.Context(c.context)
		return login, err == nil, err
	case c.server != "":
		address, _ := bare(c.server)
		login, known := logins.At(address)
		if !known {
			login.Server.Server = c.server
		}
		return login, known, nil
	case logins.CurrentContext == "":
		return session.Context{}, false, nil
	}
	login, err := logins.Context("")
	return login, err == nil, err
}

// bare is an address without its scheme, and whether the scheme said that there is no TLS.
func bare(address string) (host string, plaintext bool) {
	address = strings.TrimRight(strings.TrimSpace(address), "/")
	if host, ok := strings.CutPrefix(address, "http://"); ok {
		return host, true
	}
	return strings.TrimPrefix(address, "https://"), false
}

// reach is how a server is spoken to.
func (c *connection) reach(server session.Server) (options client.Options, err error) {
	options.Insecure, options.GRPCWeb = server.Insecure || c.insecure, server.GRPCWeb || c.grpcWeb
	options.RootPath = firstOf(c.rootPath, server.GRPCWebRootPath)
	options.Retries = c.retries
	address := server.Server
	switch {
	case strings.Contains(address, "://"):
	case server.PlainText || c.plaintext:
		address = "http://" + address
	case c.insecure || c.server == "" || address != c.server:
		address = "https://" + address
	}
	if options.Server, err = client.ServerURL(address); err != nil {
		return options, &UsageError{err}
	}
	if options.Headers, err = parseHeaders(c.headers); err != nil {
		return options, err
	}
	if options.CA, err = base64.StdEncoding.DecodeString(server.CertificateAuthority); err != nil {
		return options, fmt.Errorf("reading the certificates to trust of %s: %w", server.Server, err)
	}
	if len(options.CA) == 0 {
		options.CA = nil
	}
	if c.caFile != "" {
		if options.CA, err = os.ReadFile(c.caFile); err != nil {
			return options, fmt.Errorf("reading the certificates to trust: %w", err)
		}
	}
	if (c.certificateFile == "") != (c.keyFile == "") {
		return options, errors.New("--client-crt and --client-crt-key must always be specified together")
	}
	if c.certificateFile != "" {
		server = session.Server{ClientCertificate: c.certificateFile, ClientKey: c.keyFile}
	}
	certificate, key, err := server.ClientCertificatePEM()
	if err != nil || certificate == nil {
		return options, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return options, fmt.Errorf("reading the client certificate: %w", err)
	}
	options.Certificate = &pair
	return options, nil
}

// parseHeaders reads NAME: VALUE.
func parseHeaders(lines []string) (http.Header, error) {
	headers := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, &UsageError{fmt.Errorf("additional headers must be colon(:)-separated: %s", line)}
		}
		headers.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return headers, nil
}
