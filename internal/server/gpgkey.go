package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/signature"
)

// gpgKeys are the configured keys, by id. Each entry must be one key, under its own id.
func (s *Server) gpgKeys(ctx context.Context) (map[string]protocol.GPGKey, error) {
	data, err := s.options.Settings.GPGKeys(ctx)
	if err != nil {
		return nil, err
	}
	keys := map[string]protocol.GPGKey{}
	for name, text := range data {
		id := signature.KeyID(name)
		if id == "" {
			return nil, fmt.Errorf("error validating key ID %q in GPG keys configmap: %w", name, noKeyID(name))
		}
		parsed, err := signature.PublicKeys(text)
		if err == nil && len(parsed) != 1 {
			err = errors.New("more than one key found in input data")
		}
		if err != nil {
			return nil, fmt.Errorf("error parsing GPG key for entry %q: %w", id, err)
		}
		if parsed[0].ID != id {
			return nil, fmt.Errorf("key parsed for entry with key ID '%s' had different key ID '%s'", id, parsed[0].ID)
		}
		key := gpgKey(parsed[0])
		key.KeyData = text
		keys[id] = key
	}
	return keys, nil
}

func noKeyID(text string) error { return fmt.Errorf("'%s' is not a valid GnuPG key ID", clip(text)) }

func gpgKey(key signature.PublicKey) protocol.GPGKey {
	return protocol.GPGKey{
		KeyID: key.ID, Fingerprint: key.Fingerprint, Owner: key.Owner, Trust: "unknown", SubType: key.Algorithm, KeyData: key.Armored,
	}
}

func (s *Server) listGPGKeys(ctx context.Context, c *call, _ *protocol.GPGKeyQuery) (*protocol.GPGKeyList, error) {
	if err := c.allow(""); err != nil {
		return nil, err
	}
	keys, err := s.gpgKeys(ctx)
	if err != nil {
		return nil, err
	}
	list := &protocol.GPGKeyList{Items: []protocol.GPGKey{}}
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		key := keys[id]
		key.KeyData = ""
		list.Items = append(list.Items, key)
	}
	return list, nil
}

func (s *Server) getGPGKey(ctx context.Context, c *call, q *protocol.GPGKeyQuery) (*protocol.GPGKey, error) {
	if err := c.allow(""); err != nil {
		return nil, err
	}
	id := signature.KeyID(q.KeyID)
	if id == "" {
		return nil, noKeyID(q.KeyID)
	}
	keys, err := s.gpgKeys(ctx)
	if err != nil {
		return nil, err
	}
	key, ok := keys[id]
	if !ok {
		return nil, fmt.Errorf("no such key: %s", id)
	}
	return &key, nil
}

// createGPGKeys adds the keys that aren't there yet.
func (s *Server) createGPGKeys(ctx context.Context, c *call, q *protocol.GPGKeyCreateRequest) (*protocol.GPGKeyCreateResponse, error) {
	if err := c.allow(""); err != nil {
		return nil, err
	}
	if q.PublicKey == nil || strings.TrimSpace(q.PublicKey.KeyData) == "" {
		return nil, errors.New("submitted key data is empty")
	}
	keys, err := signature.PublicKeys(q.PublicKey.KeyData)
	if err != nil {
		return nil, fmt.Errorf("error validating PGP keys from input: %w", err)
	}
	var answer *protocol.GPGKeyCreateResponse
	err = s.changeConfigMap(ctx, settings.GPGKeysConfigMap, func(data map[string]string) error {
		answer = &protocol.GPGKeyCreateResponse{Created: &protocol.GPGKeyList{Items: []protocol.GPGKey{}}}
		for _, key := range keys {
			if _, exists := data[key.ID]; exists {
				answer.Skipped = append(answer.Skipped, key.ID)
				continue
			}
			data[key.ID] = key.Armored
			answer.Created.Items = append(answer.Created.Items, gpgKey(key))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("error saving GPG public key data: %w", err)
	}
	return answer, nil
}

func (s *Server) deleteGPGKey(ctx context.Context, c *call, q *protocol.GPGKeyQuery) (*protocol.GPGKeyResponse, error) {
	if err := c.allow(""); err != nil {
		return nil, err
	}
	err := s.changeConfigMap(ctx, settings.GPGKeysConfigMap, func(data map[string]string) error {
		if _, exists := data[q.KeyID]; !exists {
			return fmt.Errorf("no such key configured: %s", q.KeyID)
		}
		delete(data, q.KeyID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &protocol.GPGKeyResponse{}, nil
}
