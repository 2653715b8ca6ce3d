package cli

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/cli/session"
	"fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
)

// probeTimeout bounds the attempt to find out whether a server speaks TLS.
const probeTimeout = 30 * time.Second

// credentials are what the flags of login and relogin say.
type credentials struct {
	username, password string
	passwordStdin      bool
	sso                bool
	browser            browserLogin
}

func (k *credentials) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.password, "password", "", "password; asked for if not given")
	cmd.Flags().BoolVar(&k.passwordStdin, "password-stdin", false, "read the password from standard input")
	cmd.MarkFlagsMutuallyExclusive("password", "password-stdin")
	k.browser.flags(cmd)
}

func newLoginCommand(r *root) *cobra.Command {
	var name string
	var skipProbe bool
	given := credentials{}
	cmd := &cobra.Command{
		Use:   "login SERVER",
		Short: "Log in to a hub and make it the current one",
		Long: `Log in to a hub and make it the current one. SERVER is HOST[:PORT], of which it is found out whether it speaks TLS,
or a URL. The login is kept in argocd's file of logins: both programs use it.`,
		Example: `  fairlead login cd.example.com
  fairlead login cd.example.com --sso
  fairlead login http://127.0.0.1:8080 --username admin
  echo "$PASSWORD" | fairlead login hub.example.com --username ci --password-stdin
  fairlead login --core`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) <= 1 && r.connection.core {
				return nil
			}
			return exactArgs("SERVER")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			logins, err := session.Load(r.connection.config)
			if err != nil {
				return err
			}
			server, err := r.newServer(cmd.Context(), logins, args, skipProbe)
			if err != nil {
				return err
			}
			if name == "" {
				name = strings.TrimSuffix(server.Server+"/"+strings.Trim(server.GRPCWebRootPath, "/"), "/")
			}
			login := session.Context{Name: name, Server: server, User: session.User{Name: name}}
			if !server.Core {
				if err := r.login(cmd.Context(), &login, given); err != nil {
					return err
				}
			}
			logins.Set(login)
			if err := logins.Save(); err != nil {
				return err
			}
			r.printf("Context '%s' updated\n", name)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name of the login; default: the server")
	cmd.Flags().StringVar(&given.username, "username", "", "account; asked for if not given, or admin without a terminal")
	cmd.Flags().BoolVar(&given.sso, "sso", false, "log in with the browser")
	cmd.Flags().BoolVar(&skipProbe, "skip-test-tls", false, "don't find out whether the server speaks TLS")
	given.flags(cmd)
	return cmd
}

// newServer is the server that is logged in to, as the flags and the old login there have it.
func (r *root) newServer(ctx context.Context, logins *session.File, args []string, skipProbe bool) (session.Server, error) {
	c := &r.connection
	server := session.Server{
		PlainText: c.plaintext, Insecure: c.insecure, GRPCWeb: c.grpcWeb, GRPCWebRootPath: c.rootPath, Core: c.core,
	}
	switch {
	case c.core:
		server.Server = "kubernetes"
	default:
		if _, err := client.ServerURL(args[0]); err != nil {
			return server, &UsageError{err}
		}
		address, plaintext := bare(args[0])
		server.Server, server.PlainText = address, plaintext || c.plaintext
		if !skipProbe && !server.PlainText {
			if err := r.probe(ctx, &server); err != nil {
				return server, err
			}
		}
	}
	if (c.certificateFile == "") != (c.keyFile == "") {
		return server, &UsageError{errors.New("--client-crt and --client-crt-key must always be specified together")}
	}
	if c.certificateFile != "" {
		// Later commands may run in another folder.
		certificate, err := filepath.Abs(c.certificateFile)
		if err != nil {
			return server, fmt.Errorf("finding the client certificate: %w", err)
		}
		key, err := filepath.Abs(c.keyFile)
		if err != nil {
			return server, fmt.Errorf("finding the key of the client certificate: %w", err)
		}
		server.ClientCertificate, server.ClientKey = certificate, key
	} else if old, ok := logins.At(server.Server); ok {
		server.CertificateAuthority = old.Server.CertificateAuthority
		server.ClientCertificate, server.ClientKey = old.Server.ClientCertificate, old.Server.ClientKey
		server.ClientCertificateData, server.ClientKeyData = old.Server.ClientCertificateData, old.Server.ClientKeyData
	}
	return server, nil
}

// probe finds out whether a server speaks TLS with a certificate that is trusted, and asks the user what to do if not.
func (r *root) probe(ctx context.Context, server *session.Server) error {
	options, err := r.connection.reach(session.Server{Server: "https://" + server.Server})
	if err != nil {
		return err
	}
	address := server.Server
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(strings.Trim(address, "[]"), "443")
	}
	trust, err := client.TLS(options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := (&tls.Dialer{Config: trust}).DialContext(ctx, "tcp", address)
	var untrusted *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	switch {
	case err == nil:
		return conn.Close()
	case errors.As(err, &plain):
		if !r.proceed("WARNING: server is not configured with TLS. Proceed (y/n)? ") {
			return &ExitCodeError{ExitUsage}
		}
		server.PlainText = true
	case errors.As(err, &untrusted):
		if !r.proceed(fmt.Sprintf("WARNING: server certificate had error: %s. Proceed insecurely (y/n)? ", err)) {
			return &ExitCodeError{ExitUsage}
		}
		server.Insecure = true
	default:
		return fmt.Errorf("reaching the hub at %s: %w", address, err)
	}
	return nil
}

// login gets a token for a context.
func (r *root) login(ctx context.Context, login *session.Context, given credentials) error {
	options, err := r.connection.reach(login.Server)
	if err != nil {
		return err
	}
	c, err := r.dial(ctx, options)
	if err != nil {
		return err
	}
	defer c.Close()
	if given.sso {
		login.User.AuthToken, login.User.RefreshToken, err = r.ssoLogin(ctx, c, given.browser)
	} else {
		login.User.AuthToken, err = r.passwordLogin(ctx, c, given)
	}
	if err != nil {
		return err
	}
	claims, err := login.User.Claims()
	if err != nil {
		return err
	}
	r.printf("'%s' logged in successfully\n", displayName(claims))
	return nil
}

func (r *root) passwordLogin(ctx context.Context, c *client.Client, given credentials) (token string, err error) {
	username, _, err := r.typed(given.username, "Username: ", false)
	if err != nil {
		return "", fmt.Errorf("reading the user name: %w", err)
	}
	username = firstOf(username, "admin")
	password, err := r.password(given)
	if err != nil {
		return "", err
	}
	answer, err := client.Call(ctx, c, protocol.SessionCreate, &protocol.SessionCreateRequest{Username: username, Password: password})
	if err != nil {
		return "", fmt.Errorf("logging in to %s as %s: %w", c.Server(), username, err)
	}
	return answer.Token, nil
}

// password is the given password, or the one on standard input, or the one that the user types.
func (r *root) password(given credentials) (string, error) {
	if given.passwordStdin {
		line, err := bufio.NewReader(r.streams.In).ReadString('\n')
		if line == "" && err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	password, ok, err := r.typed(given.password, "Password: ", true)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", &UsageError{errors.New("no password: give --password or --password-stdin")}
	}
	return password, nil
}

// displayName is how somebody is called: by e-mail address, name, or account.
func displayName(claims jwt.MapClaims) string {
	for _, key := range []string{"email", "name", "sub"} {
		if text, _ := claims[key].(string); text != "" {
			name, _, _ := strings.Cut(text, ":") // a local account's subject is NAME:login
			return name
		}
	}
	return ""
}
