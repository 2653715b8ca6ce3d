package build

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build"
)

func request(name string) ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "argocd", Name: name}}
}

func TestBuildSucceeds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	commit := f.commit(sources)
	f.rule(func(s *v1alpha1.BuildRuleSpec) { s.Image.AdditionalTags = []string{"latest"} })
	f.look()
	f.settle()
	b := f.only()
	s := b.Status
	if s.Phase != v1alpha1.BuildSucceeded || s.Image != b.Spec.Images[0] || s.Attempts != 1 || s.StartedAt == nil || s.FinishedAt == nil || s.Message != "" {
		t.Errorf("status %+v", s)
	}
	var stages []string
	for _, stage := range s.Stages {
		stages = append(stages, stage.Name)
		if stage.StartedAt == nil || stage.FinishedAt == nil {
			t.Errorf("stage %+v", stage)
		}
	}
	if got := strings.Join(stages, " "); got != "GIT_CLONE BUILD PUSH" {
		t.Errorf("stages %s", got)
	}
	for _, image := range b.Spec.Images {
		reference, err := name.ParseReference(image)
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Image(reference)
		if err != nil {
			t.Fatal(err)
		}
		digest, _ := got.Digest()
		config, _ := got.ConfigFile()
		if digest.String() != s.Digest || config.Config.Labels["org.opencontainers.image.revision"] != commit {
			t.Errorf("%s has digest %s and labels %v", image, digest, config.Config.Labels)
		}
		if told := <-f.images; told.Repository+":"+told.Tag != image || told.Digest != s.Digest {
			t.Errorf("told of %+v", told)
		}
	}
	log := f.log(b)
	for _, want := range []string{"=== GIT_CLONE", commit, "=== BUILD", "FROM scratch", "=== PUSH", "pushed " + b.Spec.Images[0], s.Digest} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}

func TestBuildFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.commit(map[string]string{"Dockerfile": "FROM scratch\nRUN false\n"})
	f.rule(nil)
	f.look()
	f.settle()
	b := f.only()
	if b.Status.Phase != v1alpha1.BuildFailed || b.Status.Message != "Dockerfile:2: RUN false: exit code: 1" {
		t.Errorf("status %+v", b.Status)
	}
	if log := f.log(b); !strings.Contains(log, "FAILED: Dockerfile:2") {
		t.Errorf("log:\n%s", log)
	}

	// Mended by the next commit; the failed one can be repeated.
	f.commit(map[string]string{"Dockerfile": "FROM scratch\n"})
	f.look()
	again := build.Rebuild(b, "dora", time.Now())
	if err := f.client.Create(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	f.settle()
	for _, other := range f.list() {
		want := v1alpha1.BuildSucceeded
		if other.Spec.Commit == b.Spec.Commit {
			want = v1alpha1.BuildFailed
		}
		if other.Status.Phase != want {
			t.Errorf("%s of %s is %s", other.Name, other.Spec.Commit, other.Status.Phase)
		}
	}
	if f.builder.Builds() != 3 {
		t.Errorf("%d builds were begun, want 3", f.builder.Builds())
	}
}

func TestBuildOfACommitThatIsGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.commit(sources)
	f.rule(nil)
	f.look()
	gone := f.only().DeepCopy()
	gone.ObjectMeta.Name, gone.ResourceVersion = "gone", ""
	gone.Spec.Commit = strings.Repeat("ab", 20)
	if err := f.client.Create(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	f.settle()
	if got := f.get("gone").Status; got.Phase != v1alpha1.BuildFailed || !strings.Contains(got.Message, "no longer has the commit") {
		t.Errorf("status %+v", got)
	}
}

// gate lets a test hold builds.
type gate struct {
	entered chan string
	leave   chan error
}

func hold(f *fixture) gate {
	g := gate{entered: make(chan string, 10), leave: make(chan error)}
	f.builder.Before = func(ctx context.Context, r build.Request) error {
		g.entered <- r.Images[0]
		select {
		case err := <-g.leave:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return g
}

func (f *fixture) phase(name string) v1alpha1.BuildPhase { return f.get(name).Status.Phase }

func TestKilledHubBeginsAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.commit(sources)
	f.rule(nil)
	f.look()
	name := f.only().Name
	g := hold(f)
	f.until("the build to run", func() bool { return len(g.entered) == 1 })
	f.kill()
	if got := f.phase(name); got != v1alpha1.BuildRunning {
		t.Errorf("after the kill the build is %s", got)
	}
	f.builder.Before = nil
	f.start()
	f.settle()
	b := f.only()
	if b.Status.Phase != v1alpha1.BuildSucceeded || b.Status.Attempts != 2 {
		t.Errorf("status %+v", b.Status)
	}
	if log := f.log(b); !strings.Contains(log, "--- attempt 2") || strings.Count(log, "=== GIT_CLONE") != 2 {
		t.Errorf("log:\n%s", log)
	}
}

// The hub is killed at each of its writes: before it, and after it.
func TestBuildSurvivesACrashAtEachWrite(t *testing.T) {
	t.Parallel()
	for writes := range 5 {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("write %d after %v", writes, after), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				f.commit(sources)
				f.rule(nil)
				f.look()
				name := f.only().Name
				count, crashed := 0, false
				f.fail = func(_ string, object client.Object) error {
					if crashed || (!after && count == writes) {
						crashed = true
						return errors.New("killed")
					}
					crashed = after && count == writes
					count++
					return nil
				}
				f.until("the crash or the end", func() bool { return crashed || f.phase(name).Completed() })
				f.fail = nil
				f.kill()
				f.start()
				f.settle()
				if s := f.get(name).Status; s.Phase != v1alpha1.BuildSucceeded || s.Digest == "" {
					t.Errorf("status %+v", s)
				}
			})
		}
	}
}

func TestBuilderThatGoesAwayIsTriedAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.commit(sources)
	f.rule(nil)
	f.look()
	name := f.only().Name
	var down atomic.Bool
	down.Store(true)
	f.builder.Before = func(context.Context, build.Request) error {
		if down.Load() {
			return fmt.Errorf("%w at unix:///b.sock: connection refused", build.ErrBuilderUnavailable)
		}
		return nil
	}
	f.until("a second attempt", func() bool { return f.builder.Builds() >= 2 })
	f.until("the word that it is tried again", func() bool {
		s := f.get(name).Status
		return s.Phase == v1alpha1.BuildPending && strings.Contains(s.Message, "the builder can't be reached at unix:///b.sock: connection refused; trying again")
	})
	down.Store(false)
	f.settle()
	if s := f.get(name).Status; s.Phase != v1alpha1.BuildSucceeded || s.Message != "" || s.Attempts < 3 {
		t.Errorf("status %+v", s)
	}
}

func TestGivesUpInTheEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.kill()
	f.options.RetryFor = time.Nanosecond
	f.start()
	f.commit(sources)
	f.rule(nil)
	f.look()
	f.builder.Before = func(context.Context, build.Request) error { return build.ErrRegistryUnavailable }
	f.settle()
	if s := f.only().Status; s.Phase != v1alpha1.BuildFailed || !strings.Contains(s.Message, "given up after 1ns: the registry can't be reached") {
		t.Errorf("status %+v", s)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.commit(sources)
	f.rule(nil)
	f.look()
	name := f.only().Name
	cancel := func(name string) {
		t.Helper()
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"cancel":true}}`))
		if err := f.client.Patch(t.Context(), f.get(name), patch); err != nil {
			t.Fatal(err)
		}
	}
	g := hold(f)
	f.until("the build to run", func() bool { return len(g.entered) == 1 })
	waiting := build.Rebuild(f.get(name), "dora", time.Now())
	if err := f.client.Create(t.Context(), waiting); err != nil {
		t.Fatal(err)
	}
	f.until("the second to wait", func() bool { return f.phase(waiting.Name) == v1alpha1.BuildPending })
	if got := f.get(waiting.Name).Status.Message; got != "waiting for build "+name+", which pushes the same image" {
		t.Errorf("message %q", got)
	}
	cancel(waiting.Name)
	f.until("the second to be cancelled", func() bool { return f.phase(waiting.Name) == v1alpha1.BuildCancelled })
	cancel(name)
	f.settle()
	if s := f.get(name).Status; s.Phase != v1alpha1.BuildCancelled || s.FinishedAt == nil {
		t.Errorf("status %+v", s)
	}
	if f.builder.Builds() != 1 {
		t.Errorf("%d builds were begun, want 1", f.builder.Builds())
	}
	if log := f.log(f.get(name)); !strings.Contains(log, "CANCELLED: cancelled") {
		t.Errorf("log:\n%s", log)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.commit(sources)
	f.rule(func(s *v1alpha1.BuildRuleSpec) { s.TimeoutSeconds = 1 })
	f.look()
	hold(f)
	f.settle()
	if s := f.only().Status; s.Phase != v1alpha1.BuildFailed || !strings.Contains(s.Message, "longer than 1s") {
		t.Errorf("status %+v", s)
	}
}

func TestDeletedBuildStops(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.commit(sources)
	f.rule(nil)
	f.look()
	g := hold(f)
	f.until("the build to run", func() bool { return len(g.entered) == 1 })
	b := f.only()
	if err := f.client.Delete(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	f.reconcile(b.Name)
	f.builds.jobs.wait.Wait()
	if places := f.builds.jobs.places(); len(places.running) != 0 {
		t.Errorf("%v still run", places.running)
	}
}

func TestParallelAndOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.commit(sources)
	f.rule(func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = "b." })
	for _, branch := range []string{"b1", "b2", "b3", "b4"} {
		f.git("branch", branch)
	}
	f.look()
	g := hold(f)
	f.until("two builds to run", func() bool { return len(g.entered) == 2 })
	f.until("two builds to wait", func() bool {
		waiting := 0
		for _, b := range f.list() {
			if b.Status.Phase == v1alpha1.BuildPending && strings.Contains(b.Status.Message, "free place") {
				waiting++
			}
		}
		return waiting == 2
	})
	g.leave <- nil
	f.until("the third to run", func() bool { return len(g.entered) == 3 })
	for range 3 {
		go func() { g.leave <- nil }()
	}
	f.settle()
}

func TestHistoryIsTrimmed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	limit := int32(2)
	f.commit(sources)
	f.rule(func(s *v1alpha1.BuildRuleSpec) { s.HistoryLimit = &limit })
	for range 4 {
		f.commit(nil)
		f.look()
		f.settle()
	}
	f.until("the old builds to go", func() bool { return len(f.list()) == 2 })
	repository, err := name.NewRepository(f.registry + "/demo/app/buildlogs")
	if err != nil {
		t.Fatal(err)
	}
	if logs, err := remote.List(repository); err != nil || len(logs) != 2 {
		t.Errorf("logs in the registry: %v, %v", logs, err)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.commit(sources)
	f.rule(nil)
	f.look()
	f.settle()
	f.commit(map[string]string{"Dockerfile": "RUN false\n"})
	f.look()
	f.settle()
	families, err := f.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			key := family.GetName()
			for _, label := range metric.GetLabel() {
				key += " " + label.GetValue()
			}
			got[key] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		}
	}
	want := map[string]float64{"fairlead_builds_total Succeeded": 1, "fairlead_builds_total Failed": 1,
		"fairlead_build_duration_seconds": 1, "fairlead_builds_running": 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// What a person sees of a repository with credentials in its URL must not have them.
func TestNoCredentialsInStatusAndLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.commit(sources)
	f.rule(func(s *v1alpha1.BuildRuleSpec) { s.Source.RepoURL = "http://dora:hunter2@127.0.0.1:1/app.git" })
	f.look()
	if got := f.condition(); strings.Contains(got, "hunter2") || !strings.Contains(got, "127.0.0.1:1/app.git") {
		t.Errorf("condition %q", got)
	}
	if got := visibleURL("http://dora:hunter2@127.0.0.1:1/app.git"); got != "http://127.0.0.1:1/app.git" {
		t.Errorf("visible URL %q", got)
	}
}
