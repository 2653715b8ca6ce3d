package plugin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"google.golang.org/grpc"
)

// chunkBytes is the size of the pieces in which an archive is sent. Argo CD's sidecar takes any up to 4 MB.
const chunkBytes = 64 << 10

// maxEntries bounds the files and folders of an archive.
const maxEntries = 200000

// upload is what a plugin gets, ready to be sent.
type upload struct {
	// root is the application's folder in the repository, for errors.
	root     string
	metadata metadata
	archive  []byte
}

// pack makes the archive: files, folders and links, as they are in the repository.
func (c *Client) pack(input Input) (*upload, error) {
	var buffer bytes.Buffer
	hash := sha256.New()
	zipped := gzip.NewWriter(io.MultiWriter(&buffer, hash))
	p := &packer{input: input, exclude: c.options.Exclude, left: c.options.MaxUpload, archive: tar.NewWriter(zipped)}
	if err := fs.WalkDir(input.Files, input.Upload, p.entry); err != nil {
		return nil, fmt.Errorf("packing %s for a plugin: %w", input.Upload, err)
	}
	if p.files == 0 {
		return nil, fmt.Errorf("packing %s for a plugin: no files to send", input.Upload)
	}
	if err := errors.Join(p.archive.Close(), zipped.Close()); err != nil {
		return nil, fmt.Errorf("packing %s for a plugin: %w", input.Upload, err)
	}
	u := &upload{root: input.Root, archive: buffer.Bytes(), metadata: metadata{
		appName: path.Base(input.Root), appRelPath: p.relative(input.Root),
		checksum: hex.EncodeToString(hash.Sum(nil)), size: int64(buffer.Len()),
	}}
	u.metadata.env = variables(input.Env)
	return u, nil
}

// variables are those of an environment, each NAME=value.
func variables(environment []string) (all []variable) {
	for _, entry := range environment {
		if name, value, ok := strings.Cut(entry, "="); ok {
			all = append(all, variable{name, value})
		}
	}
	return all
}

// send streams the upload to a method, and reads its answer.
func (u *upload) send(ctx context.Context, connection *grpc.ClientConn, method string, answer message) error {
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, method)
	if err != nil {
		return err
	}
	err = stream.SendMsg(&streamRequest{metadata: &u.metadata})
	for rest := u.archive; len(rest) > 0 && err == nil; {
		n := min(chunkBytes, len(rest))
		err = stream.SendMsg(&streamRequest{chunk: rest[:n]})
		rest = rest[n:]
	}
	// A plugin that ends the stream early says why in its answer.
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err == nil {
		if err := stream.CloseSend(); err != nil {
			return err
		}
	}
	return stream.RecvMsg(answer)
}

// packer writes the entries of a walk into an archive.
type packer struct {
	input   Input
	exclude []string
	archive *tar.Writer
	// left is how many bytes may follow; entries and files are how many there were.
	left           int64
	entries, files int
}

func (p *packer) relative(name string) string {
	if p.input.Upload == "." {
		return name
	}
	return path.Join(".", strings.TrimPrefix(name, p.input.Upload))
}

func (p *packer) entry(name string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	relative := p.relative(name)
	if relative == "." {
		return nil
	}
	for _, pattern := range p.exclude {
		if excluded, _ := path.Match(pattern, relative); !excluded {
			continue
		}
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if p.entries++; p.entries > maxEntries {
		return fmt.Errorf("there are more than %d files: exclude some from plugins, or name those needed in manifest-generate-paths", maxEntries)
	}
	switch entry.Type() {
	case fs.ModeDir:
		return p.archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: relative + "/", Mode: 0o755})
	case fs.ModeSymlink:
		return p.link(name, relative, entry)
	case 0:
		return p.file(name, relative, entry)
	}
	return nil
}

// link writes a link that stays in what is sent. One that leads out of the repository is an error, as it is for Argo CD's
// sidecar; in the place of one that leads to a file elsewhere in it, that file is sent.
func (p *packer) link(name, relative string, entry fs.DirEntry) error {
	target, err := fs.ReadLink(p.input.Files, name)
	if err != nil {
		return err
	}
	if path.IsAbs(target) || !fs.ValidPath(path.Join(path.Dir(name), target)) {
		return fmt.Errorf("%s: the link leads out of the repository", name)
	}
	if fs.ValidPath(path.Join(path.Dir(relative), target)) {
		p.files++
		return p.archive.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: relative, Linkname: target, Mode: 0o777})
	}
	info, err := fs.Stat(p.input.Files, name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	return p.file(name, relative, entry)
}

func (p *packer) file(name, relative string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	content, err := fs.ReadFile(p.input.Files, name)
	if err != nil {
		return err
	}
	if p.left -= int64(len(content)); p.left < 0 {
		return errors.New("the files are too large together: exclude some from plugins, or name those needed in manifest-generate-paths")
	}
	p.files++
	mode := int64(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	if err := p.archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: relative, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err = p.archive.Write(content)
	return err
}
