//go:build integration

package application

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// faultyHost serves a repository over HTTP by git's own program, as long as it isn't told to fail.
type faultyHost struct {
	mu     sync.Mutex
	broken http.HandlerFunc
	git    http.Handler
}

func (h *faultyHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	broken := h.broken
	h.mu.Unlock()
	if broken == nil {
		h.git.ServeHTTP(w, r)
		return
	}
	broken(w, r.WithContext(context.WithValue(r.Context(), workingHost{}, h.git)))
}

// workingHost is the key of the handler that would have answered.
type workingHost struct{}

func (h *faultyHost) set(broken http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = broken
}

// fail is a mistake: the host fails, and there is a commit.
func (h *faultyHost) fail(broken http.HandlerFunc) func(*fleet) {
	return func(f *fleet) {
		h.set(broken)
		f.commit(map[string]string{"a/a.yaml": configMap("a", "missed")})
	}
}

func (f *fleet) hostMended() {
	f.host.set(nil)
	f.push()
}

// overHTTP puts a Git host in front of the repository.
func (f *fleet) overHTTP() {
	f.t.Helper()
	origin := strings.TrimPrefix(f.url, "file://")
	f.host = &faultyHost{git: &cgi.Handler{
		Path: filepath.Join(f.git("", "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(origin), "GIT_HTTP_EXPORT_ALL=1"},
	}}
	server := httptest.NewServer(f.host)
	f.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	f.url = server.URL + "/" + filepath.Base(origin)
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func hangUp(w http.ResponseWriter, _ *http.Request) {
	if connection, _, err := w.(http.Hijacker).Hijack(); err == nil {
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, not an end
		}
		_ = connection.Close()
	}
}

// half answers to what is asked first, and breaks off in the pack file.
func half(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		w = &shortWriter{ResponseWriter: w, left: 120}
	}
	r.Context().Value(workingHost{}).(http.Handler).ServeHTTP(w, r)
}

type shortWriter struct {
	http.ResponseWriter
	left int
}

func (w *shortWriter) Write(p []byte) (int, error) {
	if len(p) > w.left {
		_, _ = w.ResponseWriter.Write(p[:w.left])
		w.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	w.left -= len(p)
	return w.ResponseWriter.Write(p)
}

func loginPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte("<html><body>Please log in</body></html>"))
}

// diskFull puts the mirrors on a disk that has no room for the next commit.
func diskFull(f *fleet) {
	f.stop()
	err := os.CopyFS(f.mirrors+".copy", os.DirFS(f.mirrors))
	if err == nil {
		err = syscall.Mount("tmpfs", f.mirrors, "tmpfs", 0, "size=2m")
	}
	if errors.Is(err, syscall.EPERM) {
		f.t.Skip("only root can make a small disk")
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = syscall.Unmount(f.mirrors, syscall.MNT_DETACH) })
	if err := os.CopyFS(f.mirrors, os.DirFS(f.mirrors+".copy")); err != nil {
		f.t.Fatal(err)
	}
	filler, err := os.Create(filepath.Join(f.mirrors, "filler"))
	if err != nil {
		f.t.Fatal(err)
	}
	for page := make([]byte, 4096); err == nil; {
		_, err = filler.Write(page)
	}
	_ = filler.Close()
	f.start()
	f.commit(map[string]string{"a/a.yaml": configMap("a", "missed")})
}

func (f *fleet) remove(name string) {
	if err := os.Remove(filepath.Join(f.mirrors, name)); err != nil {
		f.t.Fatal(err)
	}
}
