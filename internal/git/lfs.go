package git

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// lfsPointer stands in a repository for a file that Git LFS keeps
// (github.com/git-lfs/git-lfs, docs/spec.md, version 1).
type lfsPointer struct {
	// oid is the SHA-256 of the content, in hexadecimal digits.
	oid  string
	size int64
}

const (
	// maxPointerBytes is how long a pointer may be, by the specification.
	maxPointerBytes = 1024
	lfsVersion      = "version https://git-lfs.github.com/spec/v1"
	lfsMediaType    = "application/vnd.git-lfs+json"
)

var lfsOID = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// parsePointer tells whether a file is a pointer, and where to.
func parsePointer(content []byte) (lfsPointer, bool) {
	var p lfsPointer
	if len(content) >= maxPointerBytes || !bytes.HasPrefix(content, []byte(lfsVersion+"\n")) {
		return p, false
	}
	for line := range strings.Lines(string(content)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "oid":
			if !lfsOID.MatchString(value) {
				return lfsPointer{}, false
			}
			p.oid = strings.TrimPrefix(value, "sha256:")
		case "size":
			size, err := strconv.ParseInt(value, 10, 64)
			if err != nil || size < 0 {
				return lfsPointer{}, false
			}
			p.size = size
		}
	}
	return p, p.oid != ""
}

// pointer tells whether an object of the mirror is a pointer that is to be followed.
func (t *Tree) pointer(content []byte) (lfsPointer, bool) {
	if !t.repository.remote.LFS {
		return lfsPointer{}, false
	}
	return parsePointer(content)
}

// large gets what a pointer stands for, from the cache or the host.
func (t *Tree) large(p lfsPointer) ([]byte, error) {
	r := t.repository
	if p.size > r.store.options.MaxFileBytes {
		return nil, fmt.Errorf("%w: %d bytes in Git LFS, at most %d are allowed", ErrTooLarge, p.size, r.store.options.MaxFileBytes)
	}
	content, err := r.lfs.get(r.store, p, func() ([]byte, error) {
		// As with submodules: who waits may give up, the download goes on to its own bound.
		ctx, cancel := r.store.limit(r.store.alive)
		defer cancel()
		return t.download(ctx, p)
	})
	if err != nil {
		return nil, fmt.Errorf("getting object %s of Git LFS of repository %q: %w", p.oid[:12], r.URL(), err)
	}
	return content, nil
}

// lfsPlace is an address with the headers that open it.
type lfsPlace struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header"`
}

func (t *Tree) download(ctx context.Context, p lfsPointer) ([]byte, error) {
	r := t.repository
	remote, err := r.loggedOn(ctx)
	if err != nil {
		return nil, err
	}
	client, err := remote.httpClient(r.store.options.Timeout)
	if err != nil {
		return nil, err
	}
	endpoint, err := t.lfsEndpoint(ctx, remote)
	if err != nil {
		return nil, err
	}
	place, err := askBatch(ctx, client, endpoint, p)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, place.Href, nil)
	if err != nil {
		return nil, errors.New("the host names no usable address for it")
	}
	for name, value := range place.Header {
		request.Header.Set(name, value)
	}
	// The repository's own credentials go to the repository's own host only.
	if own := endpoint.Header["Authorization"]; own != "" && request.Header.Get("Authorization") == "" && sameOrigin(endpoint.Href, place.Href) {
		request.Header.Set("Authorization", own)
	}
	content, err := exchange(client, request, p.size+1)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(content); int64(len(content)) != p.size || hex.EncodeToString(sum[:]) != p.oid {
		return nil, errors.New("what the host sent is not what the pointer names: its size or SHA-256 differs")
	}
	return content, nil
}

// lfsEndpoint is where the API of Git LFS is: what .lfsconfig says, what the SSH host says, or the repository's URL with
// /info/lfs behind it.
func (t *Tree) lfsEndpoint(ctx context.Context, remote Remote) (lfsPlace, error) {
	r := t.repository
	own := func(href string) lfsPlace {
		place := lfsPlace{Href: strings.TrimRight(href, "/"), Header: map[string]string{}}
		if authorization := remote.authorization(r.where); authorization != "" && sameOrigin(href, r.where.text) {
			place.Header["Authorization"] = authorization
		}
		return place
	}
	if configured := t.lfsConfig(); configured != "" {
		where, err := parseAddress(configured)
		if err != nil || where.origin == "" {
			return lfsPlace{}, errors.New("the lfs.url in .lfsconfig is not an http or https URL")
		}
		return own(where.text), nil
	}
	switch r.where.scheme {
	case "http", "https":
		return own(strings.TrimSuffix(strings.TrimRight(r.where.text, "/"), ".git") + ".git/info/lfs"), nil
	case "ssh":
		return r.lfsOverSSH(ctx, remote)
	default:
		return lfsPlace{}, fmt.Errorf("asking for Git LFS over %s: use https or ssh", r.where.scheme)
	}
}

func (t *Tree) lfsConfig() string {
	root, err := t.folder(t.root)
	if err != nil {
		return ""
	}
	entry, ok := root.find(".lfsconfig")
	if !ok || !entry.Mode.IsFile() {
		return ""
	}
	content, err := t.repository.blob(entry.ID)
	if err != nil {
		return ""
	}
	entries, _ := parseConfig(content) // git too goes on with what it understands
	found := ""
	for _, entry := range entries {
		if entry.section == "lfs" && entry.subsection == "" && entry.key == "url" {
			found = entry.value
		}
	}
	return found
}

// lfsOverSSH asks the host for an address and a token: git-lfs, docs/api/authentication.md.
func (r *Repository) lfsOverSSH(ctx context.Context, remote Remote) (lfsPlace, error) {
	host, port, path, err := r.where.ssh()
	if err != nil {
		return lfsPlace{}, err
	}
	args, env, err := remote.sshArguments(r.where, r.keys, r.store.options.Tunnel)
	if err != nil {
		return lfsPlace{}, err
	}
	if port != "" {
		args = append(args, "-p", port)
	}
	args = append(args, "--", host, "git-lfs-authenticate "+quoted(path)+" download")
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Dir = environ(cmd.Environ(), r.store.home(), env), r.store.home()
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	output, stderr, err := r.store.run(ctx, r.store.placesAt(r.where), cmd)
	if errors.Is(err, errExit) {
		return lfsPlace{}, fmt.Errorf("asking for access to Git LFS over SSH: %w", classify(stderr, err))
	}
	if err != nil {
		return lfsPlace{}, err
	}
	var place lfsPlace
	if json.Unmarshal(output, &place) != nil || place.Href == "" {
		return lfsPlace{}, errors.New("the SSH host's answer to git-lfs-authenticate names no address")
	}
	place.Href = strings.TrimRight(place.Href, "/")
	return place, nil
}

// askBatch asks where an object is: git-lfs, docs/api/batch.md.
func askBatch(ctx context.Context, client *http.Client, endpoint lfsPlace, p lfsPointer) (lfsPlace, error) {
	question, err := json.Marshal(map[string]any{
		"operation": "download", "transfers": []string{"basic"}, "hash_algo": "sha256",
		"objects": []map[string]any{{"oid": p.oid, "size": p.size}},
	})
	if err != nil {
		return lfsPlace{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.Href+"/objects/batch", bytes.NewReader(question))
	if err != nil {
		return lfsPlace{}, errors.New("the host of Git LFS has no usable address")
	}
	for name, value := range endpoint.Header {
		request.Header.Set(name, value)
	}
	request.Header.Set("Accept", lfsMediaType)
	request.Header.Set("Content-Type", lfsMediaType)
	text, err := exchange(client, request, 1<<20)
	if err != nil {
		return lfsPlace{}, err
	}
	var answer struct {
		Objects []struct {
			OID     string
			Actions struct{ Download lfsPlace }
			Error   *struct {
				Code    int
				Message string
			}
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return lfsPlace{}, errors.New("the host's answer is not the JSON of Git LFS: is LFS switched on there?")
	}
	for _, object := range answer.Objects {
		switch {
		case object.OID != p.oid:
		case object.Error != nil:
			return lfsPlace{}, fmt.Errorf("the host says %d: %.200s: push it with git lfs push --all", object.Error.Code, object.Error.Message)
		case object.Actions.Download.Href != "":
			return object.Actions.Download, nil
		}
	}
	return lfsPlace{}, errors.New("the host doesn't say where to get it")
}

// exchange does one request, and returns the whole answer of at most so many bytes. Errors don't show the address: it may
// carry a signature that opens the object.
func exchange(client *http.Client, request *http.Request, most int64) ([]byte, error) {
	response, err := client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, request.URL.Host, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, most))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s ends early: %w", ErrUnreachable, request.URL.Host, err)
	case response.StatusCode == http.StatusUnauthorized, response.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%w: %s answers %s", ErrAuthentication, request.URL.Host, response.Status)
	case response.StatusCode >= 500:
		return nil, fmt.Errorf("%w: %s answers %s", ErrUnreachable, request.URL.Host, response.Status)
	case response.StatusCode >= 300:
		return nil, fmt.Errorf("%s answers %s", request.URL.Host, response.Status)
	}
	return body, nil
}

func sameOrigin(a, b string) bool {
	first, err := url.Parse(a)
	if err != nil {
		return false
	}
	second, err := url.Parse(b)
	return err == nil && first.Scheme == second.Scheme && strings.EqualFold(first.Host, second.Host)
}
