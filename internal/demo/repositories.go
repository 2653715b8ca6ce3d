package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// The clones, by folder under w.work, and the repositories that they are of.
const (
	codeClone   = "echo-server"
	deployClone = "deployment"
)

// The addresses that the examples are written with.
const (
	exampleGit      = "http://127.0.0.1:3000"
	exampleRegistry = "127.0.0.1:5000"
)

// releaseRule is the BuildRule that makes images of release tags.
const releaseRule = "echo-server-release"

func stepRepositories(ctx context.Context, w *world) error {
	if err := w.writeGitConfig(); err != nil {
		return err
	}
	for _, clone := range []string{codeClone, deployClone} {
		if err := w.clone(ctx, clone); err != nil {
			return err
		}
	}
	if err := w.platform(ctx); err != nil {
		return err
	}
	if err := w.chooseVersions(ctx); err != nil {
		return err
	}
	return w.baseline(ctx)
}

// writeGitConfig gives git a name and lets it push.
func (w *world) writeGitConfig() error {
	endpoint, err := url.Parse(w.fleet.Endpoints.Git)
	if err != nil {
		return fmt.Errorf("reading the Git host's address: %w", err)
	}
	store := filepath.Join(w.work, "git-credentials")
	endpoint.User = url.UserPassword(w.fleet.Endpoints.GitUser, w.fleet.Endpoints.GitPassword)
	if err := os.WriteFile(store, []byte(endpoint.String()+"\n"), 0o600); err != nil {
		return fmt.Errorf("writing git's credentials: %w", err)
	}
	config := "[user]\n\tname = Dana\n\temail = dana@example.com\n[credential]\n\thelper = store --file " + store +
		"\n[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n"
	if err := os.WriteFile(filepath.Join(w.work, "gitconfig"), []byte(config), 0o600); err != nil {
		return fmt.Errorf("writing git's configuration: %w", err)
	}
	return nil
}

// clone gets a repository from the Git host, where a demo before this one left it, or makes it from the examples.
func (w *world) clone(ctx context.Context, name string) error {
	remote := w.fleet.Endpoints.Git + "/demo/" + name + ".git"
	if _, err := w.output(ctx, w.work, "git", "ls-remote", "--exit-code", remote, "main"); err == nil {
		return w.shown(ctx, w.work, "git", "clone", "--quiet", remote, name)
	}
	if err := w.copyExample(name, filepath.Join(w.work, name)); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "--quiet"}, {"add", "."}, {"commit", "--quiet", "-m", "Begin with the example"},
		{"remote", "add", "origin", remote}, {"push", "--quiet", "-u", "origin", "main"},
	} {
		if err := w.git(ctx, name, args...); err != nil {
			return err
		}
	}
	return nil
}

// copyExample copies a folder of the examples and writes this fleet's addresses into it.
func (w *world) copyExample(name, to string) error {
	from := filepath.Join(w.options.Examples, name)
	addresses := strings.NewReplacer(exampleGit, w.fleet.Endpoints.Git, exampleRegistry, w.fleet.Endpoints.Registry)
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, []byte(addresses.Replace(string(text))), 0o644)
	})
	if err != nil {
		return fmt.Errorf("copying the example %s: %w", name, err)
	}
	return nil
}

// platform applies what an operator configures, and gives the two people their passwords.
func (w *world) platform(ctx context.Context) error {
	if err := w.copyExample("platform", filepath.Join(w.work, "platform")); err != nil {
		return err
	}
	if err := w.kubectlShown(ctx, "hub", "apply", "--server-side", "--force-conflicts", "-f", filepath.Join(w.work, "platform")); err != nil {
		return err
	}
	for _, user := range []string{developer, operator} {
		// The ConfigMap with the account was applied a moment ago; the hub hears of it at once, but not before.
		err := w.until(ctx, "account "+user, func() (bool, string, error) {
			_, err := w.fairleadOutput(ctx, "account", "update-password", "--account", user,
				"--current-password", w.adminPassword, "--new-password", passwords[user])
			if err != nil {
				return false, err.Error(), nil
			}
			return true, "", nil
		})
		if err != nil {
			return err
		}
		if err := w.login(ctx, user, passwords[user]); err != nil {
			return err
		}
		w.as = "admin"
	}
	return nil
}

// chooseVersions finds the newest release in the code's tags; the one on the way is the next minor version.
func (w *world) chooseVersions(ctx context.Context) error {
	text, err := w.gitOutput(ctx, codeClone, "tag", "--list", "release-v*")
	if err != nil {
		return err
	}
	var versions semver.Collection
	for _, tag := range strings.Fields(text) {
		if v, err := semver.StrictNewVersion(strings.TrimPrefix(tag, "release-v")); err == nil {
			versions = append(versions, v)
		}
	}
	if len(versions) == 0 {
		w.previous, w.release = "", "1.0.0"
		return nil
	}
	sort.Sort(versions)
	newest := versions[len(versions)-1]
	w.previous, w.release = newest.String(), newest.IncMinor().String()
	return nil
}

// baseline makes the first release and deploys it everywhere, if there is none yet: a canary needs something stable to
// start from.
func (w *world) baseline(ctx context.Context) error {
	if w.previous == "" {
		if err := w.pushRelease(ctx, w.release, ""); err != nil {
			return err
		}
		build, err := w.waitForBuild(ctx, w.release)
		if err != nil {
			return err
		}
		w.say("the first image took %s to build; dev follows by itself, the others are synced now", build.took())
		w.previous, w.release = w.release, "1.1.0"
	}
	if err := w.readCodeVersion(); err != nil {
		return err
	}
	for _, app := range []string{"echo-staging", "echo-production", "web-staging", "web-production"} {
		if err := w.settle(ctx, app); err != nil {
			return err
		}
	}
	for _, app := range []string{"echo-dev", "web-dev"} {
		if err := w.fairleadShown(ctx, "app", "wait", app, "--timeout", "3m"); err != nil {
			return err
		}
	}
	return w.fairleadShown(ctx, "app", "list")
}

// settle brings an application to what Git says and to the end of its canary, as a demo before this one may have left it
// anywhere.
func (w *world) settle(ctx context.Context, app string) error {
	if err := w.fairleadShown(ctx, "app", "sync", app); err != nil {
		return err
	}
	return w.until(ctx, "the canary of "+app+" to end", func() (bool, string, error) {
		canary, err := w.canary(ctx, app)
		if err != nil {
			return false, err.Error(), nil // the Rollout may not be in the hub's view yet
		}
		switch canary.Phase {
		case "Healthy":
			return true, "", nil
		case "Degraded":
			_, err = w.fairleadOutput(ctx, "rollout", "retry", app)
		case "Paused":
			_, err = w.fairleadOutput(ctx, "rollout", "promote", app, "--full")
		}
		return false, canary.String(), err
	})
}

var versionConstant = regexp.MustCompile(`const version = "(.+)"`)

// readCodeVersion finds out what the code answers now.
func (w *world) readCodeVersion() error {
	text, err := os.ReadFile(filepath.Join(w.work, codeClone, "version.go"))
	if err != nil {
		return fmt.Errorf("reading the code's version: %w", err)
	}
	match := versionConstant.FindSubmatch(text)
	if match == nil {
		return errors.New("reading the code's version: version.go has none")
	}
	w.previousCode = string(match[1])
	return nil
}
