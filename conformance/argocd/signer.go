package main

import (
	"bytes"
	"fmt"
)

// signHead replaces the commit that is checked out by the same one, signed; no gpg is needed for it.
func (s *scenario) signHead() error {
	commit, _, err := s.program("git", []string{"-C", s.clone, "cat-file", "commit", "HEAD"}, nil)
	if err != nil {
		return fmt.Errorf("reading the commit to sign: %w", err)
	}
	signed, err := s.signer.Commit([]byte(commit))
	if err != nil {
		return err
	}
	id, complaints, err := s.program("git", []string{"-C", s.clone, "hash-object", "-t", "commit", "-w", "--stdin"}, signed)
	if err != nil {
		return fmt.Errorf("writing the signed commit: %w: %s", err, complaints)
	}
	_, err = s.git("-C", s.clone, "reset", "--quiet", "--soft", string(bytes.TrimSpace([]byte(id))))
	return err
}
