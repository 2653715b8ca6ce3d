package build_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/build"
)

// look plans, takes the plan over into the rule's status, and tells what was due.
func look(t *testing.T, r *v1alpha1.BuildRule, refs map[string]string) []string {
	t.Helper()
	planned, err := build.Plan(compile(t, r), refs, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Status.Refs, r.Status.Watching = planned.Refs, planned.Watching
	var due []string
	for _, d := range planned.Builds {
		due = append(due, fmt.Sprintf("%s@%s#%d", d.Ref, d.Commit, d.Sequence))
	}
	return due
}

func TestPlan(t *testing.T) {
	type step struct {
		name   string
		change func(*v1alpha1.BuildRuleSpec)
		refs   map[string]string
		want   []string
	}
	tests := map[string][]step{
		"a branch from its begin to its end": {
			{name: "an empty repository", refs: nil},
			{name: "the first push", refs: map[string]string{"refs/heads/main": "a", "HEAD": "a"}, want: []string{"refs/heads/main@a#1"}},
			{name: "nothing new", refs: map[string]string{"refs/heads/main": "a"}},
			{name: "a push", refs: map[string]string{"refs/heads/main": "b", "refs/heads/other": "c"}, want: []string{"refs/heads/main@b#2"}},
			{name: "back to a former commit", refs: map[string]string{"refs/heads/main": "a"}, want: []string{"refs/heads/main@a#3"}},
			{name: "deleted", refs: nil},
			{name: "made again", refs: map[string]string{"refs/heads/main": "a"}, want: []string{"refs/heads/main@a#1"}},
		},
		"a new rule builds the heads of branches": {
			{name: "first", change: func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = ".*" },
				refs: map[string]string{"refs/heads/b": "2", "refs/heads/a": "1"}, want: []string{"refs/heads/a@1#1", "refs/heads/b@2#1"}},
		},
		"a new rule only remembers tags": {
			{name: "first", change: func(s *v1alpha1.BuildRuleSpec) {
				s.Push = v1alpha1.PushPattern{Type: v1alpha1.PushTag, Pattern: `v\d+`}
			},
				refs: map[string]string{"refs/tags/v1": "1", "refs/tags/v2": "2"}},
			{name: "a new tag", refs: map[string]string{"refs/tags/v1": "1", "refs/tags/v2": "2", "refs/tags/v3": "3"}, want: []string{"refs/tags/v3@3#1"}},
			{name: "a moved tag", refs: map[string]string{"refs/tags/v1": "9", "refs/tags/v2": "2", "refs/tags/v3": "3"}, want: []string{"refs/tags/v1@9#1"}},
			{name: "a wider pattern", change: func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = `[vw]\d+` },
				refs: map[string]string{"refs/tags/v1": "9", "refs/tags/w1": "1", "refs/tags/v3": "4"}, want: []string{"refs/tags/v3@4#2"}},
			{name: "a tag after that", refs: map[string]string{"refs/tags/v1": "9", "refs/tags/w1": "1", "refs/tags/w2": "1", "refs/tags/v3": "4"}, want: []string{"refs/tags/w2@1#1"}},
		},
		"a wider pattern builds the branches that it adds": {
			{name: "first", refs: map[string]string{"refs/heads/main": "a", "refs/heads/next": "b"}, want: []string{"refs/heads/main@a#1"}},
			{name: "wider", change: func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = "main|next" },
				refs: map[string]string{"refs/heads/main": "a", "refs/heads/next": "b"}, want: []string{"refs/heads/next@b#1"}},
		},
		"another repository is looked at from the start": {
			{name: "first", refs: map[string]string{"refs/heads/main": "a"}, want: []string{"refs/heads/main@a#1"}},
			{name: "moved to another spelling", change: func(s *v1alpha1.BuildRuleSpec) { s.Source.RepoURL = "ssh://git@git.example.com/demo/app" },
				refs: map[string]string{"refs/heads/main": "a"}},
			{name: "moved", change: func(s *v1alpha1.BuildRuleSpec) { s.Source.RepoURL = "https://git.example.com/demo/fork" },
				refs: map[string]string{"refs/heads/main": "a"}, want: []string{"refs/heads/main@a#1"}},
		},
		"a suspended rule catches up": {
			{name: "first", refs: map[string]string{"refs/heads/main": "a"}, want: []string{"refs/heads/main@a#1"}},
			{name: "suspended", change: func(s *v1alpha1.BuildRuleSpec) { s.Suspend = true }, refs: map[string]string{"refs/heads/main": "b"}},
			{name: "still", refs: map[string]string{"refs/heads/main": "c"}},
			{name: "resumed", change: func(s *v1alpha1.BuildRuleSpec) { s.Suspend = false },
				refs: map[string]string{"refs/heads/main": "c"}, want: []string{"refs/heads/main@c#2"}},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			r := rule(nil)
			for _, step := range steps {
				if step.change != nil {
					step.change(&r.Spec)
				}
				if diff := cmp.Diff(step.want, look(t, r, step.refs)); diff != "" {
					t.Errorf("%s: due (-want +got):\n%s", step.name, diff)
				}
			}
		})
	}
}

func TestPlanIsBounded(t *testing.T) {
	refs := map[string]string{}
	for i := range build.MaxRefs + 1 {
		refs[fmt.Sprintf("refs/heads/b%d", i)] = "a"
	}
	_, err := build.Plan(compile(t, rule(func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = ".*" })), refs, nil)
	var wrong *build.RuleError
	if !errors.As(err, &wrong) || wrong.Field != "spec.push.pattern" {
		t.Errorf("got %v", err)
	}
}

// TestCrashesLoseAndDoubleNothing kills the loop at random between looking, making each Build, and writing the status.
func TestCrashesLoseAndDoubleNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		r := rule(func(s *v1alpha1.BuildRuleSpec) { s.Push.Pattern = ".*" })
		refs := map[string]string{}
		made := map[string]int{}
		pushes := 0
		for range 30 {
			if random.IntN(2) == 0 {
				ref := fmt.Sprintf("refs/heads/b%d", random.IntN(3))
				commit := fmt.Sprintf("%040x", random.IntN(4))
				if refs[ref] != commit {
					pushes++
				}
				refs[ref] = commit
			}
			planned, err := build.Plan(compile(t, r), refs, nil)
			if err != nil {
				t.Fatal(err)
			}
			crashed := false
			for _, due := range planned.Builds {
				if crashed = random.IntN(4) == 0; crashed {
					break
				}
				b, err := build.New(compile(t, r), due, build.Commit{SHA: due.Commit}, commit.Time)
				if err != nil {
					t.Fatal(err)
				}
				made[b.Name]++
			}
			if !crashed && random.IntN(4) != 0 {
				r.Status.Refs, r.Status.Watching = planned.Refs, planned.Watching
			}
		}
		// Calm at last: every ref's commit has a Build, and a Build was never made for a push that didn't happen.
		planned, err := build.Plan(compile(t, r), refs, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, due := range planned.Builds {
			b, err := build.New(compile(t, r), due, build.Commit{SHA: due.Commit}, commit.Time)
			if err != nil {
				t.Fatal(err)
			}
			made[b.Name]++
		}
		if len(made) > pushes {
			t.Fatalf("%d builds for %d pushes: %v", len(made), pushes, slices.Sorted(maps.Keys(made)))
		}
		for _, observed := range planned.Refs {
			due := build.Due{Ref: observed.Name, Commit: observed.Commit, Sequence: observed.Builds}
			b, err := build.New(compile(t, r), due, build.Commit{SHA: due.Commit}, commit.Time)
			if err != nil {
				t.Fatal(err)
			}
			if made[b.Name] == 0 {
				t.Fatalf("no build for %+v", due)
			}
		}
	}
}

func TestWithoutPutsARefBack(t *testing.T) {
	before := []v1alpha1.ObservedRef{{Name: "refs/heads/a", Commit: "1", Builds: 1}}
	planned := build.Planned{Refs: []v1alpha1.ObservedRef{{Name: "refs/heads/a", Commit: "2", Builds: 2}, {Name: "refs/heads/b", Commit: "1", Builds: 1}}}
	planned = planned.Without(build.Due{Ref: "refs/heads/a"}, before).Without(build.Due{Ref: "refs/heads/b"}, before)
	if diff := cmp.Diff(before, planned.Refs); diff != "" {
		t.Errorf("refs (-want +got):\n%s", diff)
	}
}

func TestNew(t *testing.T) {
	r := rule(func(s *v1alpha1.BuildRuleSpec) {
		s.Args, s.Platforms, s.Project, s.TimeoutSeconds = map[string]string{"A": "b"}, []string{"linux/arm64"}, "team", 60
	})
	due := build.Due{Ref: "refs/heads/main", Commit: commit.SHA, Sequence: 3}
	got, err := build.New(compile(t, r), due, commit, commit.Time)
	if err != nil {
		t.Fatal(err)
	}
	again, err := build.New(compile(t, r), due, commit, commit.Time)
	if err != nil || again.Name != got.Name {
		t.Errorf("the same push gives %s and %s, %v", got.Name, again.Name, err)
	}
	yes := true
	heard := metav1.NewMicroTime(commit.Time)
	want := &v1alpha1.Build{
		TypeMeta: metav1.TypeMeta{APIVersion: "fairlead.dev/v1alpha1", Kind: "Build"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: got.Name, Labels: map[string]string{v1alpha1.RuleLabel: "app"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "fairlead.dev/v1alpha1", Kind: "BuildRule", Name: "app", UID: "rule-uid",
				Controller: &yes, BlockOwnerDeletion: &yes}}},
		Spec: v1alpha1.BuildSpec{
			Rule: "app", Project: "team", Source: r.Spec.Source, Ref: "refs/heads/main", Commit: commit.SHA,
			Images: []string{"reg.example.com/demo/app:main-0123456"}, Args: map[string]string{"A": "b"},
			Platforms: []string{"linux/arm64"}, TimeoutSeconds: 60, PushedAt: &heard,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("build (-want +got):\n%s", diff)
	}

	rebuilt := build.Rebuild(got, "dora", commit.Time.Add(1))
	if rebuilt.Name == got.Name || rebuilt.Spec.RebuildOf != got.Name || rebuilt.Spec.RequestedBy != "dora" || rebuilt.Spec.PushedAt != nil {
		t.Errorf("rebuild: %+v", rebuilt)
	}
	if build.Rebuild(got, "dora", commit.Time.Add(2)).Name == rebuilt.Name {
		t.Error("two rebuilds have the same name")
	}
	started, err := build.Start(compile(t, r), "refs/heads/main", commit, "dora", commit.Time)
	if err != nil || started.Name == got.Name || started.Spec.RequestedBy != "dora" || started.Spec.Images[0] != got.Spec.Images[0] {
		t.Errorf("start: %+v, %v", started, err)
	}
	if _, err := build.Start(compile(t, r), "refs/heads/other", commit, "dora", commit.Time); err == nil {
		t.Error("a rule was started at a ref that it doesn't match")
	}
}

func TestExpired(t *testing.T) {
	make := func(phases ...v1alpha1.BuildPhase) []v1alpha1.Build {
		var builds []v1alpha1.Build
		for i, phase := range phases {
			b := v1alpha1.Build{}
			b.Name = fmt.Sprint(i)
			b.CreationTimestamp = metav1.Unix(int64(i), 0)
			b.Status.Phase = phase
			builds = append(builds, b)
		}
		return builds
	}
	const ok, failed, running = v1alpha1.BuildSucceeded, v1alpha1.BuildFailed, v1alpha1.BuildRunning
	zero, two := int32(0), int32(2)
	tests := []struct {
		builds []v1alpha1.Build
		limit  *int32
		want   []string
	}{
		{make(ok, ok, ok), nil, nil},
		{make(ok, failed, ok, ok), &two, []string{"0", "1"}},
		{make(ok, ok, failed, failed), &two, []string{"0"}}, // the newest that succeeded stays
		{make(ok, running, running, running, ok), &two, nil},
		{make(ok, failed), &zero, []string{"1"}},
	}
	for i, test := range tests {
		var got []string
		for _, b := range build.Expired(test.builds, test.limit) {
			got = append(got, b.Name)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("case %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestTagsPushedSinceTheRuleExistsAreBuiltAtTheFirstLook(t *testing.T) {
	r := rule(func(s *v1alpha1.BuildRuleSpec) {
		s.Push = v1alpha1.PushPattern{Type: v1alpha1.PushTag, Pattern: `v(\d+)`}
	})
	refs := map[string]string{"refs/tags/v1": "old", "refs/tags/v2": "new"}
	planned, err := build.Plan(compile(t, r), refs, func(ref, commit string) bool { return ref == "refs/tags/v2" && commit == "new" })
	if err != nil {
		t.Fatal(err)
	}
	if len(planned.Builds) != 1 || planned.Builds[0].Ref != "refs/tags/v2" || len(planned.Refs) != 2 {
		t.Errorf("planned %+v", planned)
	}
}
