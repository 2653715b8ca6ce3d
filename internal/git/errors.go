package git

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// What can be wrong, for errors.Is. The error's text has the details and, where there is something to do, a hint.
var (
	// ErrAuthentication means that the host wants credentials, or doesn't accept those that it got.
	ErrAuthentication = errors.New("the Git host refused the credentials")
	// ErrRepositoryNotFound means that the host answers, but has no such repository (or hides it from these credentials).
	ErrRepositoryNotFound = errors.New("the Git host has no such repository")
	// ErrUnreachable means that the host didn't answer, or not in time.
	ErrUnreachable = errors.New("the Git host can't be reached")
	// ErrUnknownRevision means that the repository has no branch, tag, commit or version of that name.
	ErrUnknownRevision = errors.New("no such branch, tag, or commit")
	// ErrNoChange means that an edit leaves the branch as it is; nothing was committed.
	ErrNoChange = errors.New("nothing to commit")
	// ErrOutsideRepository means that a path or symbolic link leads out of the repository.
	ErrOutsideRepository = errors.New("leads out of the repository")
	// ErrTooLarge means that a file or listing is over the bound of Options.MaxFileBytes.
	ErrTooLarge = errors.New("is too large")
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("the store of Git mirrors is closed")
	// ErrDamaged means that the mirror itself can't be read, which says nothing of the repository: try again. The mirror is
	// cloned anew at the next fetch, resolution, or opening of a commit.
	ErrDamaged = errors.New("the local mirror is damaged")
)

// RefusedError is a push that the host understood and refused: a protected branch, a hook, a missing permission.
// Trying again doesn't help until somebody changes something at the host.
type RefusedError struct {
	// Branch is the branch that would have moved.
	Branch string
	// Reason is Git's one-line reason, such as "pre-receive hook declined".
	Reason string
	// Message is what the host said to the person who pushes; may be empty.
	Message string
}

func (e *RefusedError) Error() string {
	text := fmt.Sprintf("the Git host refused the push to branch %q: %s", e.Branch, e.Reason)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// symptoms maps what git prints to what it means. Git's messages are stable under LC_ALL=C; hosts' differ, so the list
// holds the common ones, and anything unknown is passed on as it is.
var symptoms = []struct {
	words   string
	meaning error
}{
	{" through the proxy ", ErrUnreachable}, // what is wrong is in between, whatever follows
	{"authentication failed", ErrAuthentication},
	{"could not read username", ErrAuthentication},
	{"could not read password", ErrAuthentication},
	{"terminal prompts disabled", ErrAuthentication},
	{"permission denied (", ErrAuthentication},
	{"host key verification failed", ErrAuthentication},
	{"returned error: 401", ErrAuthentication},
	{"returned error: 403", ErrAuthentication},
	{"invalid credentials", ErrAuthentication},
	{"repository not found", ErrRepositoryNotFound},
	{"not found", ErrRepositoryNotFound},
	{"does not appear to be a git repository", ErrRepositoryNotFound},
	{"does not exist", ErrRepositoryNotFound},
	{"could not resolve host", ErrUnreachable},
	{"failed to connect", ErrUnreachable},
	{"couldn't connect", ErrUnreachable},
	{"connection refused", ErrUnreachable},
	{"connection timed out", ErrUnreachable},
	{"connection reset", ErrUnreachable},
	{"no route to host", ErrUnreachable},
	{"network is unreachable", ErrUnreachable},
	{"operation too slow", ErrUnreachable},
	{"operation timed out", ErrUnreachable},
	{"early eof", ErrUnreachable},
	{"the remote end hung up", ErrUnreachable},
	{"returned error: 5", ErrUnreachable},
	{"empty reply from server", ErrUnreachable},
}

// damage are the words by which git tells that objects or refs of the mirror are unusable.
var damage = []string{
	"not a git repository", "is corrupt", "bad object", "unable to read", "missing blob", "missing tree",
	"missing necessary objects", "did not send all necessary objects", "inflate: ", "does not match index",
	"unresolved delta", "bad signature", "loose object", "packfile ", "unable to parse object", "broken ref",
	"is not a valid object", "invalid sha1 pointer", "bad config line",
}

// classify turns a failed git command into an error with a meaning, without secrets.
func classify(stderr string, err error) error {
	text := cleanOutput(stderr)
	if text == "" {
		text = err.Error()
	}
	lower := strings.ToLower(text)
	if strings.Contains(lower, "host identification has changed") {
		// ssh's banner fills a screen, and names files of the hub.
		return fmt.Errorf("%w: the SSH host shows another key than the known hosts have for it: if it was changed on purpose, correct argocd-ssh-known-hosts-cm",
			ErrAuthentication)
	}
	for _, words := range damage {
		if strings.Contains(lower, words) && !strings.Contains(lower, "remote: ") {
			return fmt.Errorf("%w: %s", ErrDamaged, text)
		}
	}
	for _, symptom := range symptoms {
		if strings.Contains(lower, symptom.words) {
			return fmt.Errorf("%w: %s", symptom.meaning, text)
		}
	}
	return errors.New(text)
}

var (
	userinfo    = regexp.MustCompile(`([a-z+]+://)[^/@\s]+@`)
	boilerplate = regexp.MustCompile(`(?m)^(warning: .*|hint: .*|Cloning into .*|Please make sure you have the correct access rights|and the repository exists\.|fatal: Could not read from remote repository\.)$`)
)

// cleanOutput makes one readable line of git's standard error: no progress, no boilerplate, no user information in URLs,
// at most 1,000 characters.
func cleanOutput(stderr string) string {
	stderr = userinfo.ReplaceAllString(stderr, "$1")
	if cleaned := boilerplate.ReplaceAllString(stderr, ""); strings.TrimSpace(cleaned) != "" {
		stderr = cleaned
	}
	var lines []string
	for _, line := range strings.FieldsFunc(stderr, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimSpace(strings.TrimPrefix(line, "fatal: ")); line != "" {
			lines = append(lines, strings.TrimPrefix(line, "error: "))
		}
	}
	text := strings.Join(lines, "; ")
	if len(text) > 1000 {
		text = text[:1000] + "…"
	}
	return strings.ToValidUTF8(text, "?")
}
