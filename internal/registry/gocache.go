package registry

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// compileTimeout bounds the compiling of packages ahead, which takes some 20 s on two cores.
const compileTimeout = 10 * time.Minute

// commonPackages bring in what nearly every service needs. Compiled once here, they needn't be compiled in every build:
// a small HTTP server then takes 2 s to build instead of 20.
var commonPackages = []string{
	"compress/gzip", "context", "crypto/tls", "database/sql", "embed", "encoding/csv", "encoding/json", "encoding/xml", "expvar",
	"flag", "html/template", "log/slog", "net/http", "net/http/httptest", "net/http/httputil", "net/http/pprof", "os/exec",
	"os/signal", "regexp", "runtime/debug", "testing", "text/template",
}

// compile fills a folder with the build cache of the packages to be compiled ahead, as the image's own go will look for it:
// without cgo, since the image has no C compiler. Go's cache doesn't depend on where GOROOT is.
func (b *BaseImages) compile(ctx context.Context, cache string) error {
	ctx, cancel := context.WithTimeout(ctx, compileTimeout)
	defer cancel()
	tool := filepath.Join(b.GOROOT, "bin", "go")
	cmd := exec.CommandContext(ctx, tool, append([]string{"build", "--"}, b.Packages...)...)
	cmd.Dir = cache
	cmd.Env = []string{
		"GOROOT=" + b.GOROOT, "GOCACHE=" + cache, "GOPATH=" + filepath.Join(cache, "gopath"), "HOME=" + cache,
		"PATH=" + filepath.Dir(tool) + ":/usr/bin:/bin", "CGO_ENABLED=0", "GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOPROXY=off",
		"GOTELEMETRY=off",
	}
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling Go's packages ahead: %w: %s", err, strings.TrimSpace(string(out[:min(len(out), 1000)])))
	}
	return nil
}

// cacheEntry is the form of a file *-a of Go's build cache (cmd/go/internal/cache): the time at its end is the one thing in
// it that isn't the same each time.
var cacheEntry = regexp.MustCompile(`^(v1 [0-9a-f]{64} [0-9a-f]{64} +[0-9]+ )( *[0-9]+)\n$`)

// cacheTime is the time of all files of the cache: in the far future, because go removes from its cache what is older than
// five days.
var cacheTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// writeCache writes the layer of a build cache, where root's go looks for it.
func writeCache(w io.Writer, cache string) error {
	l := newLayerWriter(w)
	l.folder("root", 0o700)
	l.folder("root/.cache", 0o755)
	l.folder("root/.cache/go-build", 0o755)
	l.time = cacheTime
	err := filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(cache, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		target := "root/.cache/go-build/" + name
		switch {
		case strings.Count(name, "/") == 1 && strings.HasSuffix(name, "-d"):
			l.file(target, path, 0o644)
		case strings.Count(name, "/") == 1 && strings.HasSuffix(name, "-a"):
			entry, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			l.text(target, withoutTime(string(entry)))
		}
		return l.err
	})
	if err != nil {
		return fmt.Errorf("writing the layer of Go's build cache: %w", err)
	}
	return l.close()
}

// withoutTime sets the time of a cache entry to 0.
func withoutTime(entry string) string {
	m := cacheEntry.FindStringSubmatch(entry)
	if m == nil {
		return entry
	}
	return m[1] + strings.Repeat(" ", len(m[2])-1) + "0\n"
}
