package githost

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// The smart HTTP protocol is described in Git's Documentation/gitprotocol-http.txt.
const (
	uploadPack  = "git-upload-pack"  // clone and fetch
	receivePack = "git-receive-pack" // push
)

// protocolHeader is what Git-Protocol may hold: "version=2", possibly with more keys.
var protocolHeader = regexp.MustCompile(`^[a-z0-9=:.-]{1,100}$`)

// serveGit answers the three requests that git makes: GET info/refs?service=S, POST git-upload-pack, POST git-receive-pack.
func (h *Host) serveGit(w http.ResponseWriter, r *http.Request, path string) {
	var service string
	var advertise bool
	switch {
	case r.Method == http.MethodGet && strings.HasSuffix(path, "/info/refs"):
		service, advertise = r.URL.Query().Get("service"), true
		path = strings.TrimSuffix(path, "/info/refs")
	case r.Method == http.MethodPost:
		path, service = path[:max(0, strings.LastIndex(path, "/"))], path[strings.LastIndex(path, "/")+1:]
	}
	name := strings.TrimSuffix(path, ".git")
	if service != uploadPack && service != receivePack {
		http.Error(w, "There is nothing here. Repositories are cloned from "+h.opts.URL+"/OWNER/NAME.git by a git of version 1.6.6 or later.", http.StatusNotFound)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.opts.Timeout)
	defer cancel()
	user, ok := h.authorize(w, r, service == receivePack)
	if !ok {
		return
	}
	repo, ok := h.find(ctx, w, name, advertise && service == receivePack)
	if !ok {
		return
	}
	release, ok := h.acquire(ctx, w)
	if !ok {
		return
	}
	defer release()
	call := rpc{host: h, repo: repo, service: service, user: user, protocol: r.Header.Get("Git-Protocol")}
	w.Header().Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
	if advertise {
		call.advertise(ctx, w)
		return
	}
	call.serve(ctx, w, r)
}

// find looks the repository up, and makes it if this is a first push.
func (h *Host) find(ctx context.Context, w http.ResponseWriter, name string, create bool) (*repository, bool) {
	if !validName(name) {
		http.Error(w, fmt.Sprintf("%q is no repository: %s.", name, ErrName), http.StatusNotFound)
		return nil, false
	}
	repo := h.repository(name)
	if repo.exists() {
		return repo, true
	}
	if !create || h.opts.NoCreateOnPush {
		http.Error(w, fmt.Sprintf("There is no repository %s here.", name), http.StatusNotFound)
		return nil, false
	}
	if err := h.EnsureRepository(ctx, name); err != nil {
		h.log.Error("a repository can't be made for a first push", "repository", name, "error", err)
		http.Error(w, "The repository can't be made; the log of the Git host says why.", http.StatusInternalServerError)
		return nil, false
	}
	return repo, true
}

// rpc is one request to a git service.
type rpc struct {
	host     *Host
	repo     *repository
	service  string
	user     string
	protocol string
}

// arguments are those of the git command.
func (c rpc) arguments(more ...string) []string {
	var args []string
	if c.service == receivePack && c.repo.protected() {
		args = append(args, "-c", "core.hooksPath="+c.host.guard())
	}
	args = append(args, strings.TrimPrefix(c.service, "git-"), "--stateless-rpc")
	return append(append(args, more...), ".")
}

// environment adds what git is to know of the client.
func (c rpc) environment() []string {
	user := c.user
	if user == "" {
		user = anonymous
	}
	env := []string{
		"GIT_COMMITTER_NAME=" + user, "GIT_COMMITTER_EMAIL=" + user + "@" + mailDomain, // for the reflog
		guardVariable + "=" + c.repo.apiURL(),
	}
	if protocolHeader.MatchString(c.protocol) {
		env = append(env, "GIT_PROTOCOL="+c.protocol)
	}
	return env
}

// advertise answers what refs there are.
func (c rpc) advertise(ctx context.Context, w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/x-"+c.service+"-advertisement")
	// Protocol version 2 has no service line, but git's own http-backend sends it in all versions but 2.
	if !strings.Contains(c.protocol, "version=2") || c.service == receivePack {
		line := "# service=" + c.service + "\n"
		_, _ = fmt.Fprintf(w, "%04x%s0000", len(line)+4, line)
	}
	c.run(ctx, w, nil, c.arguments("--http-backend-info-refs"))
}

// serve answers a fetch or a push.
func (c rpc) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	if got, want := r.Header.Get("Content-Type"), "application/x-"+c.service+"-request"; got != want {
		http.Error(w, "This is for git: the content type must be "+want+".", http.StatusUnsupportedMediaType)
		return
	}
	body, err := c.body(w, r)
	if err != nil {
		http.Error(w, "The request's body can't be read: "+err.Error()+".", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-"+c.service+"-result")
	// A push may be answered while it is still being sent.
	_ = http.NewResponseController(w).EnableFullDuplex()
	c.run(ctx, w, body, c.arguments())
	if c.service == receivePack {
		c.repo.adoptHead(context.WithoutCancel(ctx))
		c.host.hooks.Changed(c.repo.name)
	}
}

// body is the request's body, unpacked and bounded.
func (c rpc) body(w http.ResponseWriter, r *http.Request) (io.Reader, error) {
	limited := http.MaxBytesReader(w, r.Body, c.host.opts.MaxPush)
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
		return limited, nil
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(limited)
		if err != nil {
			return nil, err
		}
		return io.LimitReader(unpacked, c.host.opts.MaxPush), nil
	}
	return nil, errors.New("it is encoded neither plainly nor with gzip")
}

// run connects a git command with the client. Failures that git can't tell the client are logged; the answer then ends early
// and git's client says that the remote end hung up.
func (c rpc) run(ctx context.Context, w http.ResponseWriter, stdin io.Reader, args []string) {
	cmd := c.host.command(ctx, c.repo.dir, args...)
	cmd.Env = append(cmd.Env, c.environment()...)
	stderr := bounded{limit: maxStderr}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, flushing{w, http.NewResponseController(w)}, &stderr
	if err := cmd.Run(); err != nil {
		c.host.log.Warn("a git request failed", "repository", c.repo.name, "service", c.service, "user", c.user,
			"error", fmt.Errorf("%w%s", err, stderr.after(": ")))
	}
}

// flushing sends each piece of output at once: progress is to be seen, and a push's client waits for its last line.
type flushing struct {
	io.Writer
	control *http.ResponseController
}

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if err == nil {
		err = f.control.Flush()
	}
	return n, err
}
