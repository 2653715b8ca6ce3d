package git

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

// serveTLS offers the repository over HTTPS; with clients, only to those who show a certificate of theirs.
func (o *origin) serveTLS(clients *x509.CertPool, middleware func(http.Handler) http.Handler) (url, ca string) {
	o.t.Helper()
	plain := o.serve(nil)
	// The plain server is only taken for its handler.
	handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forward, err := http.NewRequestWithContext(r.Context(), r.Method, strings.TrimSuffix(plain, "/origin.git")+r.URL.RequestURI(), r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		forward.Header, forward.ContentLength = r.Header.Clone(), r.ContentLength
		answer, err := http.DefaultTransport.RoundTrip(forward)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		for name, values := range answer.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.StatusCode)
		io.Copy(w, answer.Body)
	}))
	if middleware != nil {
		handler = middleware(handler)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = nil
	if clients != nil {
		server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	}
	server.StartTLS()
	o.t.Cleanup(server.Close)
	ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	return server.URL + "/origin.git", ca
}

// clientCertificate makes a certificate and key in PEM, and the pool that trusts it.
func clientCertificate(t testing.TB) (certificate, key string, trusts *x509.CertPool) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ann"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	trusts = x509.NewCertPool()
	trusts.AppendCertsFromPEM([]byte(certificate))
	return certificate, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})), trusts
}

func bearer(token string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+token {
				http.Error(w, "no", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func TestHTTPS(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	store := newTestStore(t)
	reads := func(name string, remote Remote, want error) {
		t.Helper()
		repository := store.Repository(remote)
		err := repository.Fetch(context.Background())
		if !errors.Is(err, want) || err == nil != (want == nil) {
			t.Errorf("%s: error is %v, want %v", name, err, want)
		}
		if want == nil && err == nil {
			wantContent(t, mustTree(t, repository, "main"), "f", "1")
		}
	}
	anyError := errors.New("any")
	refused := func(name string, remote Remote) {
		t.Helper()
		if err := store.Repository(remote).Fetch(context.Background()); err == nil {
			t.Errorf("%s: %v, though nobody may", name, anyError)
		}
	}
	url, ca := o.serveTLS(nil, basicAuth)
	refused("an unknown CA", Remote{URL: url, Username: "ann", Password: "s3cr3t"})
	reads("a custom CA", Remote{URL: url, Username: "ann", Password: "s3cr3t", CA: ca}, nil)
	reads("insecure", Remote{URL: url, Username: "ann", Password: "s3cr3t", Insecure: true}, nil)
	reads("no credentials", Remote{URL: url, CA: ca}, ErrAuthentication)
	url, ca = o.serveTLS(nil, bearer("t0ken"))
	reads("a bearer token", Remote{URL: url, CA: ca, BearerToken: "t0ken"}, nil)
	reads("a wrong bearer token", Remote{URL: url, CA: ca, BearerToken: "other"}, ErrAuthentication)
	certificate, key, trusts := clientCertificate(t)
	url, ca = o.serveTLS(trusts, nil)
	reads("a client certificate", Remote{URL: url, CA: ca, ClientCertificate: certificate, ClientKey: key}, nil)
	refused("no client certificate", Remote{URL: url, CA: ca})
}

func TestProxy(t *testing.T) {
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	url, ca := o.serveTLS(nil, nil)
	var tunnels atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
			return
		}
		tunnels.Add(1)
		// Whatever name is asked for leads to the Git host: the client doesn't resolve it.
		there, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/origin.git"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			there.Close()
			return
		}
		fmt.Fprint(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(there, here); there.Close() }()
		go func() { io.Copy(here, there); here.Close() }()
	}))
	t.Cleanup(proxy.Close)
	store := newTestStore(t)
	// httptest's certificate is for example.com, which only the proxy can lead to the test's host.
	behind := Remote{URL: "https://example.com/origin.git", CA: ca, Proxy: proxy.URL}
	wantContent(t, mustTree(t, store.Repository(behind), "main"), "f", "1")
	if tunnels.Load() == 0 {
		t.Error("the proxy wasn't used")
	}
	before := tunnels.Load()
	direct := store.Repository(Remote{URL: url, CA: ca, Proxy: proxy.URL, NoProxy: "127.0.0.1"})
	wantContent(t, mustTree(t, direct, "main"), "f", "1")
	if tunnels.Load() != before {
		t.Error("the proxy was used for a host that is reached without it")
	}
}

// TestScopes: a project that may set the proxy of its own repository can't put other files into the operator's mirror.
func TestScopes(t *testing.T) {
	real, forged := newOrigin(t), newOrigin(t)
	real.push("real", map[string]string{"f": "real"})
	forged.push("forged", map[string]string{"f": "forged"})
	url := real.serve(nil)
	wicked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A proxy gets the whole URL, and answers with what it likes.
		answer, err := http.Get(forged.serve(nil) + strings.TrimPrefix(r.URL.Path, "/origin.git") + "?" + r.URL.RawQuery)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		io.Copy(w, answer.Body)
	}))
	t.Cleanup(wicked.Close)
	store := newTestStore(t)
	operator := store.Repository(Remote{URL: url})
	project := store.Repository(Remote{URL: url, Proxy: wicked.URL, Scope: "wicked"})
	if operator.mirror == project.mirror || operator.Access() == project.Access() {
		t.Fatal("a project shares the operator's mirror")
	}
	_ = project.Fetch(context.Background())
	wantContent(t, mustTree(t, operator, "main"), "f", "real")
}

// sshHost runs the commands that git asks for over SSH, for those with the key.
type sshHost struct {
	address, knownHosts, clientKey string
	// lfs is what git-lfs-authenticate answers.
	lfs string
}

func serveSSH(t testing.TB, o *origin) *sshHost {
	t.Helper()
	_, hostKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hostSigner, err := ssh.NewSignerFromKey(hostKey)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	allowed, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(allowed.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(hostSigner)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	h := &sshHost{
		address: "ssh://git@127.0.0.1:" + port, clientKey: string(pem.EncodeToMemory(encoded)),
		knownHosts: "[127.0.0.1]:" + port + " " + string(ssh.MarshalAuthorizedKey(hostSigner.PublicKey())),
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go h.serve(connection, config, o)
		}
	}()
	return h
}

func (h *sshHost) serve(connection net.Conn, config *ssh.ServerConfig, o *origin) {
	_, channels, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go func() {
			defer channel.Close()
			for request := range requests {
				if request.Type != "exec" {
					request.Reply(request.Type == "env", nil)
					continue
				}
				request.Reply(true, nil)
				status := h.run(string(request.Payload[4:]), channel, o)
				channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
				return
			}
		}()
	}
}

func (h *sshHost) run(command string, channel ssh.Channel, o *origin) uint32 {
	switch {
	case strings.HasPrefix(command, "git-upload-pack '/origin.git'"), strings.HasPrefix(command, "git-receive-pack '/origin.git'"):
		cmd := exec.Command("git", strings.TrimPrefix(strings.Fields(command)[0], "git-"), o.bare)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = channel, channel, channel.Stderr()
		if cmd.Run() != nil {
			return 1
		}
		return 0
	case command == "git-lfs-authenticate '/origin.git' download" && h.lfs != "":
		io.WriteString(channel, h.lfs)
		return 0
	}
	fmt.Fprintln(channel.Stderr(), "no such repository")
	return 1
}

func TestSSH(t *testing.T) {
	ctx := context.Background()
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	host, other := serveSSH(t, o), serveSSH(t, o)
	store := newTestStore(t)
	url := host.address + "/origin.git"
	repository := store.Repository(Remote{URL: url, SSHPrivateKey: host.clientKey, KnownHosts: host.knownHosts})
	wantContent(t, mustTree(t, repository, "main"), "f", "1")
	if _, err := repository.Commit(ctx, Change{Branch: "main", Author: ann, Message: "m", Edit: set("f", "2")}); err != nil {
		t.Errorf("pushing over SSH: %v", err)
	}
	for name, remote := range map[string]Remote{
		"an unknown host":   {URL: url, SSHPrivateKey: host.clientKey},
		"another host key":  {URL: url, SSHPrivateKey: host.clientKey, KnownHosts: strings.Replace(other.knownHosts, other.knownHosts[:strings.Index(other.knownHosts, " ")], host.knownHosts[:strings.Index(host.knownHosts, " ")], 1)},
		"another key":       {URL: url, SSHPrivateKey: other.clientKey, KnownHosts: host.knownHosts},
		"rubbish for hosts": {URL: url, SSHPrivateKey: host.clientKey, KnownHosts: "rubbish\n\x00"},
	} {
		if err := store.Repository(remote).Fetch(ctx); !errors.Is(err, ErrAuthentication) {
			t.Errorf("%s: error is %v, want ErrAuthentication", name, err)
		}
	}
	insecure := store.Repository(Remote{URL: url, SSHPrivateKey: host.clientKey, Insecure: true})
	wantContent(t, mustTree(t, insecure, "main"), "f", "2")

	// What another's git may log on with, in a folder that is lent to it.
	for name, repository := range map[string]*Repository{"known": repository, "insecure": insecure} {
		login, err := repository.Login(ctx)
		if err != nil || login.Keys == nil {
			t.Fatalf("%s: %+v, %v", name, login, err)
		}
		dir := t.TempDir()
		env, err := login.Keys(dir)
		if err != nil {
			t.Fatal(err)
		}
		if line := strings.Join(env, "\n"); !strings.Contains(line, "-i "+filepath.Join(dir, "id")) || strings.Contains(line, "PRIVATE") {
			t.Errorf("%s: the environment is %s", name, line)
		}
		cmd := exec.Command("git", "ls-remote", url, "main")
		cmd.Env = append(os.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "refs/heads/main") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

// gitHub is the part of GitHub's API that mints tokens.
type gitHub struct {
	mu     sync.Mutex
	tokens map[string]bool
	minted int
	url    string
}

func serveGitHub(t testing.TB, key *rsa.PublicKey, now clock.PassiveClock) *gitHub {
	g := &gitHub{tokens: map[string]bool{}}
	mux := http.NewServeMux()
	genuine := func(w http.ResponseWriter, r *http.Request) bool {
		parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
		if len(parts) == 3 {
			signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
			digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
			payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
			var claims struct {
				Iss      string
				Iat, Exp int64
			}
			if rsa.VerifyPKCS1v15(key, 5, digest[:], signature) == nil && json.Unmarshal(payload, &claims) == nil && claims.Iss == "7" &&
				claims.Iat <= now.Now().Unix() && claims.Exp > now.Now().Unix() && claims.Exp-claims.Iat <= 600 {
				return true
			}
		}
		http.Error(w, `{"message": "A JSON web token could not be decoded"}`, http.StatusUnauthorized)
		return false
	}
	mux.HandleFunc("GET /api/v3/users/team/installation", func(w http.ResponseWriter, r *http.Request) {
		if genuine(w, r) {
			fmt.Fprint(w, `{"id": 42}`)
		}
	})
	mux.HandleFunc("POST /api/v3/app/installations/42/access_tokens", func(w http.ResponseWriter, r *http.Request) {
		if !genuine(w, r) {
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.minted++
		token := fmt.Sprintf("ghs_%d", g.minted)
		g.tokens[token] = true
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_at": now.Now().Add(time.Hour)})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	g.url = server.URL + "/api/v3"
	return g
}

func (g *gitHub) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		g.mu.Lock()
		ok := user == "x-access-token" && g.tokens[password]
		g.mu.Unlock()
		if !ok {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/team")
		next.ServeHTTP(w, r)
	})
}

func TestGitHubApp(t *testing.T) {
	ctx := context.Background()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := clocktesting.NewFakeClock(time.Now())
	g := serveGitHub(t, &key.PublicKey, now)
	o := newOrigin(t)
	o.push("first", map[string]string{"f": "1"})
	url := strings.Replace(o.serve(g.guard), "/origin.git", "/team/origin.git", 1)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	store := newTestStore(t, func(o *Options) { o.Clock = now })
	repository := store.Repository(Remote{URL: url, GitHubApp: GitHubApp{ID: 7, PrivateKey: private, BaseURL: g.url}})
	for range 3 {
		if err := repository.Fetch(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if g.minted != 1 {
		t.Errorf("%d tokens were minted, want one while it is good", g.minted)
	}
	now.Step(56 * time.Minute)
	if err := repository.Fetch(ctx); err != nil || g.minted != 2 {
		t.Errorf("near its expiry: %v, %d tokens, want a second", err, g.minted)
	}
	// A token that was taken back is replaced after one failure.
	g.mu.Lock()
	clear(g.tokens)
	g.mu.Unlock()
	if err := repository.Fetch(ctx); !errors.Is(err, ErrAuthentication) || strings.Contains(err.Error(), "ghs_") {
		t.Errorf("with a token that was taken back: %v", err)
	}
	if err := repository.Fetch(ctx); err != nil {
		t.Errorf("after that: %v", err)
	}
	wantContent(t, mustTree(t, repository, "main"), "f", "1")
	for name, app := range map[string]GitHubApp{
		"another app":        {ID: 8, PrivateKey: private, BaseURL: g.url},
		"elsewhere":          {ID: 7, PrivateKey: private, BaseURL: g.url, Installation: 43},
		"a key that is none": {ID: 7, PrivateKey: "hunter2", BaseURL: g.url},
		"an API that is off": {ID: 7, PrivateKey: private, BaseURL: "http://127.0.0.1:1"},
	} {
		err := store.Repository(Remote{URL: url, GitHubApp: app}).Fetch(ctx)
		if err == nil || !strings.Contains(err.Error(), "as GitHub App") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// lfsHost is a host's API of Git LFS in front of a repository.
type lfsHost struct {
	objects   map[string]string
	downloads atomic.Int32
	spoil     atomic.Bool
}

func (h *lfsHost) put(content string) (pointer string) {
	sum := sha256.Sum256([]byte(content))
	oid := hex.EncodeToString(sum[:])
	h.objects[oid] = content
	return fmt.Sprintf("%s\noid sha256:%s\nsize %d\n", lfsVersion, oid, len(content))
}

func (h *lfsHost) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		oid, download := strings.CutPrefix(r.URL.Path, "/objects/")
		switch {
		case strings.HasSuffix(r.URL.Path, "/info/lfs/objects/batch"):
			var question struct{ Objects []struct{ OID string } }
			if json.NewDecoder(r.Body).Decode(&question) != nil || r.Header.Get("Accept") != lfsMediaType {
				http.Error(w, "bad", http.StatusBadRequest)
				return
			}
			answer := map[string]any{"oid": question.Objects[0].OID}
			if _, ok := h.objects[question.Objects[0].OID]; ok {
				href := "http://" + r.Host + "/objects/" + question.Objects[0].OID
				answer["actions"] = map[string]any{"download": map[string]any{"href": href, "header": map[string]string{"X-Key": "k"}}}
			} else {
				answer["error"] = map[string]any{"code": 404, "message": "Object does not exist"}
			}
			json.NewEncoder(w).Encode(map[string]any{"objects": []any{answer}})
		case download:
			if r.Header.Get("X-Key") != "k" {
				http.Error(w, "no", http.StatusForbidden)
				return
			}
			h.downloads.Add(1)
			if h.spoil.Load() {
				fmt.Fprint(w, strings.ToUpper(h.objects[oid]))
				return
			}
			fmt.Fprint(w, h.objects[oid])
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func TestLFS(t *testing.T) {
	h := &lfsHost{objects: map[string]string{}}
	o := newOrigin(t)
	values := "image: a\n"
	o.push("first", map[string]string{
		"values.yaml": h.put(values), "plain.yaml": "x", "huge": strings.Replace(h.put("y"), "size 1\n", "size 99999999999\n", 1),
		"gone": (&lfsHost{objects: map[string]string{}}).put("z"), "spoiled": h.put("spoiled"),
	})
	url := o.serve(func(next http.Handler) http.Handler { return basicAuth(h.handler(next)) })
	remote := Remote{URL: url, Username: "ann", Password: "s3cr3t", LFS: true}
	store := newTestStore(t)
	tree := mustTree(t, store.Repository(remote), "main")
	for range 2 {
		wantContent(t, tree, "values.yaml", values)
	}
	wantContent(t, tree, "plain.yaml", "x")
	if info, err := tree.Stat("values.yaml"); err != nil || info.Size() != int64(len(values)) {
		t.Errorf("its size is %v (%v)", info, err)
	}
	if n := h.downloads.Load(); n != 1 {
		t.Errorf("%d downloads of one object", n)
	}
	h.spoil.Store(true)
	for name, want := range map[string]string{"huge": "is too large", "gone": "Object does not exist", "spoiled": "SHA-256 differs"} {
		recorder := tree.Record()
		if _, err := recorder.ReadFile(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", name, err, want)
		}
		if holds := recorder.ReadSet().Holds(tree); holds != (name == "huge") {
			t.Errorf("%s: taken for a fact: %v", name, holds)
		}
	}
	// A file of the cache that was damaged is downloaded again.
	h.spoil.Store(false)
	files, _ := filepath.Glob(filepath.Join(store.options.Dir, "mirrors", "*.lfs", "??", "*"))
	if len(files) != 1 {
		t.Fatalf("the cache has %q", files)
	}
	if err := os.WriteFile(files[0], []byte("image: b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantContent(t, tree, "values.yaml", values)
	// Without the switch the pointer is what is there.
	remote.LFS = false
	wantContent(t, mustTree(t, store.Repository(remote), "main"), "values.yaml", h.put(values))
}

func TestLFSOverSSH(t *testing.T) {
	h := &lfsHost{objects: map[string]string{}}
	o := newOrigin(t)
	o.push("first", map[string]string{"values.yaml": h.put("over ssh")})
	api := httptest.NewServer(bearer("lfs")(h.handler(http.NotFoundHandler())))
	t.Cleanup(api.Close)
	host := serveSSH(t, o)
	host.lfs = fmt.Sprintf(`{"href": %q, "header": {"Authorization": "Bearer lfs"}}`, api.URL+"/info/lfs")
	remote := Remote{URL: host.address + "/origin.git", SSHPrivateKey: host.clientKey, KnownHosts: host.knownHosts, LFS: true}
	wantContent(t, mustTree(t, newTestStore(t).Repository(remote), "main"), "values.yaml", "over ssh")
}

func TestLFSCacheIsBounded(t *testing.T) {
	h := &lfsHost{objects: map[string]string{}}
	o := newOrigin(t)
	files := map[string]string{}
	for i := range 10 {
		files[fmt.Sprintf("f%d", i)] = h.put(fmt.Sprintf("%0100d", i))
	}
	o.push("first", files)
	store := newTestStore(t, func(o *Options) { o.LFSBytes = 500 })
	tree := mustTree(t, store.Repository(Remote{URL: o.serve(h.handler), LFS: true}), "main")
	for i := range 10 {
		wantContent(t, tree, fmt.Sprintf("f%d", i), fmt.Sprintf("%0100d", i))
	}
	kept, _ := filepath.Glob(filepath.Join(store.options.Dir, "mirrors", "*.lfs", "??", "*"))
	if len(kept) == 0 || len(kept) > 5 {
		t.Errorf("%d objects of 100 bytes are kept in 500", len(kept))
	}
}

func FuzzParsePointer(f *testing.F) {
	f.Add(lfsVersion + "\noid sha256:" + strings.Repeat("a", 64) + "\nsize 12\n")
	f.Add(lfsVersion + "\next-0-x sha256:b\noid md5:1\nsize -1")
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := parsePointer([]byte(text))
		if ok && (len(p.oid) != 64 || p.size < 0 || strings.ContainsAny(p.oid, "/.\\")) {
			t.Errorf("pointer %+v", p)
		}
	})
}
