package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// pack makes a compressed archive of headers; a regular file's content is its Linkname.
func pack(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var buffer bytes.Buffer
	zipped := gzip.NewWriter(&buffer)
	w := tar.NewWriter(zipped)
	for _, header := range headers {
		content := ""
		if header.Typeflag == tar.TypeReg {
			content, header.Linkname = header.Linkname, ""
			header.Size = int64(len(content))
		}
		header.Mode = 0o644
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func file(name, content string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Linkname: content}
}

func TestTreeIsAFileSystem(t *testing.T) {
	tree, err := Unpack(bytes.NewReader(pack(t,
		file("web/Chart.yaml", "name: web"), file("./web/templates/a.yaml", "a"), file("web/values.yaml", "old"), file("web/values.yaml", "new"),
		tar.Header{Typeflag: tar.TypeDir, Name: "web/empty/"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "web/link.yaml", Linkname: "templates/../templates/a.yaml"},
		tar.Header{Typeflag: tar.TypeLink, Name: "web/hard.yaml", Linkname: "web/link.yaml"},
	)), "sha256:x", Default())
	if err != nil {
		t.Fatal(err)
	}
	tree = tree.WithoutTop()
	if err := fstest.TestFS(tree, "Chart.yaml", "templates/a.yaml", "values.yaml", "empty", "link.yaml", "hard.yaml"); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"values.yaml": "new", "link.yaml": "a", "hard.yaml": "a"} {
		if got, err := fs.ReadFile(tree, name); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if tree.Digest() != "sha256:x" || tree.Bytes() < 10 {
		t.Errorf("digest %s, %d bytes", tree.Digest(), tree.Bytes())
	}
}

func TestHostileArchives(t *testing.T) {
	bomb := file("web/zeros", strings.Repeat("\x00", 5<<20))
	many := make([]tar.Header, 200)
	for i := range many {
		many[i] = file("web/same", "")
	}
	for name, test := range map[string]struct {
		packed []byte
		want   string
	}{
		"name leads out":        {pack(t, file("../x", "x")), "leads out"},
		"name leads out, later": {pack(t, file("web/../../x", "x")), "leads out"},
		"absolute name":         {pack(t, file("/etc/x", "x")), "leads out"},
		"separators of Windows": {pack(t, file(`web\..\..\x`, "x")), "leads out"},
		"link leads out":        {pack(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "web/x", Linkname: "../../etc/passwd"}), "outside"},
		"absolute link":         {pack(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "web/x", Linkname: "/etc/passwd"}), "outside"},
		"link to nothing":       {pack(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "web/x", Linkname: "y"}), "isn't in the archive"},
		"links in a circle": {pack(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "x", Linkname: "y"},
			tar.Header{Typeflag: tar.TypeSymlink, Name: "y", Linkname: "x"}), "isn't in the archive"},
		"link to a folder":  {pack(t, file("web/d/x", "x"), tar.Header{Typeflag: tar.TypeSymlink, Name: "web/x", Linkname: "d"}), "the folder"},
		"device":            {pack(t, tar.Header{Typeflag: tar.TypeChar, Name: "web/null"}), "neither file nor folder"},
		"file and folder":   {pack(t, file("web", "x"), file("web/x", "x")), "a file and a folder"},
		"bomb":              {pack(t, bomb), "too large"},
		"too many files":    {pack(t, many...), "more than 100 files"},
		"deep":              {pack(t, file(strings.Repeat("d/", 40)+"x", "x")), "too long"},
		"not an archive":    {[]byte(strings.Repeat("hello", 500)), "unpacking an archive"},
		"truncated archive": {pack(t, file("web/x", "x"))[:60], "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Unpack(bytes.NewReader(test.packed), "d", Limits{Bytes: 1 << 20, Files: 100})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack(f, file("web/Chart.yaml", "name: web"), file("web/templates/a.yaml", "a")))
	f.Add(pack(f, tar.Header{Typeflag: tar.TypeSymlink, Name: "web/x", Linkname: "y"}, file("web/y", "y")))
	f.Add([]byte{0x1f, 0x8b, 8})
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{Bytes: 1 << 20, Files: 100}
		tree, err := Unpack(bytes.NewReader(data), "d", limits)
		if err != nil {
			return
		}
		if tree.bytes > limits.Bytes {
			t.Errorf("%d bytes", tree.bytes)
		}
		err = fs.WalkDir(tree.WithoutTop(), ".", func(name string, _ fs.DirEntry, err error) error {
			if !fs.ValidPath(name) {
				t.Errorf("the name %q", name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
