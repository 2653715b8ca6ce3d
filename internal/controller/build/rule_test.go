package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	genericevent "sigs.k8s.io/controller-runtime/pkg/event"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

var sources = map[string]string{"Dockerfile": "FROM scratch\nCOPY . /\n", "main.txt": "hello"}

func TestRuleMakesBuildsForPushes(t *testing.T) {
	f := newFixture(t)
	first := f.commit(sources)
	f.rule(nil)
	f.look()
	b := f.only()
	if b.Spec.Commit != first || b.Spec.Ref != "refs/heads/main" || b.Spec.Images[0] != f.registry+"/demo/app:main-"+first[:7] {
		t.Errorf("build %+v", b.Spec)
	}
	if got := f.condition(); got != "True Watching: watching 1 refs" {
		t.Errorf("condition %q", got)
	}
	f.look()
	f.only() // nothing new

	second := f.commit(nil)
	f.rules.heard.note(event.Push{Repository: event.NormalizeURL(f.url()), Ref: "refs/heads/main", After: second})
	f.look()
	if builds := f.list(); len(builds) != 2 {
		t.Errorf("%d builds after a push, want 2", len(builds))
	}
}

func TestTagOfCommitTime(t *testing.T) {
	f := newFixture(t)
	t.Setenv("GIT_AUTHOR_DATE", "2026-03-04T05:06:07Z")
	t.Setenv("GIT_COMMITTER_DATE", "2026-03-04T05:06:07Z")
	f.commit(sources)
	f.rule(func(s *v1alpha1.BuildRuleSpec) { s.Image.Tag = "t${TIMESTAMP}" })
	f.look()
	if got := f.only().Spec.Images[0]; !strings.HasSuffix(got, ":t20260304050607") {
		t.Errorf("image %s", got)
	}
}

func TestRuleMistakesAndRecovery(t *testing.T) {
	f := newFixture(t)
	f.commit(sources)
	rule := f.rule(func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = "main(" })
	f.look()
	if got := f.condition(); !strings.HasPrefix(got, `False InvalidRule: build rule "app": spec.push.pattern: it is not a regular expression`) {
		t.Errorf("bad pattern: %q", got)
	}

	change := func(to func(*v1alpha1.BuildRuleSpec)) {
		t.Helper()
		if err := f.client.Get(t.Context(), client.ObjectKeyFromObject(rule), rule); err != nil {
			t.Fatal(err)
		}
		to(&rule.Spec)
		if err := f.client.Update(t.Context(), rule); err != nil {
			t.Fatal(err)
		}
	}
	change(func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern, s.Source.RepoURL = "main", f.url()+"-gone" })
	result := f.look()
	if got := f.condition(); !strings.HasPrefix(got, "False RepositoryUnreachable: ") || !strings.Contains(got, "spec.source.repoURL") {
		t.Errorf("unreachable repository: %q", got)
	}
	if result.RequeueAfter <= 0 || result.RequeueAfter > 3*time.Second {
		t.Errorf("an unreachable repository is tried again after %s", result.RequeueAfter)
	}
	if len(f.list()) != 0 {
		t.Errorf("builds: %v", f.list())
	}

	change(func(s *v1alpha1.BuildRuleSpec) { s.Source.RepoURL = f.url() })
	result = f.look()
	if got := f.condition(); !strings.HasPrefix(got, "True Watching") {
		t.Errorf("after the repair: %q", got)
	}
	if p := f.options.PollInterval; result.RequeueAfter < p*7/10 || result.RequeueAfter > p*13/10 {
		t.Errorf("polled after %s", result.RequeueAfter)
	}
	f.only()

	change(func(s *v1alpha1.BuildRuleSpec) { s.Suspend = true })
	f.commit(nil)
	f.look()
	if got := f.condition(); !strings.HasPrefix(got, "False Suspended") {
		t.Errorf("suspended: %q", got)
	}
	f.only()
	change(func(s *v1alpha1.BuildRuleSpec) { s.Suspend = false })
	f.look()
	if len(f.list()) != 2 {
		t.Errorf("%d builds after the suspension, want 2", len(f.list()))
	}
}

// A branch whose name makes no tag doesn't keep the others from being built.
func TestOneBadRefAmongOthers(t *testing.T) {
	f := newFixture(t)
	f.commit(sources)
	f.git("branch", "release-")
	f.git("branch", "release-1")
	f.rule(func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = "release-(?P<imageTag>.*)" })
	f.look()
	if got := f.condition(); !strings.HasPrefix(got, "False CreatingBuilds") || !strings.Contains(got, `refs/heads/release-: "" is not a valid tag`) {
		t.Errorf("condition %q", got)
	}
	if b := f.only(); b.Spec.Ref != "refs/heads/release-1" {
		t.Errorf("built %s", b.Spec.Ref)
	}
	f.git("branch", "-D", "release-")
	f.look()
	if got := f.condition(); !strings.HasPrefix(got, "True Watching") {
		t.Errorf("after the repair: %q", got)
	}
}

// The hub is killed after each write of a rule's look; the next one makes the Build all the same, and only once.
func TestRuleSurvivesACrashAtEachWrite(t *testing.T) {
	for _, verb := range []string{"create", "status"} {
		t.Run(verb, func(t *testing.T) {
			f := newFixture(t)
			f.commit(sources)
			f.rule(nil)
			crash := errors.New("killed")
			f.fail = func(v string, _ client.Object) error {
				if v == verb {
					return crash
				}
				return nil
			}
			f.rules.Reconcile(t.Context(), request("app"))
			f.fail = nil
			f.kill()
			f.start()
			f.look()
			f.only()
			f.commit(nil)
			f.look()
			if len(f.list()) != 2 {
				t.Errorf("%d builds, want 2", len(f.list()))
			}
		})
	}
}

func TestPushWakesTheRulesThatItConcerns(t *testing.T) {
	f := newFixture(t)
	f.rule(func(s *v1alpha1.BuildRuleSpec) { s.Source.RepoURL = "https://git.example.com/demo/app.git" })
	tell := make(chan genericevent.GenericEvent)
	listener := &pushListener{client: f.client, deps: f.rules.deps, heard: f.rules.heard, tell: tell}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- listener.run(ctx) }()

	push := event.Push{Repository: "git.example.com/demo/app", Ref: "refs/heads/main", After: "abc"}
	others := []event.Push{{Repository: "git.example.com/demo/other", Ref: "refs/heads/main"}, {Repository: push.Repository, Ref: "refs/heads/dev"}}
	deadline := time.After(10 * time.Second)
	for woken := false; !woken; {
		for _, other := range others {
			f.bus.PublishPush(other)
		}
		f.bus.PublishPush(push) // again and again, as nobody knows when the listener subscribes
		select {
		case woke := <-tell:
			if woke.Object.GetName() != "app" {
				t.Errorf("woke %s", woke.Object.GetName())
			}
			woken = true
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatal("the push woke nobody")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if at := f.rules.heard.when("https://git.example.com/demo/app", "refs/heads/main", "abc"); time.Since(at) > time.Minute {
		t.Errorf("heard at %s", at)
	}
}

func TestDeletedRuleTakesItsBuildsAlong(t *testing.T) {
	f := newFixture(t)
	f.commit(sources)
	rule := f.rule(nil)
	f.look()
	f.settle()
	if err := f.client.Delete(t.Context(), rule); err != nil {
		t.Fatal(err)
	}
	f.look()
	if len(f.list()) != 0 {
		t.Errorf("builds: %v", f.list())
	}
	logs, err := os.ReadDir(filepath.Join(f.dir, "logs"))
	if err != nil || len(logs) != 0 {
		t.Errorf("logs: %v, %v", logs, err)
	}
}
