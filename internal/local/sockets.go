package local

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// socketPathLimit leaves room for the longest file name in a path of 107 bytes, which is the kernel's limit.
const socketPathLimit = 107 - len("/0123456789012345678901234567890123456789.sock")

// socketDir returns a short path of the fleet's folder for sockets: itself, or a link to it in the temporary folder.
func socketDir(dir string) (string, error) {
	run := filepath.Join(dir, "run")
	if len(run) <= socketPathLimit {
		return run, nil
	}
	sum := sha256.Sum256([]byte(run))
	link := filepath.Join(os.TempDir(), "fairlead-"+hex.EncodeToString(sum[:6]))
	// Others may write to the temporary folder too: the link is only good if it leads where it must.
	if target, err := os.Readlink(link); err == nil && target == run {
		return link, nil
	}
	if err := os.Symlink(run, link); err != nil {
		return "", fmt.Errorf("linking a short path for sockets to %s: %w", run, err)
	}
	return link, nil
}

// open reads the fleet in the folder.
func open(dir string, tools Tools) (*Fleet, error) {
	state, err := loadState(dir)
	if err != nil {
		return nil, err
	}
	return newFleet(dir, state, tools)
}

func newFleet(dir string, state State, tools Tools) (*Fleet, error) {
	sockets, err := socketDir(dir)
	if err != nil {
		return nil, err
	}
	return &Fleet{Dir: dir, State: state, Tools: tools, sockets: sockets}, nil
}
