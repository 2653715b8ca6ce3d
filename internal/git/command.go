package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// settings are git configuration that is passed in environment variables (GIT_CONFIG_COUNT, GIT_CONFIG_KEY_n and
// GIT_CONFIG_VALUE_n; git 2.31 and later).
type settings []struct{ key, value string }

func (s *settings) set(key, value string) {
	*s = append(*s, struct{ key, value string }{key, value})
}

func (s settings) environment() []string {
	if len(s) == 0 {
		return nil
	}
	env := []string{"GIT_CONFIG_COUNT=" + strconv.Itoa(len(s))}
	for i, setting := range s {
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+setting.key, "GIT_CONFIG_VALUE_"+n+"="+setting.value)
	}
	return env
}

// baseConfig goes before every command, because the machine's configuration isn't read.
var baseConfig = []string{
	"-c", "core.askPass=", "-c", "credential.helper=", "-c", "core.hooksPath=/dev/null", "-c", "safe.directory=*",
	"-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "protocol.version=2", "-c", "core.fsync=none",
	// A transfer that moves less than a kilobyte in 30 seconds is dead.
	"-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30",
	"-c", "http.followRedirects=initial", "-c", "advice.statusHints=false", "-c", "fetch.writeCommitGraph=false",
}

// maxOutput bounds what one git command may print; refs of a repository with 500,000 branches fit.
const maxOutput = 64 << 20

// environ is the environment of every git process: that of the hub (PATH, proxies, certificates) without anything that
// would change what git does.
func environ(inherited []string, home string, extra []string) []string {
	var env []string
	for _, variable := range inherited {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case strings.HasPrefix(name, "GIT_"), strings.HasPrefix(name, "LC_"), strings.HasPrefix(name, "SSH_"),
			name == "LANG", name == "LANGUAGE", name == "HOME", name == "XDG_CONFIG_HOME", name == "DISPLAY":
			continue
		}
		env = append(env, variable)
	}
	env = append(env, "HOME="+home, "XDG_CONFIG_HOME="+home, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=http:https:ssh:git:file", "GIT_OPTIONAL_LOCKS=0")
	return append(env, extra...)
}

// command prepares a git process in its own process group, which is killed as a whole when ctx ends.
func (s *Store) command(ctx context.Context, dir string, extraEnv []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.options.Git, append(append([]string{"--git-dir=" + dir}, baseConfig...), args...)...)
	cmd.Env = environ(cmd.Environ(), s.home(), extraEnv)
	cmd.Dir = s.home()
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	// Pipes are closed by force when a grandchild keeps them open after the kill.
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// git runs one command of this machine to its end and returns its standard output.
func (s *Store) git(ctx context.Context, dir string, extraEnv []string, args ...string) ([]byte, error) {
	return s.gitIn(ctx, s.slots, dir, extraEnv, args...)
}

// gitIn runs a command that takes one of the places.
func (s *Store) gitIn(ctx context.Context, places chan struct{}, dir string, extraEnv []string, args ...string) ([]byte, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	stdout, stderr, err := s.run(ctx, places, s.command(ctx, dir, extraEnv, args...))
	if errors.Is(err, errExit) {
		return nil, classify(stderr, err)
	}
	return stdout, err
}

// limit bounds the time of a command.
func (s *Store) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.options.Timeout, fmt.Errorf("%w: no answer within %s", ErrUnreachable, s.options.Timeout))
}

// errExit means that git ran and ended with a failure, which its standard error explains.
var errExit = errors.New("git failed")

// run waits for a place among the parallel commands, and for the command's end.
func (s *Store) run(ctx context.Context, places chan struct{}, cmd *exec.Cmd) (output []byte, stderr string, err error) {
	if err := acquire(ctx, places); err != nil {
		return nil, "", err
	}
	defer func() { <-places }()
	stdout, messages := &bounded{limit: maxOutput}, &bounded{limit: 64 << 10, drop: true}
	cmd.Stdout, cmd.Stderr = stdout, messages
	err = cmd.Run()
	switch {
	case err == nil:
		return stdout.Bytes(), messages.String(), nil
	case ctx.Err() != nil:
		return nil, "", context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound):
		return nil, "", fmt.Errorf("running git: %w: install git 2.31 or later on this machine", err)
	}
	return stdout.Bytes(), messages.String(), fmt.Errorf("%w: %w", errExit, err)
}

// bounded is a buffer that refuses, or with drop silently leaves out, what is over its limit.
type bounded struct {
	bytes.Buffer
	limit int
	drop  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.limit - b.Len()
	if len(p) <= room {
		return b.Buffer.Write(p)
	}
	if b.drop {
		b.Buffer.Write(p[:max(room, 0)])
		return len(p), nil
	}
	return 0, fmt.Errorf("git's output %w (over %d bytes)", ErrTooLarge, b.limit)
}

var _ io.Writer = (*bounded)(nil)
