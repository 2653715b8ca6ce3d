//go:build integration

package application

import (
	"bytes"
	"os"
	"os/exec"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/rogpeppe/go-internal/testscript"

	"fairlead.dev/fairlead/internal/signature"
)

// cmdSign makes a key and writes the ConfigMap argocd-gpg-keys-cm with it to a file (`sign -key FILE`, with $KEYID from then
// on), or signs the newest commit with it, pushes, and tells the hub (`sign`).
func (s *scenario) cmdSign(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 2 && args[0] == "-key" {
		key, err := openpgp.NewEntity("Ann", "", "ann@example.com", nil)
		ts.Check(err)
		s.key = key
		var public bytes.Buffer
		w, err := armor.Encode(&public, openpgp.PublicKeyType, nil)
		ts.Check(err)
		ts.Check(key.Serialize(w))
		ts.Check(w.Close())
		id := key.PrimaryKey.KeyIdString()
		ts.Setenv("KEYID", id)
		manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-gpg-keys-cm, namespace: $HUB}\ndata:\n  " + id + ": |\n    " +
			strings.ReplaceAll(strings.TrimSpace(public.String()), "\n", "\n    ") + "\n"
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(manifest), 0o600))
		return
	}
	if s.key == nil {
		ts.Fatalf("sign -key FILE makes a key; sign signs with it")
	}
	cat := exec.Command("git", "cat-file", "commit", "HEAD")
	cat.Dir = s.work
	object, err := cat.Output()
	ts.Check(err)
	object = signature.OfCommit(object).Payload
	var armored bytes.Buffer
	ts.Check(openpgp.ArmoredDetachSign(&armored, s.key, bytes.NewReader(object), nil))
	header, message, _ := bytes.Cut(object, []byte("\n\n"))
	signed := string(header) + "\ngpgsig " + strings.ReplaceAll(strings.TrimSpace(armored.String()), "\n", "\n ") + "\n\n" + string(message)
	store := exec.Command("git", "hash-object", "-t", "commit", "-w", "--stdin")
	store.Dir, store.Stdin = s.work, strings.NewReader(signed)
	id, err := store.Output()
	ts.Check(err)
	s.git(s.work, "reset", "--quiet", "--soft", strings.TrimSpace(string(id)))
	s.git(s.work, "push", "--quiet", "--force", "origin", "HEAD")
	s.commits = append(s.commits, strings.TrimSpace(string(id)))
	s.cmdNotify(ts, false, nil)
}
