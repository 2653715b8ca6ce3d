package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// buildRecord is what `fairlead build list -o json` tells of a build.
type buildRecord struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Images []string `json:"images"`
	} `json:"spec"`
	Status struct {
		Phase      string    `json:"phase"`
		Message    string    `json:"message"`
		Digest     string    `json:"digest"`
		StartedAt  time.Time `json:"startedAt"`
		FinishedAt time.Time `json:"finishedAt"`
	} `json:"status"`
}

func (b buildRecord) took() string { return seconds(b.Status.FinishedAt.Sub(b.Status.StartedAt)) }

func stepBuild(ctx context.Context, w *world) error {
	if err := w.git(ctx, deployClone, "pull", "--quiet", "--ff-only"); err != nil {
		return err
	}
	head, err := w.gitOutput(ctx, deployClone, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	w.deployHead = head
	if err := w.pushRelease(ctx, w.release, "version "+w.release); err != nil {
		return err
	}
	name, err := w.buildOf(ctx, w.release)
	if err != nil {
		return err
	}
	if err := w.fairleadShown(ctx, "build", "logs", "-f", name); err != nil {
		return err
	}
	build, err := w.waitForBuild(ctx, w.release)
	if err != nil {
		return err
	}
	w.say("%s is %s, built in %s", build.Spec.Images[0], build.Status.Digest, build.took())
	w.built = build
	return nil
}

// pushRelease commits the version, tags it and pushes branch and tag in one go. Without a message the tree stays as it is.
func (w *world) pushRelease(ctx context.Context, version, message string) error {
	if message != "" {
		text := "package main\n\n// version is what /version answers. Change it, commit, tag release-v<version>, push: the rest is Fairlead's.\n" +
			fmt.Sprintf("const version = %q\n", version)
		if err := os.WriteFile(filepath.Join(w.work, codeClone, "version.go"), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the new version: %w", err)
		}
		if err := w.git(ctx, codeClone, "commit", "--quiet", "-am", message); err != nil {
			return err
		}
	}
	return w.pushTag(ctx, version)
}

// pushTag tags the commit and pushes it; w.pushedAt is when the push began.
func (w *world) pushTag(ctx context.Context, version string) error {
	if err := w.git(ctx, codeClone, "tag", "release-v"+version); err != nil {
		return err
	}
	w.pushedAt = time.Now()
	return w.git(ctx, codeClone, "push", "--quiet", "origin", "main", "release-v"+version)
}

// buildOf is the name of the build that makes a version, as soon as there is one.
func (w *world) buildOf(ctx context.Context, version string) (name string, err error) {
	err = w.until(ctx, "a build of "+version, func() (bool, string, error) {
		build, found, err := w.findBuild(ctx, version)
		name = build.Metadata.Name
		return found, "no build yet", err
	})
	return name, err
}

// waitForBuild waits until the build of a version has succeeded; that it failed is an error.
func (w *world) waitForBuild(ctx context.Context, version string) (build buildRecord, err error) {
	err = w.until(ctx, "the image of "+version, func() (done bool, state string, err error) {
		var found bool
		build, found, err = w.findBuild(ctx, version)
		switch {
		case err != nil || !found:
			return false, "no build yet", err
		case build.Status.Phase == "Failed" || build.Status.Phase == "Cancelled":
			return false, "", fmt.Errorf("build %s: %s: %s", build.Metadata.Name, build.Status.Phase, build.Status.Message)
		}
		return build.Status.Phase == "Succeeded", build.Status.Phase, nil
	})
	return build, err
}

func (w *world) findBuild(ctx context.Context, version string) (build buildRecord, found bool, err error) {
	var list struct {
		Items []buildRecord `json:"items"`
	}
	if err := w.fairleadJSON(ctx, &list, "build", "list", "--rule", releaseRule); err != nil {
		return buildRecord{}, false, err
	}
	for _, b := range list.Items {
		if len(b.Spec.Images) > 0 && strings.HasSuffix(b.Spec.Images[0], ":"+version) {
			return b, true, nil
		}
	}
	return buildRecord{}, false, nil
}
