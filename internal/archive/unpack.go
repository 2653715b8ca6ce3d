package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Limits bound what an archive may hold. Start from Default.
type Limits struct {
	// Bytes are those of all files together, unpacked; Files is their number, with the folders.
	Bytes int64
	Files int
}

// Default suits charts and bundles of manifests: the largest public charts unpack to some 10 MiB in 1,000 files.
func Default() Limits { return Limits{Bytes: 64 << 20, Files: 10_000} }

const (
	// maxName bounds a path, in bytes; maxDepth the folders in it.
	maxName  = 1024
	maxDepth = 32
)

// ErrTooLarge means that an archive holds more than its limits allow.
var ErrTooLarge = errors.New("the archive is too large")

// Unpack reads a tar archive, compressed with gzip or not, which the digest identifies. Symbolic and hard links to files of
// the archive are followed; those that lead out, or to folders, are errors, as are devices and names that lead out.
func Unpack(r io.Reader, digest string, limits Limits) (*Tree, error) {
	buffered := bufio.NewReader(r)
	source := io.Reader(buffered)
	if magic, err := buffered.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("unpacking an archive: %w", err)
		}
		defer unzipped.Close()
		source = unzipped
	}
	// Headers count too, or an archive of headers alone would have no end.
	source = &boundedReader{next: source, left: limits.Bytes + int64(limits.Files)*2048}
	u := &unpacking{tree: newTree(digest), limits: limits}
	if err := u.read(tar.NewReader(source)); err != nil {
		return nil, fmt.Errorf("unpacking an archive: %w", err)
	}
	if err := u.follow(); err != nil {
		return nil, fmt.Errorf("unpacking an archive: %w", err)
	}
	u.tree.seal()
	return u.tree, nil
}

type unpacking struct {
	tree   *Tree
	limits Limits
	links  []link
}

// link is a name for another file of the archive.
type link struct{ name, target string }

func (u *unpacking) read(archive *tar.Reader) error {
	for entries := 0; ; entries++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if entries >= u.limits.Files {
			return fmt.Errorf("%w: more than %d files", ErrTooLarge, u.limits.Files)
		}
		if err := u.entry(header, archive); err != nil {
			return err
		}
	}
}

func (u *unpacking) entry(header *tar.Header, content io.Reader) error {
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := cleanName(header.Name)
	if err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return u.tree.addFolder(name)
	case tar.TypeReg:
		if header.Size > u.limits.Bytes-u.tree.bytes {
			return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, u.limits.Bytes)
		}
		data, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		return u.tree.addFile(name, data)
	case tar.TypeSymlink:
		if path.IsAbs(header.Linkname) {
			return fmt.Errorf("%s is a link to %s, which is outside", quoted(name), quoted(header.Linkname))
		}
		u.links = append(u.links, link{name, path.Join(path.Dir(name), header.Linkname)})
		return nil
	case tar.TypeLink:
		u.links = append(u.links, link{name, path.Clean(header.Linkname)})
		return nil
	default:
		return fmt.Errorf("%s is neither file nor folder", quoted(name))
	}
}

// follow puts the files in the place of the links. A link to a link needs a turn more.
func (u *unpacking) follow() error {
	for turns := 0; len(u.links) > 0; turns++ {
		var waiting []link
		for _, l := range u.links {
			if !fs.ValidPath(l.target) {
				return fmt.Errorf("%s is a link to %s, which is outside", quoted(l.name), quoted(l.target))
			}
			found, ok := u.tree.nodes[l.target]
			if !ok {
				waiting = append(waiting, l)
				continue
			}
			if found.isDir() {
				return fmt.Errorf("%s is a link to the folder %s: only links to files are followed", quoted(l.name), quoted(l.target))
			}
			if err := u.tree.addFile(l.name, found.data); err != nil {
				return err
			}
			if u.tree.bytes > u.limits.Bytes {
				return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, u.limits.Bytes)
			}
		}
		if len(waiting) == len(u.links) || turns > maxDepth {
			return fmt.Errorf("%s is a link to %s, which isn't in the archive", quoted(waiting[0].name), quoted(waiting[0].target))
		}
		u.links = waiting
	}
	return nil
}

// cleanName is the path of an entry, relative to the archive.
func cleanName(name string) (string, error) {
	// Some archivers of Windows write its separators.
	clean := path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if len(name) > maxName || strings.Count(clean, "/") >= maxDepth {
		return "", fmt.Errorf("the name %s is too long", quoted(name))
	}
	if !fs.ValidPath(clean) || strings.ContainsRune(clean, 0) {
		return "", fmt.Errorf("the name %s leads out of the archive", quoted(name))
	}
	return clean, nil
}

// quoted is a name from a stranger, as far as it suits a message.
func quoted(name string) string {
	return fmt.Sprintf("%q", name[:min(len(name), 200)])
}

// boundedReader fails when more comes than expected.
type boundedReader struct {
	next io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := b.next.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
