package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// object is an object in Git's own form: "<type> <size>\x00<content>".
func object(kind string, content []byte) []byte {
	return append([]byte(kind+" "+strconv.Itoa(len(content))+"\x00"), content...)
}

func hashObject(kind string, content []byte) ID { return sha1.Sum(object(kind, content)) }

// writeObject stores an object in the mirror as a loose object (gitrepository-layout(5)): zlib in
// objects/<2 digits>/<38 digits>. The file appears by rename, so a kill leaves nothing half. There is no fsync: the host has
// the object once it is pushed, and a mirror that loses it in a power cut is cloned again.
func writeObject(mirror, kind string, content []byte) (ID, error) {
	id := hashObject(kind, content)
	name := id.String()
	dir := filepath.Join(mirror, "objects", name[:2])
	path := filepath.Join(dir, name[2:])
	if _, err := os.Stat(path); err == nil {
		return id, nil
	}
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write(object(kind, content))
	w.Close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return ID{}, fmt.Errorf("writing object %s: %w", name, err)
	}
	// Git's own prefix for unfinished objects; git gc knows it, and so does our clean-up at open.
	file, err := os.CreateTemp(dir, "tmp_obj_")
	if err != nil {
		return ID{}, fmt.Errorf("writing object %s: %w", name, err)
	}
	_, err = file.Write(packed.Bytes())
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(file.Name(), 0o444)
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
		return ID{}, fmt.Errorf("writing object %s: %w", name, err)
	}
	return id, nil
}
