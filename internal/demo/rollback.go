package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
)

func stepRollback(ctx context.Context, w *world) error {
	w.as = operator
	for _, part := range []func(context.Context, *world) error{rollBackProduction, rollBackDev, revert, releaseProduction} {
		if err := part(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// rollBackProduction takes an earlier entry of the history, which the Rollout's rollback window lets through without
// steps, and holds it.
func rollBackProduction(ctx context.Context, w *world) error {
	if err := w.fairleadShown(ctx, "app", "history", "echo-production"); err != nil {
		return err
	}
	if err := w.fairleadShown(ctx, "app", "rollback", "echo-production"); err != nil {
		return err
	}
	if err := w.answers(ctx, "production", "echo", w.previousCode); err != nil {
		return err
	}
	return w.held(ctx, "echo-production")
}

// rollBackDev shows that automated sync does not undo a rollback, until it is released.
func rollBackDev(ctx context.Context, w *world) error {
	if err := w.fairleadShown(ctx, "app", "rollback", "echo-dev"); err != nil {
		return err
	}
	if err := w.answers(ctx, "dev", "echo", w.previousCode); err != nil {
		return err
	}
	w.say("the automated sync looks again, and leaves it alone")
	if _, err := w.fairleadOutput(ctx, "app", "get", "echo-dev", "--hard-refresh"); err != nil {
		return err
	}
	if err := w.answers(ctx, "dev", "echo", w.previousCode); err != nil {
		return err
	}
	if err := w.held(ctx, "echo-dev"); err != nil {
		return err
	}
	if err := w.fairleadShown(ctx, "app", "release", "echo-dev"); err != nil {
		return err
	}
	return w.answers(ctx, "dev", "echo", w.release)
}

// held checks that the status of an application says that it is held.
func (w *world) held(ctx context.Context, app string) error {
	return w.until(ctx, "the status of "+app+" to say that it is held", func() (bool, string, error) {
		text, err := w.fairleadOutput(ctx, "app", "get", app)
		if err != nil {
			return false, "", err
		}
		for _, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, "RollbackHold") {
				w.say("%s", line)
				return true, "", nil
			}
		}
		return false, text, nil
	})
}

// revert takes the release back in the code: a new commit, a new tag, the whole way again. Production is held, and left
// out.
func revert(ctx context.Context, w *world) error {
	if err := w.git(ctx, codeClone, "revert", "--no-edit", "HEAD"); err != nil {
		return err
	}
	release, err := semver.StrictNewVersion(w.release)
	if err != nil {
		return fmt.Errorf("reading the version of the release: %w", err)
	}
	w.release = release.IncPatch().String()
	if err := w.pushTag(ctx, w.release); err != nil {
		return err
	}
	if _, err := w.waitForBuild(ctx, w.release); err != nil {
		return err
	}
	if err := w.waitForWriteBack(ctx, "echo-dev", "echo-staging", "web-dev", "web-staging", "web-production"); err != nil {
		return err
	}
	if err := w.git(ctx, deployClone, "show", "--stat", "--format=%B", "HEAD"); err != nil {
		return err
	}
	text, err := w.gitOutput(ctx, deployClone, "show", "HEAD:helm/echo/.argocd-source-echo-production.yaml")
	if err != nil {
		return err
	}
	if strings.Contains(text, w.release) {
		return fmt.Errorf("the image updater wrote %s for echo-production, which is held", w.release)
	}
	w.say("echo-production is held and was left out")
	return w.answers(ctx, "dev", "echo", w.previousCode)
}

// releaseProduction ends the hold; the image updater then writes the tag that it had left out.
func releaseProduction(ctx context.Context, w *world) error {
	if err := w.fairleadShown(ctx, "app", "release", "echo-production"); err != nil {
		return err
	}
	return w.waitForWriteBack(ctx, "echo-production")
}
