// Package signature judges OpenPGP signatures of Git commits and tags: what a signed object and a keyring say together
// (Keyring.Verify), what a project demands (DemandOf), and what is wrong with it (Demand.Problems). The words are those of Argo CD, whose users read them in
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
	// Finding is the result in the words of source integrity, such as "signed with revoked key".
	Finding string
}

// The findings.
const (
	signed       = "signed"
	unsigned     = "unsigned"
	badSignature = "bad signature"
	expired      = "expired signature"
	expiredKey   = "signed with expired key"
	revokedKey   = "signed with revoked key"
	missingKey   = "signed with key not in keyring"
	// unverifiable is what Argo CD, which has gpg alone, would not tell from a bad signature.
	unverifiable = "bad signature"
)

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
		return Verification{Result: Unsigned, Finding: unsigned}
	}
	block, err := armor.Decode(bytes.NewReader(s.Signature))
	if err != nil || block.Type != openpgp.SignatureType {
		return Verification{Result: Unknown, Finding: unverifiable, Message: "it is not an OpenPGP signature"}
	}
	raw, err := io.ReadAll(block.Body)
	if err != nil {
		return Verification{Result: Unknown, Finding: unverifiable, Message: "its armor is damaged"}
	}
	read, err := packet.Read(bytes.NewReader(raw))
	sig, ok := read.(*packet.Signature)
	if err != nil || !ok || sig.IssuerKeyId == nil {
		return Verification{Result: Unknown, Finding: unverifiable, Message: "it is not an OpenPGP signature that names its key"}
	}
	v := Verification{Result: Invalid, Cipher: ciphers[sig.PubKeyAlgo], KeyID: fmt.Sprintf("%016X", *sig.IssuerKeyId)}
	if v.Cipher == "" {
		v.Cipher = "unknown"
	}
	if sig.CreationTime.After(now.Add(24 * time.Hour)) {
		v.Finding, v.Message = badSignature, "gpg: Can't check signature: it was made in the future"
		return v
	}
	at := sig.CreationTime
	_, signer, err := openpgp.VerifyDetachedSignature(k.keys, bytes.NewReader(s.Payload), bytes.NewReader(raw), &packet.Config{Time: func() time.Time { return at }})
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		v.Finding, v.Message = missingKey, "gpg: Can't check signature: No public key"
	case errors.Is(err, pgperrors.ErrKeyExpired):
		v.Finding, v.Message = expiredKey, "gpg: Can't check signature: the key had expired"
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		v.Finding, v.Message = expired, "gpg: Can't check signature: the signature has expired"
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		v.Finding, v.Message = revokedKey, "gpg: Can't check signature: the key is revoked"
	case err != nil:
		v.Result, v.Finding, v.Message = Bad, badSignature, err.Error()
	case signer == nil:
		v.Finding, v.Message = missingKey, "gpg: Can't check signature: No public key"
	case revoked(signer, *sig.IssuerKeyId, now):
		v.Finding, v.Message = revokedKey, "gpg: Can't check signature: the key is revoked"
	default:
		v.Result, v.Finding, v.Primary = Good, signed, fmt.Sprintf("%016X", signer.PrimaryKey.KeyId)
	}
	return v
}

func revoked(signer *openpgp.Entity, id uint64, now time.Time) bool {
	if signer.Revoked(now) {
		return true
	}
	return slices.ContainsFunc(signer.Subkeys, func(key openpgp.Subkey) bool { return key.PublicKey.KeyId == id && key.Revoked(now) })
}

// KeyID is the 16 hexadecimal digits of a key ID or of a fingerprint (40 digits); empty if it is neither.
func KeyID(key string) string {
	key = strings.TrimPrefix(strings.TrimSpace(key), "0x")
	if strings.Trim(key, "0123456789abcdefABCDEF") != "" || len(key) != 16 && len(key) != 40 {
		return ""
	}
	return strings.ToUpper(key[len(key)-16:])
}
