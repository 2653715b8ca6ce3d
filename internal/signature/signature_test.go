package signature

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

var then = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

func at(t time.Time) *packet.Config { return &packet.Config{Time: func() time.Time { return t }} }

func newKey(t testing.TB, config *packet.Config) (*openpgp.Entity, string) {
	t.Helper()
	key, err := openpgp.NewEntity("Ann", "", "ann@example.com", config)
	if err != nil {
		t.Fatal(err)
	}
	return key, public(t, key)
}

func public(t testing.TB, key *openpgp.Entity) string {
	t.Helper()
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Serialize(w); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return text.String()
}

// commit makes a commit object, signed as git does it.
func commit(t testing.TB, key *openpgp.Entity, config *packet.Config, message string) []byte {
	t.Helper()
	header := "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor Ann <ann@example.com> 1 +0000\ncommitter Ann <ann@example.com> 1 +0000\n"
	rest := "\n" + message + "\n"
	if key == nil {
		return []byte(header + rest)
	}
	var armored bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&armored, key, strings.NewReader(header+rest), config); err != nil {
		t.Fatal(err)
	}
	signature := "gpgsig " + strings.ReplaceAll(strings.TrimRight(armored.String(), "\n"), "\n", "\n ") + "\n"
	return []byte(header + signature + rest)
}

func TestVerdicts(t *testing.T) {
	ann, annPublic := newKey(t, at(then))
	bob, bobPublic := newKey(t, at(then))
	short := at(then)
	short.KeyLifetimeSecs = 3600
	old, oldPublic := newKey(t, short)
	gone, _ := newKey(t, at(then))
	signedByGone := commit(t, gone, at(then.Add(time.Minute)), "m")
	if err := gone.RevokeKey(packet.KeyCompromised, "stolen", at(then.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	ring, err := ParseKeyring(map[string]string{"a": annPublic, "b": bobPublic, "o": oldPublic, "g": public(t, gone), "z": "rubbish"})
	if err == nil || !strings.Contains(err.Error(), "reading GPG key z") {
		t.Errorf("a key that is none: %v", err)
	}
	stranger, _ := newKey(t, at(then))
	soon := at(then.Add(time.Minute))
	genuine := commit(t, ann, soon, "m")
	demand := &Demand{Keys: []string{strings.ToLower(ann.PrimaryKey.KeyIdString()), "not a key"}}
	for name, c := range map[string]struct {
		signed  Signed
		problem string
		info    string
	}{
		"good":                  {OfCommit(genuine), "", "Good signature from Ann <ann@example.com> key " + ann.PrimaryKey.KeyIdString()},
		"an old key, then good": {OfCommit(commit(t, old, soon, "m")), "signed with unallowed key", "Found good signature"},
		"unsigned":              {OfCommit(commit(t, nil, nil, "m")), "unsigned (key_id=)", "Target revision main in Git is not signed, but a signature is required"},
		"not allowed": {
			OfCommit(commit(t, bob, soon, "m")), "signed with unallowed key (key_id=" + bob.PrimaryKey.KeyIdString() + ")",
			"Found good signature made with RSA key " + bob.PrimaryKey.KeyIdString() + ", but this key is not allowed in AppProject",
		},
		"not in the keyring": {
			OfCommit(commit(t, stranger, soon, "m")), "signed with key not in keyring (key_id=" + stranger.PrimaryKey.KeyIdString() + ")",
			"Found signature made with RSA key " + stranger.PrimaryKey.KeyIdString() + ", but verification result was invalid: 'gpg: Can't check signature: No public key'",
		},
		"changed":         {OfCommit(bytes.Replace(genuine, []byte("\n\nm\n"), []byte("\n\nx\n"), 1)), "bad signature", "Could not verify commit signature on revision 'main'"},
		"SSH":             {Signed{[]byte("x"), []byte("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n")}, "bad signature", "Could not verify commit signature"},
		"rubbish":         {Signed{[]byte("x"), []byte("rubbish")}, "bad signature", "Could not verify commit signature"},
		"revoked since":   {OfCommit(signedByGone), "signed with revoked key", "Found signature made with RSA key"},
		"from the future": {OfCommit(commit(t, ann, at(then.Add(999*time.Hour)), "m")), "bad signature", "Found signature made with RSA key"},
	} {
		checked := []Checked{{Revision: "main", Author: "Ann <ann@example.com>", Verification: ring.Verify(c.signed, then.Add(48*time.Hour))}}
		got := strings.Join(demand.Problems(checked), "; ")
		if c.problem == "" && got != "" || c.problem != "" && !strings.HasPrefix(got, "Failed verifying revision main by 'Ann <ann@example.com>': "+c.problem) {
			t.Errorf("%s: %q, want %q (%+v)", name, got, c.problem, checked)
		}
		if info := demand.Info(checked); !strings.HasPrefix(info, c.info) {
			t.Errorf("%s: info %q, want %q", name, info, c.info)
		}
	}
	byFingerprint := &Demand{Keys: []string{strings.Repeat("0", 24) + ann.PrimaryKey.KeyIdString()}}
	if got := byFingerprint.Problems([]Checked{{Verification: ring.Verify(OfCommit(genuine), then.Add(time.Hour))}}); got != nil {
		t.Errorf("a key allowed by its fingerprint: %q", got)
	}
}

func TestTag(t *testing.T) {
	ann, annPublic := newKey(t, at(then))
	ring, err := ParseKeyring(map[string]string{"a": annPublic})
	if err != nil {
		t.Fatal(err)
	}
	payload := "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype commit\ntag v1\ntagger Ann <ann@example.com> 1 +0000\n\nv1\n"
	var armored bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&armored, ann, strings.NewReader(payload), at(then)); err != nil {
		t.Fatal(err)
	}
	if v := ring.Verify(OfTag([]byte(payload+armored.String()+"\n")), then); v.Result != Good {
		t.Errorf("a signed tag: %+v", v)
	}
	if v := ring.Verify(OfTag([]byte(payload)), then); v.Result != Unsigned {
		t.Errorf("an unsigned tag: %+v", v)
	}
	if v := ring.Verify(OfTag([]byte(strings.Replace(payload, "v1", "v2", 1)+armored.String())), then); v.Result != Bad {
		t.Errorf("a changed tag: %+v", v)
	}
}

func FuzzVerify(f *testing.F) {
	ann, annPublic := newKey(f, at(then))
	ring, err := ParseKeyring(map[string]string{"a": annPublic})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(commit(f, ann, at(then), "m"))
	f.Add([]byte("tree x\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n =aaaa\n -----END PGP SIGNATURE-----\n\nm"))
	f.Add([]byte("gpgsig \n\n"))
	genuine := OfCommit(commit(f, ann, at(then), "m")).Payload
	f.Fuzz(func(t *testing.T, object []byte) {
		for _, s := range []Signed{OfCommit(object), OfTag(object)} {
			if v := ring.Verify(s, then); v.Result == Good && !bytes.Equal(s.Payload, genuine) {
				t.Errorf("a good signature of %q", s.Payload)
			}
		}
		_, _ = ParseKeyring(map[string]string{"x": string(object)})
	})
}
