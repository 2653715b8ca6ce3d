//go:build !linux

package network

import (
	"errors"
	"net/netip"
)

// InUse is empty where there are no nodes that could need a range.
func InUse() ([]netip.Prefix, error) { return nil, nil }

// Ensure needs Linux.
func (b Bridge) Ensure() error { return errors.ErrUnsupported }

// Exists reports false: there is no bridge elsewhere than on Linux.
func (b Bridge) Exists() bool { return false }

// Remove has nothing to remove.
func (b Bridge) Remove() error { return nil }
