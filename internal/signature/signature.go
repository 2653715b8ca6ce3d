// Package signature judges OpenPGP signatures of Git commits and tags: what a signed object and a keyring say together
// (Keyring.Verify), and whether a project lets that pass (Judge). The words are those of Argo CD, whose users read them in
// conditions.
//
// It is pure: reading objects is internal/git's, the keys are those of the ConfigMap argocd-gpg-keys-cm. Signatures by SSH keys
// or X.509 are not verified, and so never pass.
package signature

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Signed is what a signature is about, and the signature, which is empty where there is none.
type Signed struct {
	Payload, Signature []byte
}

const (
	beginPGP   = "-----BEGIN PGP SIGNATURE-----"
	headerName = "gpgsig"
)

// OfCommit takes the signature out of a commit object: its header gpgsig, which goes on in lines that begin with a space
// (gitformat-signature(5)).
func OfCommit(object []byte) Signed {
	var s Signed
	header, message, found := bytes.Cut(object, []byte("\n\n"))
	if found {
		message = append([]byte("\n"), message...)
	}
	inside := false
	for line := range bytes.Lines(append(header, '\n')) {
		if !bytes.HasPrefix(line, []byte(" ")) {
			var rest []byte
			if rest, inside = bytes.CutPrefix(line, []byte(headerName+" ")); inside {
				s.Signature = append(s.Signature, rest...)
				continue
			}
		}
		if inside {
			s.Signature = append(s.Signature, line[1:]...)
			continue
		}
		s.Payload = append(s.Payload, line...)
	}
	s.Payload = append(s.Payload, message...)
	return s
}

// OfTag takes the signature off the end of the object of an annotated tag.
func OfTag(object []byte) Signed {
	at := bytes.LastIndex(object, []byte("\n"+beginPGP))
	if at < 0 {
		return Signed{Payload: object}
	}
	return Signed{Payload: object[:at+1], Signature: object[at+1:]}
}

// Result is what came of a verification, in the words of Argo CD.
type Result string

// The results.
const (
	// Unsigned means that there is no signature.
	Unsigned Result = ""
	// Good is a signature by a key of the keyring.
	Good Result = "Good"
	// Bad is a signature of something else.
	Bad Result = "Bad"
	// Invalid is a signature that can't be checked, or by a key that is no longer good.
	Invalid Result = "Invalid"
	// Unknown is something that isn't an OpenPGP signature.
	Unknown Result = "Unknown"
)

// Verification is the outcome for one object.
type Verification struct {
	Result Result
	// Cipher and KeyID (16 hexadecimal digits, upper case) are the signing key's; Primary is the ID of the key that it is a
	// subkey of, often the same.
	Cipher, KeyID, Primary string
	// Message says more where the result is not Good.
	Message string
}

// Keyring are public keys.
type Keyring struct{ keys openpgp.EntityList }

// ParseKeyring reads armored public keys, by key ID. A key that can't be read is left out, and the error tells of it.
func ParseKeyring(armored map[string]string) (*Keyring, error) {
	ring := &Keyring{}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(armored)) {
		keys, err := openpgp.ReadArmoredKeyRing(strings.NewReader(armored[id]))
		if err != nil {
			errs = append(errs, fmt.Errorf("reading GPG key %s: %w", id, err))
			continue
		}
		ring.keys = append(ring.keys, keys...)
	}
	return ring, errors.Join(errs...)
}

// IsEmpty tells whether there are no keys.
func (k *Keyring) IsEmpty() bool { return len(k.keys) == 0 }

// ciphers are gpg's names.
var ciphers = map[packet.PublicKeyAlgorithm]string{
	packet.PubKeyAlgoRSA: "RSA", packet.PubKeyAlgoRSASignOnly: "RSA", packet.PubKeyAlgoDSA: "DSA", packet.PubKeyAlgoECDSA: "ECDSA",
	packet.PubKeyAlgoEdDSA: "EDDSA", packet.PubKeyAlgoEd25519: "EDDSA", packet.PubKeyAlgoEd448: "EDDSA",
}

// Verify checks a signature with the keyring. A key counts if it was good when it signed and isn't revoked now: keys expire,
// and what they signed before stays.
func (k *Keyring) Verify(s Signed, now time.Time) Verification {
	if len(bytes.TrimSpace(s.Signature)) == 0 {
		return Verification{Result: Unsigned}
	}
	block, err := armor.Decode(bytes.NewReader(s.Signature))
	if err != nil || block.Type != openpgp.SignatureType {
		return Verification{Result: Unknown, Message: "it is not an OpenPGP signature"}
	}
	raw, err := io.ReadAll(block.Body)
	if err != nil {
		return Verification{Result: Unknown, Message: "its armor is damaged"}
	}
	read, err := packet.Read(bytes.NewReader(raw))
	sig, ok := read.(*packet.Signature)
	if err != nil || !ok || sig.IssuerKeyId == nil {
		return Verification{Result: Unknown, Message: "it is not an OpenPGP signature that names its key"}
	}
	v := Verification{Result: Invalid, Cipher: ciphers[sig.PubKeyAlgo], KeyID: fmt.Sprintf("%016X", *sig.IssuerKeyId)}
	if v.Cipher == "" {
		v.Cipher = "unknown"
	}
	if sig.CreationTime.After(now.Add(24 * time.Hour)) {
		v.Message = "gpg: Can't check signature: it was made in the future"
		return v
	}
	at := sig.CreationTime
	_, signer, err := openpgp.VerifyDetachedSignature(k.keys, bytes.NewReader(s.Payload), bytes.NewReader(raw), &packet.Config{Time: func() time.Time { return at }})
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		v.Message = "gpg: Can't check signature: No public key"
	case errors.Is(err, pgperrors.ErrKeyExpired):
		v.Message = "gpg: Can't check signature: the key had expired"
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		v.Message = "gpg: Can't check signature: the signature has expired"
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		v.Message = "gpg: Can't check signature: the key is revoked"
	case err != nil:
		v.Result, v.Message = Bad, err.Error()
	case signer == nil:
		v.Message = "gpg: Can't check signature: No public key"
	case revoked(signer, *sig.IssuerKeyId, now):
		v.Message = "gpg: Can't check signature: the key is revoked"
	default:
		v.Result, v.Primary = Good, fmt.Sprintf("%016X", signer.PrimaryKey.KeyId)
	}
	return v
}

func revoked(signer *openpgp.Entity, id uint64, now time.Time) bool {
	if signer.Revoked(now) {
		return true
	}
	return slices.ContainsFunc(signer.Subkeys, func(key openpgp.Subkey) bool { return key.PublicKey.KeyId == id && key.Revoked(now) })
}

// Judge says why a revision must not be deployed by a project that allows these key IDs (or fingerprints); empty means that it
// may.
func Judge(revision string, v Verification, allowed []string) string {
	switch v.Result {
	case Unsigned:
		return fmt.Sprintf("Target revision %s in Git is not signed, but a signature is required", revision)
	case Good:
		for _, key := range allowed {
			if id := KeyID(key); id != "" && (strings.EqualFold(id, v.KeyID) || strings.EqualFold(id, v.Primary)) {
				return ""
			}
		}
		return fmt.Sprintf("Found good signature made with %s key %s, but this key is not allowed in AppProject", v.Cipher, v.KeyID)
	case Invalid:
		return fmt.Sprintf("Found signature made with %s key %s, but verification result was invalid: '%s'", v.Cipher, v.KeyID, v.Message)
	default:
		return fmt.Sprintf("Could not verify commit signature on revision '%s', check logs for more information.", revision)
	}
}

// Info is a verification in one line, for the metadata of a revision.
func Info(v Verification) string {
	switch v.Result {
	case Unsigned:
		return "Revision is not signed."
	case Unknown:
		return "UNKNOWN signature: " + v.Message
	default:
		return fmt.Sprintf("%s signature from %s key %s", v.Result, v.Cipher, v.KeyID)
	}
}

// KeyID is the 16 hexadecimal digits of a key ID or of a fingerprint (40 digits); empty if it is neither.
func KeyID(key string) string {
	key = strings.TrimPrefix(strings.TrimSpace(key), "0x")
	if strings.Trim(key, "0123456789abcdefABCDEF") != "" || len(key) != 16 && len(key) != 40 {
		return ""
	}
	return strings.ToUpper(key[len(key)-16:])
}
