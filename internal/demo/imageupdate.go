package demo

import (
	"context"
	"fmt"
	"strings"
)

// applications are all that follow the image.
var applications = []string{"echo-dev", "echo-production", "echo-staging", "web-dev", "web-production", "web-staging"}

func stepImageUpdate(ctx context.Context, w *world) error {
	if err := w.waitForWriteBack(ctx, applications...); err != nil {
		return err
	}
	count, err := w.gitOutput(ctx, deployClone, "rev-list", "--count", w.deployHead+"..HEAD")
	if err != nil {
		return err
	}
	if count != "1" {
		return fmt.Errorf("the tag was written in %s commits: it should be one for all applications", count)
	}
	return w.git(ctx, deployClone, "show", "--stat", "--format=commit %h%nauthor %an <%ae>%n%n%B", "HEAD")
}

// waitForWriteBack waits until the deployment repository names the release for the given applications.
func (w *world) waitForWriteBack(ctx context.Context, apps ...string) error {
	return w.until(ctx, "the tag "+w.release+" in the deployment repository", func() (bool, string, error) {
		if _, err := w.gitOutput(ctx, deployClone, "pull", "--quiet", "--ff-only"); err != nil {
			return false, err.Error(), nil // the Git host may be restarting
		}
		for _, app := range apps {
			file, err := w.gitOutput(ctx, deployClone, "ls-files", "*.argocd-source-"+app+".yaml")
			if err != nil {
				return false, "", err
			}
			if file == "" {
				return false, app + " has no file of parameters yet", nil
			}
			text, err := w.gitOutput(ctx, deployClone, "show", "HEAD:"+file)
			if err != nil {
				return false, "", err
			}
			if !strings.Contains(text, w.release) {
				return false, app + " is not at " + w.release + " yet", nil
			}
		}
		return true, "", nil
	})
}
