package git

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/proxy"
)

// TunnelVariable is the environment variable in which the program of Options.Tunnel finds the proxy's URL. It may have a
// password, which a command line would show to everybody on the machine.
const TunnelVariable = "FAIRLEAD_SSH_PROXY"

// tunnelTimeout bounds the way to the proxy and its answer.
const tunnelTimeout = 15 * time.Second

// Tunnel connects in and out to host:port through a proxy until the other side ends the connection: what ssh wants of a
// ProxyCommand. The proxy is a URL: http and https are asked to CONNECT, socks5 and socks5h are told the host's name, which
// they look up.
func Tunnel(ctx context.Context, through, address string, in io.Reader, out io.Writer) error {
	proxy, err := url.Parse(through)
	if err != nil || proxy.Host == "" {
		return errors.New("the proxy's URL is none: use http://host:port, https://host:port or socks5://host:port")
	}
	opening, cancel := context.WithTimeout(ctx, tunnelTimeout)
	defer cancel()
	connection, err := dialThrough(opening, proxy, address)
	if err != nil {
		return fmt.Errorf("reaching %s through the proxy %s: %w", address, proxy.Host, err)
	}
	defer connection.Close()
	stop := context.AfterFunc(ctx, func() { connection.Close() })
	defer stop()
	go func() {
		_, _ = io.Copy(connection, in)
		if half, ok := connection.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}()
	_, err = io.Copy(out, connection)
	return err
}

func dialThrough(ctx context.Context, through *url.URL, address string) (net.Conn, error) {
	switch through.Scheme {
	case "http", "https":
		return dialConnect(ctx, through, address)
	case "socks5", "socks5h":
		var auth *proxy.Auth
		if through.User != nil {
			password, _ := through.User.Password()
			auth = &proxy.Auth{User: through.User.Username(), Password: password}
		}
		dialer, err := proxy.SOCKS5("tcp", withPort(through, "1080"), auth, &net.Dialer{})
		if err != nil {
			return nil, err
		}
		return dialer.(proxy.ContextDialer).DialContext(ctx, "tcp", address)
	}
	return nil, fmt.Errorf("proxies over %q are not supported: use http, https or socks5", through.Scheme)
}

// dialConnect asks an HTTP proxy for a connection (RFC 9110, 9.3.6).
func dialConnect(ctx context.Context, through *url.URL, address string) (net.Conn, error) {
	var connection net.Conn
	var err error
	if through.Scheme == "https" {
		connection, err = new(tls.Dialer).DialContext(ctx, "tcp", withPort(through, "443"))
	} else {
		connection, err = new(net.Dialer).DialContext(ctx, "tcp", withPort(through, "80"))
	}
	if err != nil {
		return nil, err
	}
	// A proxy that says nothing is given up.
	stop := context.AfterFunc(ctx, func() { connection.Close() })
	defer stop()
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if through.User != nil {
		password, _ := through.User.Password()
		login := base64.StdEncoding.EncodeToString([]byte(through.User.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+login)
	}
	reader := bufio.NewReader(connection)
	err = request.Write(connection)
	var answer *http.Response
	if err == nil {
		answer, err = http.ReadResponse(reader, request)
	}
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %s", answer.Status)
	}
	if err != nil {
		connection.Close()
		return nil, err
	}
	return &readAhead{Conn: connection, reader: reader}, nil
}

// readAhead is a connection of which a part was read already.
type readAhead struct {
	net.Conn
	reader *bufio.Reader
}

func (c *readAhead) Read(p []byte) (int, error) { return c.reader.Read(p) }

// CloseWrite tells the other side that nothing more comes.
func (c *readAhead) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func withPort(u *url.URL, standard string) string {
	port := u.Port()
	if port == "" {
		port = standard
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// tunnels tells whether an SSH repository is reached through the remote's own proxy.
func (r Remote) tunnels(a address) (bool, error) {
	if a.scheme != "ssh" || r.Proxy == "" {
		return false, nil
	}
	host, port, _, err := a.ssh()
	if err != nil {
		return false, err
	}
	_, name, named := strings.Cut(host, "@")
	if !named {
		name = host
	}
	if port == "" {
		port = "22"
	}
	config := httpproxy.Config{HTTPSProxy: r.Proxy, NoProxy: r.NoProxy}
	through, err := config.ProxyFunc()(&url.URL{Scheme: "https", Host: net.JoinHostPort(name, port)})
	if err != nil {
		return false, errors.New("the proxy's URL is none")
	}
	return through != nil, nil
}

// proxyCommand is the line that ssh runs to reach a host: the program of Options.Tunnel.
func proxyCommand(program []string) string {
	return strings.ReplaceAll(shellLine(program), "%", "%%") + " %h %p" // ssh expands %, then a shell reads the line
}
