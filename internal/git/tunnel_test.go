package git

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// tunnels is a proxy that leads all names to one address, whatever they are.
type tunnels struct {
	to string
	// login is user:password; empty asks for none.
	login string
	used  atomic.Int32
	// asked is the last name that was asked for.
	asked atomic.Value
}

func (p *tunnels) join(here io.ReadWriteCloser, ahead io.Reader) {
	there, err := net.Dial("tcp", p.to)
	if err != nil {
		here.Close()
		return
	}
	p.used.Add(1)
	go func() { io.Copy(there, ahead); there.Close() }()
	go func() { io.Copy(here, there); here.Close() }()
}

// ServeHTTP is the proxy for CONNECT.
func (p *tunnels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plain := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	if user, password, _ := plain.BasicAuth(); p.login != "" && user+":"+password != p.login {
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
		return
	}
	p.asked.Store(r.Host)
	here, buffer, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	fmt.Fprint(here, "HTTP/1.1 200 OK\r\n\r\n")
	p.join(here, buffer)
}

// socks serves RFC 1928 with the passwords of RFC 1929, as much as a client of names needs.
func (p *tunnels) socks(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			here, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				reader := bufio.NewReader(here)
				if err := p.greet(here, reader); err != nil {
					here.Close()
					return
				}
				p.join(here, reader)
			}()
		}
	}()
	return "socks5://" + listener.Addr().String()
}

func (p *tunnels) greet(w io.Writer, r *bufio.Reader) error {
	text := func() string {
		n, _ := r.ReadByte()
		b := make([]byte, n)
		_, _ = io.ReadFull(r, b)
		return string(b)
	}
	version, _ := r.ReadByte()
	methods := text()
	method := byte(0)
	if p.login != "" {
		method = 2
	}
	if version != 5 || !strings.Contains(methods, string(method)) {
		_, _ = w.Write([]byte{5, 0xff})
		return errors.New("no method")
	}
	_, _ = w.Write([]byte{5, method})
	if method == 2 {
		_, _ = r.ReadByte()
		if login := text() + ":" + text(); login != p.login {
			_, _ = w.Write([]byte{1, 1})
			return errors.New("refused")
		}
		_, _ = w.Write([]byte{1, 0})
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil || head[1] != 1 || head[3] != 3 {
		return errors.New("only connections to names")
	}
	name, port := text(), make([]byte, 2)
	_, _ = io.ReadFull(r, port)
	p.asked.Store(fmt.Sprintf("%s:%d", name, binary.BigEndian.Uint16(port)))
	_, err := w.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return err
}

// TestSSHThroughProxy: the host's name is one that only the proxy knows.
func TestSSHThroughProxy(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	host := serveSSH(t, o)
	address := strings.TrimPrefix(host.address, "ssh://git@")
	known := strings.Replace(host.knownHosts, "["+strings.Replace(address, ":", "]:", 1), "git.example", 1)
	store := newTestStore(t, func(o *Options) { o.Tunnel = []string{os.Args[0], "it's 100%"} })
	anybody, ann := &tunnels{to: address}, &tunnels{to: address, login: "ann:s3cr3t"}
	web := func(p *tunnels) string {
		server := httptest.NewServer(p)
		t.Cleanup(server.Close)
		return server.URL
	}
	withLogin := func(proxy, login string) string { return strings.Replace(proxy, "://", "://"+login+"@", 1) }
	for name, test := range map[string]struct {
		proxy string
		by    *tunnels
		want  string
	}{
		"HTTP":                         {web(anybody), anybody, ""},
		"SOCKS5":                       {anybody.socks(t), anybody, ""},
		"HTTP with a password":         {withLogin(web(ann), "ann:s3cr3t"), ann, ""},
		"SOCKS5 with a password":       {withLogin(ann.socks(t), "ann:s3cr3t"), ann, ""},
		"HTTP with another password":   {withLogin(web(ann), "ann:hunter2"), ann, "407 Proxy Authentication Required"},
		"SOCKS5 with another password": {withLogin(ann.socks(t), "ann:hunter2"), ann, "authentication failed"},
		"a proxy that is away":         {"http://127.0.0.1:1", anybody, "connection refused"},
		"a proxy of another kind":      {"ftp://127.0.0.1:1", anybody, "proxies over"},
	} {
		t.Run(name, func(t *testing.T) {
			before := test.by.used.Load()
			repository := store.Repository(Remote{URL: "git@git.example:/origin.git", SSHPrivateKey: host.clientKey, KnownHosts: known, Proxy: test.proxy})
			err := repository.Fetch(context.Background())
			if test.want != "" {
				if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
					t.Fatalf("error is %v, want %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantContent(t, mustTree(t, repository, "main"), "f", "1")
			if test.by.used.Load() == before || test.by.asked.Load() != "git.example:22" {
				t.Errorf("the proxy was asked for %v", test.by.asked.Load())
			}
		})
	}
	direct := store.Repository(Remote{
		URL: host.address + "/origin.git", SSHPrivateKey: host.clientKey, KnownHosts: host.knownHosts, Proxy: "http://127.0.0.1:1", NoProxy: "127.0.0.1",
	})
	if err := direct.Fetch(context.Background()); err != nil {
		t.Errorf("past the proxy: %v", err)
	}
	without := newTestStore(t).Repository(Remote{URL: "git@git.example:/origin.git", Proxy: "http://127.0.0.1:1"})
	if err := without.Fetch(context.Background()); err == nil || !strings.Contains(err.Error(), "needs a program") {
		t.Errorf("without a program for it: %v", err)
	}
}
