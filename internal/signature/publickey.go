package signature

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// PublicKey describes a public key in gpg's words.
type PublicKey struct {
	// ID has 16 hexadecimal digits, upper case, the last of Fingerprint.
	ID, Fingerprint string
	// Owner is the first identity that the key names, Algorithm such as rsa4096.
	Owner, Algorithm string
	// Armored is the key with its identities and subkeys.
	Armored string
}

const (
	beginKey = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	// maxKeys bounds the keys of one input.
	maxKeys = 256
)

// PublicKeys reads the keys of a text, one or more armored blocks of one or more keys.
func PublicKeys(text string) ([]PublicKey, error) {
	if strings.Contains(text, "PRIVATE KEY BLOCK") {
		return nil, errors.New("the input has a private key, which nobody should hand out; export the public one")
	}
	var keys []PublicKey
	_, rest, found := strings.Cut(text, beginKey)
	if !found {
		return nil, errors.New("the input has no armored public key")
	}
	for block := range strings.SplitSeq(rest, beginKey) {
		entities, err := openpgp.ReadArmoredKeyRing(strings.NewReader(beginKey + block))
		if err != nil {
			return nil, fmt.Errorf("reading a public key: %w", err)
		}
		for _, entity := range entities {
			if len(keys) == maxKeys {
				return nil, fmt.Errorf("the input has more than %d keys", maxKeys)
			}
			key, err := describe(entity)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func describe(entity *openpgp.Entity) (PublicKey, error) {
	if entity.PrivateKey != nil {
		return PublicKey{}, errors.New("the input has a private key")
	}
	key := PublicKey{
		ID: fmt.Sprintf("%016X", entity.PrimaryKey.KeyId), Fingerprint: fmt.Sprintf("%X", entity.PrimaryKey.Fingerprint),
		Algorithm: algorithmName(entity.PrimaryKey),
	}
	if identity := entity.PrimaryIdentity(); identity != nil {
		key.Owner = identity.Name
	}
	var armored bytes.Buffer
	w, err := armor.Encode(&armored, openpgp.PublicKeyType, nil)
	if err != nil {
		return key, err
	}
	if err := entity.Serialize(w); err != nil {
		return key, fmt.Errorf("writing public key %s: %w", key.ID, err)
	}
	if err := w.Close(); err != nil {
		return key, err
	}
	key.Armored = armored.String() + "\n"
	return key, nil
}

// curves are gpg's names of those of this library.
var curves = map[string]string{
	"Curve25519": "ed25519", "Curve448": "ed448", "P256": "nistp256", "P384": "nistp384", "P521": "nistp521", "SecP256k1": "secp256k1",
	"BrainpoolP256": "brainpoolP256r1", "BrainpoolP384": "brainpoolP384r1", "BrainpoolP512": "brainpoolP512r1",
}

// algorithmName is gpg's: the algorithm with its length, or the curve.
func algorithmName(key *packet.PublicKey) string {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoEd25519:
		return "ed25519"
	case packet.PubKeyAlgoEd448:
		return "ed448"
	}
	if curve, err := key.Curve(); err == nil {
		if name, ok := curves[string(curve)]; ok {
			return name
		}
	}
	bits, err := key.BitLength()
	if err != nil {
		return strings.ToLower(ciphers[key.PubKeyAlgo])
	}
	return fmt.Sprintf("%s%d", strings.ToLower(ciphers[key.PubKeyAlgo]), bits)
}
