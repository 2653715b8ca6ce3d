package git

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// push sends a commit to a branch of the remote, and moves the mirror's branch along. The error is errMoved if somebody was
// faster, and a *RefusedError if the host doesn't want it.
func (r *Repository) push(ctx context.Context, commit, branch string) error {
	// The lock keeps a fetch that saw the branch before the push from writing that over the new tip.
	if err := acquire(ctx, r.transport); err != nil {
		return err
	}
	defer func() { <-r.transport }()
	url, env, err := r.access(ctx)
	if err != nil {
		return err
	}
	limited, cancel := r.store.limit(ctx)
	defer cancel()
	cmd := r.store.command(limited, r.dir, env, "push", "--porcelain", "--no-verify", "--", url, commit+":refs/heads/"+branch)
	stdout, stderr, err := r.store.run(limited, r.store.placesAt(r.where), cmd)
	if errors.Is(err, errExit) {
		return pushError(string(stdout), stderr, branch, err)
	}
	if err != nil {
		return fmt.Errorf("pushing: %w", err)
	}
	if _, err := r.store.git(ctx, r.dir, nil, "update-ref", "refs/heads/"+branch, commit); err != nil {
		// The remote has the commit, which is what counts; the next fetch brings the ref.
		slog.WarnContext(ctx, "moving the mirror's branch after a push", "repository", r.URL(), "branch", branch, "error", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refs = nil
	return nil
}

// pushError reads the status line of git push --porcelain: "!\t<from>:<to>\t[rejected] (fetch first)". A "[rejected]" is
// git's own judgement, a "[remote rejected]" the host's.
func pushError(stdout, stderr, branch string, err error) error {
	for line := range strings.Lines(stdout) {
		fields := strings.SplitN(strings.TrimSpace(line), "\t", 3)
		if len(fields) != 3 || fields[0] != "!" {
			continue
		}
		status, reason, _ := strings.Cut(fields[2], "(")
		reason = strings.TrimSuffix(reason, ")")
		if reason == "" {
			reason = status
		}
		if strings.HasPrefix(status, "[rejected]") || isRace(reason) {
			return fmt.Errorf("%w: %s", errMoved, reason)
		}
		return &RefusedError{Branch: branch, Reason: strings.TrimSpace(reason), Message: hostMessage(stderr)}
	}
	failure := classify(stderr, err)
	if errors.Is(failure, ErrAuthentication) {
		return &authenticationRefused{RefusedError{Branch: branch, Reason: "no permission to push", Message: failure.Error()}}
	}
	return fmt.Errorf("pushing: %w", failure)
}

// authenticationRefused is a refused push that is also ErrAuthentication.
type authenticationRefused struct{ refused RefusedError }

func (e *authenticationRefused) Error() string   { return e.refused.Error() }
func (e *authenticationRefused) Unwrap() []error { return []error{&e.refused, ErrAuthentication} }

// isRace tells whether the host refused only because another push held the branch at that moment.
func isRace(reason string) bool {
	for _, words := range []string{"cannot lock ref", "failed to update ref", "failed to lock", "incorrect old value", "reference already exists", "stale info"} {
		if strings.Contains(reason, words) {
			return true
		}
	}
	return false
}

// hostMessage joins the lines that the host wrote for people ("remote: …").
func hostMessage(stderr string) string {
	var lines []string
	for line := range strings.Lines(stderr) {
		if text, ok := strings.CutPrefix(line, "remote:"); ok {
			if text = strings.Trim(text, " \t\r\n\x1b[K"); text != "" {
				lines = append(lines, text)
			}
		}
	}
	return cleanOutput(strings.Join(lines, "\n"))
}
