package githost

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// maxOutput bounds what is read from a git command that isn't streamed: the refs of a repository, a list of commits.
const maxOutput = 16 << 20

// maxStderr is how much of git's complaints is kept for a log line.
const maxStderr = 4 << 10

// configuration is given to every git command, so that all repositories follow this version's settings, whenever they
// were made.
func (h *Host) configuration() []string {
	settings := []string{
		// A push that was acknowledged is still there after a power cut; batch makes that one flush per push.
		"core.fsync=objects,derived-metadata,reference",
		"core.fsyncMethod=batch",
		// Reflogs tell who pushed what, and keep what a forced push dropped.
		"core.logAllRefUpdates=always",
		"core.hooksPath=/dev/null",
		// Maintenance runs in its own time, not in a push's.
		"receive.autogc=false",
		"gc.autoDetach=false",
		"receive.maxInputSize=" + strconv.FormatInt(h.opts.MaxPush, 10),
		// Shallow and partial clones, and fetches of a commit that no branch points to any more.
		"uploadpack.allowFilter=true",
		"uploadpack.allowAnySHA1InWant=true",
	}
	args := make([]string, 0, 2*len(settings))
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

// command prepares a git command that sees neither this user's nor this machine's configuration.
func (h *Host) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, h.opts.Git, append(h.configuration(), args...)...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + filepath.Dir(h.opts.Git) + ":/usr/local/bin:/usr/bin:/bin", // for the shell of the guard and git's helpers
		"HOME=/nonexistent", "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_TERMINAL_PROMPT=0",
	}
	cmd.Cancel = func() error { return terminate(cmd.Process) } // lets git remove its lock files
	cmd.WaitDelay = 5 * time.Second
	h.orphans.adopt(cmd)
	return cmd
}

// git runs a command to its end and returns what it prints.
func (h *Host) git(ctx context.Context, dir string, stdin io.Reader, args ...string) ([]byte, error) {
	cmd := h.command(ctx, dir, args...)
	var stdout, stderr bounded
	stdout.limit, stderr.limit = maxOutput, maxStderr
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("running git %s: %w%s", args[0], err, stderr.after(": "))
	}
	if stdout.cut {
		return nil, fmt.Errorf("running git %s: the output is larger than %d bytes", args[0], maxOutput)
	}
	return stdout.data.Bytes(), nil
}

// bounded is a buffer that keeps the first limit bytes.
type bounded struct {
	data  bytes.Buffer
	limit int
	cut   bool
}

func (b *bounded) Write(p []byte) (int, error) {
	keep := min(len(p), b.limit-b.data.Len())
	b.data.Write(p[:keep])
	b.cut = b.cut || keep < len(p)
	return len(p), nil
}

// after returns what was kept as one line behind a prefix, or nothing.
func (b *bounded) after(prefix string) string {
	text := strings.Join(strings.Fields(b.data.String()), " ")
	if text == "" {
		return ""
	}
	return prefix + text
}
