//go:build integration

package application

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// lfsStore is the part of a Git host that keeps large files (github.com/git-lfs/git-lfs, docs/api/batch.md).
type lfsStore struct {
	mu      sync.Mutex
	objects map[string][]byte
}

// put keeps a content and returns what stands for it in the repository.
func (l *lfsStore) put(content []byte) (pointer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.objects == nil {
		l.objects = map[string][]byte{}
	}
	oid := fmt.Sprintf("%x", sha256.Sum256(content))
	l.objects[oid] = content
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, len(content))
}

func (l *lfsStore) get(oid string) ([]byte, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	content, ok := l.objects[oid]
	return content, ok
}

func (l *lfsStore) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.objects)
}

// serve answers requests that are about large files, and tells whether this was one.
func (l *lfsStore) serve(w http.ResponseWriter, r *http.Request) bool {
	switch repository, rest, _ := strings.Cut(r.URL.Path, "/info/lfs/objects/"); {
	case rest == "batch":
		l.batch(w, r, "http://"+r.Host+repository)
		return true
	case rest != "":
		content, ok := l.get(rest)
		if !ok {
			http.NotFound(w, r)
			return true
		}
		_, _ = w.Write(content)
		return true
	}
	return false
}

// batch says where each object can be downloaded.
func (l *lfsStore) batch(w http.ResponseWriter, r *http.Request, repository string) {
	type object struct {
		OID     string         `json:"oid"`
		Size    int64          `json:"size"`
		Actions map[string]any `json:"actions,omitempty"`
		Error   map[string]any `json:"error,omitempty"`
	}
	var asked struct {
		Operation string   `json:"operation"`
		Objects   []object `json:"objects"`
	}
	const mediaType = "application/vnd.git-lfs+json"
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Operation != "download" || r.Header.Get("Accept") != mediaType {
		http.Error(w, "this is no question for downloads", http.StatusUnprocessableEntity)
		return
	}
	for i := range asked.Objects {
		o := &asked.Objects[i]
		if _, ok := l.get(o.OID); !ok {
			o.Error = map[string]any{"code": http.StatusNotFound, "message": "Object does not exist"}
			continue
		}
		download := map[string]any{"href": repository + "/info/lfs/objects/" + o.OID}
		if authorization := r.Header.Get("Authorization"); authorization != "" {
			download["header"] = map[string]string{"Authorization": authorization}
		}
		o.Actions = map[string]any{"download": download}
	}
	w.Header().Set("Content-Type", mediaType)
	_ = json.NewEncoder(w).Encode(map[string]any{"transfer": "basic", "objects": asked.Objects})
}
