package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// world is what the steps share.
type world struct {
	options  Options
	fairlead string
	// work holds the clones and the logins; it is gone after the demo.
	work  string
	fleet fleet
	// as is the user whose login the fairlead command uses.
	as     string
	stages stages
	// adminPassword is that of the hub's first account.
	adminPassword string
	// release is the version that is on its way, previous the one before, previousCode what the code of that one answers
	// as its version: after a revert it is older than the tag.
	release, previous, previousCode string
	// deployHead is the tip of the deployment repository before the release.
	deployHead string
	built      buildRecord
	// pushedAt is when the push began, readyAt when the new version answered in dev.
	pushedAt, readyAt time.Time
}

// newWorld makes a world that works in a folder.
func newWorld(options Options, work string) (*world, error) {
	fairlead, err := filepath.Abs(options.Fairlead)
	if err != nil {
		return nil, fmt.Errorf("finding the program: %w", err)
	}
	return &world{options: options, fairlead: fairlead, work: work, as: "admin"}, nil
}

// fairleadOutput runs fairlead as the current user and returns what it printed.
func (w *world) fairleadOutput(ctx context.Context, args ...string) (string, error) {
	return w.output(ctx, w.work, append([]string{w.fairlead}, args...)...)
}

// fairleadShown runs fairlead and shows the command and its output.
func (w *world) fairleadShown(ctx context.Context, args ...string) error {
	return w.shown(ctx, w.work, append([]string{w.fairlead}, args...)...)
}

// fairleadJSON runs fairlead with -o json and decodes its output.
func (w *world) fairleadJSON(ctx context.Context, into any, args ...string) error {
	text, err := w.fairleadOutput(ctx, append(args, "-o", "json")...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("reading the output of fairlead %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// kubectl runs kubectl against a cluster of the fleet and returns what it printed.
func (w *world) kubectl(ctx context.Context, cluster string, args ...string) (string, error) {
	return w.fairleadOutput(ctx, append(w.local("kubectl", cluster, "--"), args...)...)
}

// kubectlShown runs kubectl and shows the command and its output.
func (w *world) kubectlShown(ctx context.Context, cluster string, args ...string) error {
	return w.fairleadShown(ctx, append(w.local("kubectl", cluster, "--"), args...)...)
}

// git runs git in a clone.
func (w *world) git(ctx context.Context, clone string, args ...string) error {
	return w.shown(ctx, filepath.Join(w.work, clone), append([]string{"git"}, args...)...)
}

// gitOutput runs git in a clone and returns what it printed.
func (w *world) gitOutput(ctx context.Context, clone string, args ...string) (string, error) {
	text, err := w.output(ctx, filepath.Join(w.work, clone), append([]string{"git"}, args...)...)
	return strings.TrimSpace(text), err
}

func (w *world) shown(ctx context.Context, dir string, argv ...string) error {
	w.say("$ %s", display(argv))
	text, err := w.output(ctx, dir, argv...)
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if line != "" {
			fmt.Fprintf(w.options.Out, "    %s\n", line)
		}
	}
	return err
}

// fairleadStreamed runs fairlead and shows its output as it comes: it may take long.
func (w *world) fairleadStreamed(ctx context.Context, args ...string) error {
	w.say("$ %s", display(append([]string{w.fairlead}, args...)))
	cmd := exec.CommandContext(ctx, w.fairlead, args...)
	cmd.Dir, cmd.Env = w.work, append(os.Environ(), w.environment()...)
	cmd.Stdout, cmd.Stderr = w.options.Out, w.options.Out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", display(append([]string{"fairlead"}, args...)), err)
	}
	return nil
}

// output runs a command and returns its standard output; the error holds its standard error.
func (w *world) output(ctx context.Context, dir string, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), w.environment()...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return out.String(), &commandError{command: display(argv), text: strings.TrimSpace(errOut.String()), err: err}
	}
	return out.String(), nil
}

func (w *world) environment() []string {
	return []string{
		"FAIRLEAD_CONFIG=" + filepath.Join(w.work, "logins-"+w.as),
		"GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + filepath.Join(w.work, "gitconfig"),
	}
}

// commandError is a command that failed.
type commandError struct {
	command, text string
	err           error
}

func (e *commandError) Error() string { return fmt.Sprintf("%s: %v: %s", e.command, e.err, e.text) }
func (e *commandError) Unwrap() error { return e.err }

// unreachable tells whether a command says that the hub doesn't answer, as while it restarts.
func unreachable(err error) bool {
	var failed *commandError
	return errors.As(err, &failed) && strings.Contains(failed.text, "reaching the hub")
}

func display(argv []string) string {
	shown := append([]string{filepath.Base(argv[0])}, argv[1:]...)
	for i, arg := range shown {
		if strings.ContainsAny(arg, " \t\n\"'") {
			shown[i] = fmt.Sprintf("%q", arg)
		}
		if i > 0 && shown[i-1] == "--password" {
			shown[i] = "…"
		}
	}
	return strings.Join(shown, " ")
}

func (w *world) say(format string, args ...any) {
	fmt.Fprintf(w.options.Out, "  "+format+"\n", args...)
}

// until asks again and again until the answer is yes, the context ends, or asking is an error. What is waited for is
// named in the error, with the last answer.
func (w *world) until(ctx context.Context, what string, ask func() (yes bool, state string, err error)) error {
	var last string
	for {
		yes, state, err := ask()
		if unreachable(err) {
			state, err = "the hub is away", nil
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		if yes {
			return nil
		}
		if err == nil {
			last = state
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: no more time; at last: %s", what, last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
