package registry

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// layerWriter writes the tar of a layer that depends on nothing but the content: owner root, one time, folders made as
// needed. Its error is kept until close.
type layerWriter struct {
	tar  *tar.Writer
	made map[string]bool
	// time is that of all files.
	time time.Time
	err  error
}

func newLayerWriter(w io.Writer) *layerWriter {
	return &layerWriter{tar: tar.NewWriter(w), made: map[string]bool{".": true}, time: time.Unix(0, 0)}
}

func (l *layerWriter) header(h *tar.Header) {
	if l.err != nil {
		return
	}
	h.ModTime = l.time
	h.Format = tar.FormatPAX
	l.err = l.tar.WriteHeader(h)
}

// folder makes a folder and those above it.
func (l *layerWriter) folder(name string, mode int64) {
	if l.made[name] {
		return
	}
	l.folder(path.Dir(name), 0o755)
	l.made[name] = true
	l.header(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

func (l *layerWriter) text(name, content string) {
	l.folder(path.Dir(name), 0o755)
	l.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))})
	if l.err == nil {
		_, l.err = io.WriteString(l.tar, content)
	}
}

func (l *layerWriter) link(name, to string) {
	l.folder(path.Dir(name), 0o755)
	l.header(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to, Mode: 0o777})
}

// file copies a file of this machine.
func (l *layerWriter) file(name, from string, mode int64) {
	l.folder(path.Dir(name), 0o755)
	if l.err != nil {
		return
	}
	f, err := os.Open(from)
	if err != nil {
		l.err = err
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		l.err = err
		return
	}
	l.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: info.Size()})
	if l.err == nil {
		_, l.err = io.Copy(l.tar, f)
	}
}

func (l *layerWriter) close() error {
	if l.err == nil {
		l.err = l.tar.Close()
	}
	if l.err != nil {
		return fmt.Errorf("writing a layer: %w", l.err)
	}
	return nil
}

// writeBusyBox writes a root file system around BusyBox: its applets as links, and the few files that programs look for.
func (b *BaseImages) writeBusyBox(w io.Writer, applets []string) error {
	l := newLayerWriter(w)
	l.file("bin/busybox", b.BusyBox, 0o755)
	for _, applet := range slices.Sorted(slices.Values(applets)) {
		l.link(applet, "/bin/busybox")
	}
	l.text("etc/group", "root:x:0:\nnogroup:x:65534:\n")
	l.text("etc/nsswitch.conf", "hosts: files dns\n")
	l.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n")
	l.folder("root", 0o700)
	l.folder("tmp", 0o1777)
	l.folder("var/tmp", 0o1777)
	return l.close()
}

// writeGo writes the Go distribution at its usual place, a GOPATH that everyone may write to, and root certificates.
func (b *BaseImages) writeGo(w io.Writer, files []goFile) error {
	l := newLayerWriter(w)
	if b.Certificates != "" {
		l.file("etc/ssl/certs/ca-certificates.crt", b.Certificates, 0o644)
	}
	for _, folder := range []string{"go", "go/bin", "go/pkg", "go/src"} {
		l.folder(folder, 0o1777)
	}
	const target = "usr/local/go"
	l.folder(target, 0o755)
	for _, f := range files {
		if f.mode.IsDir() {
			l.folder(target+"/"+f.name, int64(f.mode.Perm()))
			continue
		}
		l.file(target+"/"+f.name, filepath.Join(b.GOROOT, filepath.FromSlash(f.name)), int64(f.mode.Perm()))
	}
	return l.close()
}

// opener returns a reader of what write writes.
func opener(write func(io.Writer) error) io.ReadCloser {
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(write(w)) }()
	return r
}

// notEmpty drops folders that a filter left empty; it keeps the order.
func notEmpty(files []goFile) []goFile {
	full := map[string]bool{}
	for _, f := range files {
		if f.mode&fs.ModeDir == 0 {
			for dir := path.Dir(f.name); dir != "." && !full[dir]; dir = path.Dir(dir) {
				full[dir] = true
			}
		}
	}
	return slices.DeleteFunc(files, func(f goFile) bool { return f.mode.IsDir() && !full[strings.TrimSuffix(f.name, "/")] })
}
