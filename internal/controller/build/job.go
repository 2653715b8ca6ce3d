package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build"
	"fairlead.dev/fairlead/internal/build/buildlog"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
)

// Why a job is stopped from outside.
var (
	errCancelled = errors.New("cancelled")
	errDeleted   = errors.New("the build was deleted")
	errShutdown  = errors.New("the hub is shutting down")
	errTimeout   = errors.New("timed out")
)

// archiveTimeout bounds the storing of a log, so that a registry that hangs doesn't hold a place.
const archiveTimeout = 10 * time.Second

// job is one attempt at a build.
type job struct {
	build  *v1alpha1.Build
	deps   Deps
	cancel context.CancelCauseFunc
	// changed is called when a stage begins or the job ended.
	changed func()

	mu      sync.Mutex
	stages  []v1alpha1.BuildStage
	outcome *outcome
}

func (j *job) snapshot() *snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	return &snapshot{stages: slices.Clone(j.stages), outcome: j.outcome}
}

// stage ends the current stage and begins another; an empty name only ends.
func (j *job) stage(name string) {
	now := microTime(j.deps.Clock.Now())
	j.mu.Lock()
	if last := len(j.stages) - 1; last >= 0 && j.stages[last].FinishedAt == nil {
		j.stages[last].FinishedAt = now
	}
	if name != "" {
		j.stages = append(j.stages, v1alpha1.BuildStage{Name: name, StartedAt: now})
	}
	j.mu.Unlock()
	if name != "" {
		j.changed()
	}
}

// run makes the attempt and leaves its outcome. On a shutdown there is none: the build stays Running, and the next hub
// begins it again.
func (j *job) run(ctx context.Context) {
	log, err := j.deps.Logs.Writer(j.build, buildlog.Secrets(j.build.Spec.Args))
	if err != nil {
		j.deps.Logger.Error("building without a log", "build", j.build.Name, "error", err)
		log = discard{}
	}
	if attempts := j.build.Status.Attempts; attempts > 1 {
		fmt.Fprintf(log, "--- attempt %d\n", attempts)
	}
	timeout := build.Timeout(j.build.Spec)
	ctx, stop := context.WithTimeoutCause(ctx, timeout, errTimeout)
	result, err := j.attempt(ctx, log)
	stop()
	switch {
	case errors.Is(err, errShutdown):
		log.Close()
		return
	case errors.Is(err, errDeleted):
		log.Close()
		j.deleteLog()
		return
	}
	o := judge(err, timeout)
	o.digest = result.Digest
	j.stage("")
	switch {
	case o.phase == v1alpha1.BuildSucceeded:
		fmt.Fprintf(log, "pushed %s\ndigest %s\n", strings.Join(j.build.Spec.Images, "\n       "), o.digest)
		j.announce(o.digest)
	case o.phase == v1alpha1.BuildPending:
		fmt.Fprintf(log, "%s; trying again\n", o.message)
	default:
		fmt.Fprintf(log, "%s: %s\n", strings.ToUpper(string(o.phase)), o.message)
	}
	log.Close()
	if o.phase.Completed() {
		closeLog(j.deps, j.build)
	}
	j.mu.Lock()
	j.outcome = &o
	j.mu.Unlock()
	j.changed()
}

// closeLog ends the log of a build for good.
func closeLog(deps Deps, b *v1alpha1.Build) {
	if err := deps.Logs.End(b); err != nil {
		deps.Logger.Warn("ending a build log", "build", b.Name, "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), archiveTimeout)
	defer cancel()
	if err := deps.Logs.Archive(ctx, b); err != nil {
		deps.Logger.Warn("storing a build log in the registry; it stays on this hub only", "build", b.Name, "error", err)
	}
}

func (j *job) deleteLog() {
	ctx, cancel := context.WithTimeout(context.Background(), archiveTimeout)
	defer cancel()
	if err := j.deps.Logs.Delete(ctx, j.build); err != nil {
		j.deps.Logger.Warn("deleting the log of a deleted build", "build", j.build.Name, "error", err)
	}
}

// attempt does the work.
func (j *job) attempt(ctx context.Context, log io.Writer) (build.Result, error) {
	spec := j.build.Spec
	j.stage(build.StageClone)
	fmt.Fprintf(log, "=== %s\ngetting %s of %s, %s\n", build.StageClone, spec.Commit, visibleURL(spec.Source.RepoURL), spec.Ref)
	commit, err := j.deps.Sources.Commit(ctx, spec.Source.RepoURL, spec.Commit)
	if err != nil {
		return build.Result{}, sourceError(ctx, err)
	}
	tree, err := j.deps.Sources.Tree(ctx, spec.Source.RepoURL, spec.Commit)
	if err != nil {
		return build.Result{}, sourceError(ctx, err)
	}
	folder, dockerfile, err := build.Paths(spec.Source)
	if err != nil {
		return build.Result{}, &build.Failure{Reason: err.Error()}
	}
	if len(spec.Images) == 0 {
		return build.Result{}, &build.Failure{Reason: "spec.images is empty: the build has nothing to push"}
	}
	begin := func(stage string) {
		fmt.Fprintf(log, "=== %s\n", stage)
		j.stage(stage)
	}
	begin(build.StageBuild)
	return j.deps.Builder.Build(ctx, build.Request{
		Source: tree, SourceKey: event.NormalizeURL(spec.Source.RepoURL),
		Context: folder, Dockerfile: dockerfile, Target: spec.Source.Target,
		Images: spec.Images, Args: spec.Args, Platforms: spec.Platforms, NoCache: spec.NoCache,
		Labels: map[string]string{ // of the OCI image specification
			"org.opencontainers.image.revision": spec.Commit,
			"org.opencontainers.image.source":   visibleURL(spec.Source.RepoURL),
		},
		Time: commit.Time, Log: log, Stage: begin,
	})
}

// sourceError is errSource for what may pass, and a failure for what can't.
func sourceError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, git.ErrUnknownRevision) {
		return &build.Failure{Reason: err.Error() + ": the repository no longer has the commit"}
	}
	return &sourceOutage{err}
}

// sourceOutage is an error of the Git host that somebody may mend: it is down, or refuses the credentials.
type sourceOutage struct{ error }

func (e *sourceOutage) Unwrap() error { return e.error }

// judge tells what the end of an attempt means for the build.
func judge(err error, timeout time.Duration) outcome {
	var failure *build.Failure
	var outage *sourceOutage
	switch {
	case err == nil:
		return outcome{phase: v1alpha1.BuildSucceeded}
	case errors.Is(err, errCancelled):
		return outcome{phase: v1alpha1.BuildCancelled, message: err.Error()}
	case errors.Is(err, errTimeout):
		return outcome{phase: v1alpha1.BuildFailed,
			message: fmt.Sprintf("it took longer than %s: make the build faster, or raise spec.timeoutSeconds of its rule", timeout)}
	case errors.As(err, &failure):
		return outcome{phase: v1alpha1.BuildFailed, message: err.Error()}
	case errors.Is(err, build.ErrBuilderUnavailable), errors.Is(err, build.ErrRegistryUnavailable):
		return outcome{phase: v1alpha1.BuildPending, message: err.Error()}
	case errors.Is(err, git.ErrDamaged):
		return outcome{phase: v1alpha1.BuildPending, message: err.Error()}
	case errors.As(err, &outage):
		return outcome{phase: v1alpha1.BuildPending, message: hint(err)}
	default:
		return outcome{phase: v1alpha1.BuildFailed, message: err.Error()}
	}
}

// announce tells the hub of the image at once; the registry's own notification may come later, or not at all.
func (j *job) announce(digest string) {
	for _, image := range j.build.Spec.Images {
		if tag, err := name.NewTag(image); err == nil {
			j.deps.Bus.PublishImage(event.Image{Repository: tag.Context().Name(), Tag: tag.TagStr(), Digest: digest})
		}
	}
}

// visibleURL is a clone URL without user and password.
func visibleURL(repository string) string {
	u, err := url.Parse(repository)
	if err != nil || u.User == nil {
		return repository
	}
	u.User = nil
	return u.String()
}

// discard is a log that nobody keeps.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
