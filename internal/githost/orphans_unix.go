//go:build unix

package githost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// orphanPause is how often it is looked whether orphans have ended.
const orphanPause = 20 * time.Millisecond

// orphanage knows whether git commands of an earlier Host still run. A Host that is killed leaves some: they find their pipes
// closed and end soon, but a start that looks at the repositories before would miss what they do last, and would take
// their lock files for leftovers. So every git command inherits an open, locked file, and the kernel frees the lock
// when the last of them has ended.
type orphanage struct{ file *os.File }

// openOrphanage waits until no git command of an earlier Host runs, but not longer than the time given: then alone is false.
func openOrphanage(ctx context.Context, path string, wait time.Duration) (o *orphanage, alone bool, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return &orphanage{file}, true, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = file.Close()
			return nil, false, fmt.Errorf("locking %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			return &orphanage{file}, false, nil
		case <-time.After(orphanPause):
		}
	}
}

// adopt has a command inherit the file.
func (o *orphanage) adopt(cmd *exec.Cmd) { cmd.ExtraFiles = append(cmd.ExtraFiles, o.file) }

func (o *orphanage) close() { _ = o.file.Close() }

// terminate asks a process to end, with a chance to tidy up.
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
