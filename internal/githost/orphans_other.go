//go:build !unix

package githost

import (
	"context"
	"os"
	"os/exec"
	"time"
)

// orphanage can't tell on this system whether git commands of an earlier Host still run. They end within moments of it.
type orphanage struct{}

func openOrphanage(context.Context, string, time.Duration) (*orphanage, bool, error) {
	return &orphanage{}, true, nil
}

func (*orphanage) adopt(*exec.Cmd) {}

func (*orphanage) close() {}

// terminate ends a process. What it leaves behind is tidied up at the next start.
func terminate(p *os.Process) error { return p.Kill() }
