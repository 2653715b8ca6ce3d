// Package signaturetest signs commits and tags as git does, without gpg: for tests and conformance programs, which have what
// package signature then verifies. Start with NewKey.
package signaturetest

import (
	"bytes"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Key is a new OpenPGP key of Ann's.
type Key struct {
	// ID are the 16 hexadecimal digits by which gpg names the key, Public its public half, armored.
	ID, Public string
	entity     *openpgp.Entity
}

// NewKey makes a key.
func NewKey() (*Key, error) {
	entity, err := openpgp.NewEntity("Ann", "", "ann@example.com", nil)
	if err != nil {
		return nil, fmt.Errorf("making a signing key: %w", err)
	}
	var public bytes.Buffer
	w, err := armor.Encode(&public, openpgp.PublicKeyType, nil)
	if err == nil {
		err = entity.Serialize(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("writing a public key: %w", err)
	}
	return &Key{ID: entity.PrimaryKey.KeyIdString(), Public: public.String(), entity: entity}, nil
}

// Commit is a commit's object, which has no signature, signed.
func (k *Key) Commit(object []byte) ([]byte, error) {
	signature, err := k.sign(object)
	if err != nil {
		return nil, err
	}
	header, message, _ := bytes.Cut(object, []byte("\n\n"))
	return fmt.Appendf(nil, "%s\ngpgsig %s\n\n%s", header, bytes.ReplaceAll(signature, []byte("\n"), []byte("\n ")), message), nil
}

// Tag is an annotated tag's object, signed.
func (k *Key) Tag(object []byte) ([]byte, error) {
	signature, err := k.sign(object)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s%s\n", object, signature), nil
}

func (k *Key) sign(object []byte) ([]byte, error) {
	var signature bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&signature, k.entity, bytes.NewReader(object), nil); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return bytes.TrimSpace(signature.Bytes()), nil
}
