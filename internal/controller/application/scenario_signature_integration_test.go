//go:build integration

package application

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/signature"
	"fairlead.dev/fairlead/internal/signature/signaturetest"
)

// cmdSign makes a key and writes the ConfigMap argocd-gpg-keys-cm with it to a file (`sign -key FILE`, with $KEYID from then
// on), signs the newest commit with it (`sign`) or makes a signed tag of it (`sign -tag NAME`), pushes, and tells the hub.
func (s *scenario) cmdSign(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 2 && args[0] == "-key" {
		key, err := signaturetest.NewKey()
		ts.Check(err)
		s.key = key
		ts.Setenv("KEYID", key.ID)
		manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-gpg-keys-cm, namespace: $HUB}\ndata:\n  " + key.ID + ": |\n    " +
			strings.ReplaceAll(strings.TrimSpace(key.Public), "\n", "\n    ") + "\n"
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(manifest), 0o600))
		return
	}
	if s.key == nil {
		ts.Fatalf("sign -key FILE makes a key; sign signs with it")
	}
	if len(args) == 2 && args[0] == "-tag" {
		s.signedTag(ts, args[1])
		return
	}
	cat := exec.Command("git", "cat-file", "commit", "HEAD")
	cat.Dir = s.work
	object, err := cat.Output()
	ts.Check(err)
	signed, err := s.key.Commit(signature.OfCommit(object).Payload)
	ts.Check(err)
	store := exec.Command("git", "hash-object", "-t", "commit", "-w", "--stdin")
	store.Dir, store.Stdin = s.work, bytes.NewReader(signed)
	id, err := store.Output()
	ts.Check(err)
	s.git(s.work, "reset", "--quiet", "--soft", strings.TrimSpace(string(id)))
	s.git(s.work, "push", "--quiet", "--force", "origin", "HEAD")
	s.commits = append(s.commits, strings.TrimSpace(string(id)))
	s.cmdNotify(ts, false, nil)
}

// signedTag makes a tag, or moves it to the newest commit, which needn't be signed.
func (s *scenario) signedTag(ts *testscript.TestScript, name string) {
	text := fmt.Sprintf("object %s\ntype commit\ntag %s\ntagger Ann <ann@example.com> 1700000000 +0000\n\nrelease\n", s.git(s.work, "rev-parse", "HEAD"), name)
	signed, err := s.key.Tag([]byte(text))
	ts.Check(err)
	store := exec.Command("git", "hash-object", "-t", "tag", "-w", "--stdin")
	store.Dir, store.Stdin = s.work, bytes.NewReader(signed)
	id, err := store.Output()
	ts.Check(err)
	s.git(s.work, "push", "--quiet", "--force", "origin", strings.TrimSpace(string(id))+":refs/tags/"+name)
	s.bus.PublishPush(event.Push{Repository: event.NormalizeURL(s.url), Ref: "refs/tags/" + name})
}
