package imageupdate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/imagepolicy"
)

func TestOneCommitForAllApplications(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -9)
	dev := f.app("dev")
	f.app("staging")
	f.app("newest", annotate("update-strategy", "newest-build"), annotate("allow-tags", "regexp:^main-"))
	f.app("other", func(a *argo.Application) { delete(a.Annotations, imagepolicy.ImageListAnnotation) })
	f.mustRound(dev)
	before := f.commits()
	f.push("acme/web:v1.1.0", -5)
	f.push("acme/web:main-abc", -5)
	f.push("acme/web:main-def", -4)
	pushes, end := f.bus.SubscribePush()
	defer end()

	f.mustRound(dev)

	if got := f.run(f.bare, "rev-list", "--count", "main"); got == before {
		t.Fatal("nothing was committed")
	}
	want := `argocd-image-updater <noreply@argoproj.io>
build: automatic update of dev, newest, staging

dev, staging:
updates image acme/web tag 'v1.0.0' to 'v1.1.0'

newest:
updates image acme/web tag 'v1.0.0' to 'main-def'`
	if diff := cmp.Diff(want, f.run(f.bare, "log", "-1", "--format=%an <%ae>%n%B", "main")); diff != "" {
		t.Error(diff)
	}
	file := `helm:
  parameters:
  - name: image.name
    value: ` + f.image("acme/web") + `
    forcestring: true
  - name: image.tag
    value: v1.1.0
    forcestring: true`
	if diff := cmp.Diff(file, f.content("main", "apps/dev/.argocd-source-dev.yaml")); diff != "" {
		t.Error(diff)
	}
	f.wantVersion("newest", "main-def")
	push := <-pushes
	if push.Ref != "refs/heads/main" || push.After != f.run(f.bare, "rev-parse", "main") || push.Before == "" || len(push.Files) != 3 {
		t.Errorf("the hub was told %+v", push)
	}
	after := f.commits()
	f.mustRound(dev)
	if f.commits() != after {
		t.Error("a second round committed again")
	}
}

func TestPolicies(t *testing.T) {
	f := newFixture(t)
	for _, tag := range []string{"v1.0.0", "v1.1.0", "v2.0.0"} {
		f.push("acme/web:"+tag, -5)
	}
	f.push("acme/web:latest", -1)
	constrained := f.app("constrained", func(a *argo.Application) {
		a.Annotations[imagepolicy.ImageListAnnotation] = "web=" + f.image("acme/web") + ":~1"
	})
	f.app("digest", annotate("update-strategy", "digest"), func(a *argo.Application) {
		a.Annotations[imagepolicy.ImageListAnnotation] = "web=" + f.image("acme/web") + ":latest"
	})
	f.app("unused", func(a *argo.Application) { a.Status.Summary.Images = []string{"redis:7"} })
	f.app("forced", annotate("force-update", "true"), func(a *argo.Application) { a.Status.Summary.Images = []string{"redis:7"} })
	f.app("new", func(a *argo.Application) { a.Status.Summary.Images = nil })
	f.app("uncompared", func(a *argo.Application) { a.Status.SourceType = "" })
	f.app("held", func(a *argo.Application) { a.SetHold(argo.Hold{HistoryID: 1, Reason: "rollback"}) })
	f.app("kustomized", annotate("write-back-target", "kustomization"), annotate("web.kustomize.image-name", "web"),
		func(a *argo.Application) { a.Status.SourceType = argo.ApplicationSourceTypeKustomize })
	f.write("apps/kustomized/kustomization.yaml", "resources:\n- web.yaml\n")
	f.app("values", annotate("write-back-target", "helmvalues:values-dev.yaml"), annotate("web.helm.image-tag", "image.tag"))
	f.write("apps/values/values-dev.yaml", "image:\n  tag: v1.0.0 # here\n")
	f.person("add files")

	f.mustRound(constrained)
	f.change("uncompared") // it has no destination yet

	f.wantVersion("constrained", "v1.1.0")
	f.wantVersion("unused", "")
	f.wantVersion("forced", "v2.0.0")
	f.wantVersion("new", "v2.0.0")
	f.wantVersion("uncompared", "")
	f.wantVersion("held", "")
	if got := f.content("main", "apps/digest/.argocd-source-digest.yaml"); !strings.Contains(got, "value: latest@sha256:") {
		t.Errorf("digest has\n%s", got)
	}
	if got, want := f.content("main", "apps/kustomized/kustomization.yaml"),
		"resources:\n- web.yaml\nimages:\n- name: web\n  newName: "+f.image("acme/web")+"\n  newTag: v2.0.0"; got != want {
		t.Errorf("kustomized has\n%s", got)
	}
	if got, want := f.content("main", "apps/values/values-dev.yaml"), "image:\n  tag: v2.0.0 # here"; got != want {
		t.Errorf("values has\n%s", got)
	}

	f.change("held", func(a *argo.Application) { a.ClearHold() })
	f.mustRound(constrained)
	f.wantVersion("held", "v2.0.0")
}

func TestRevertSticks(t *testing.T) {
	for _, strategy := range []string{"semver", "newest-build"} {
		t.Run(strategy, func(t *testing.T) {
			f := newFixture(t)
			f.push("acme/web:v1.0.0", -60)
			dev := f.app("dev", annotate("update-strategy", strategy))
			f.app("staging", annotate("update-strategy", strategy))
			f.push("acme/web:v1.1.0", -50)
			f.mustRound(dev)
			f.push("acme/web:v2.0.0", -40)
			f.mustRound(dev)
			f.wantVersion("dev", "v2.0.0")

			f.revert()
			reverted := f.commits()
			f.mustRound(dev)
			f.mustRound(dev)
			if f.commits() != reverted {
				t.Fatalf("the revert was overridden:\n%s", f.run(f.bare, "log", "--oneline", "main"))
			}
			f.wantVersion("dev", "v1.1.0")
			if got := f.conditionOf("staging", ConditionTakenBack); !strings.Contains(got, "v2.0.0 was taken back by Ann in commit ") {
				t.Errorf("the status says %q", got)
			}

			f.push("acme/web:v2.0.1", 1)
			f.mustRound(dev)
			f.wantVersion("dev", "v2.0.1")
			f.wantVersion("staging", "v2.0.1")
			if got := f.conditionOf("dev", ConditionTakenBack); got != "" {
				t.Errorf("after a newer tag the status still says %q", got)
			}
		})
	}
}

func TestRevertOfTheFirstUpdate(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -60)
	f.push("acme/web:v2.0.0", -40)
	dev := f.app("dev")
	f.mustRound(dev)
	f.wantVersion("dev", "v2.0.0")
	f.revert()
	f.mustRound(dev)
	f.wantVersion("dev", "")
	// Somebody takes the revert back: it is their word that counts.
	f.revert()
	f.mustRound(dev)
	f.wantVersion("dev", "v2.0.0")
	if got := f.conditionOf("dev", ConditionTakenBack); got != "" {
		t.Errorf("the status still says %q", got)
	}
}

func TestFixOfAnOlderLineAfterARevert(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -60)
	dev := f.app("dev")
	f.push("acme/web:v2.0.0", -40)
	f.push("acme/web:v1.5.0", -30)
	f.mustRound(dev)
	f.revert()
	f.mustRound(dev)
	f.wantVersion("dev", "")
	f.push("acme/web:v1.0.1", 1)
	f.mustRound(dev)
	f.wantVersion("dev", "v1.0.1")
	f.mustRound(dev)
	f.wantVersion("dev", "v1.0.1")
}

func TestRevertOfOneApplicationOnly(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -60)
	dev := f.app("dev")
	f.app("production")
	f.push("acme/web:v1.1.0", -50)
	f.mustRound(dev)
	f.push("acme/web:v2.0.0", -40)
	f.mustRound(dev)
	f.run(f.work, "pull", "-q", "--rebase")
	file := "apps/production/.argocd-source-production.yaml"
	f.write(file, strings.ReplaceAll(f.content("main", file), "v2.0.0", "v1.1.0")+"\n")
	f.person("production goes back")
	f.mustRound(dev)
	f.wantVersion("dev", "v2.0.0")
	f.wantVersion("production", "v1.1.0")
}

func TestBadPolicyIsSaidAndOthersGoOn(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -9)
	f.push("acme/web:v1.1.0", -5)
	good := f.app("good")
	f.app("bad", annotate("web.allow-tags", "regexp:v(["))
	f.mustRound(good)
	f.wantVersion("good", "v1.1.0")
	f.wantVersion("bad", "")
	if got := f.conditionOf("bad", ConditionError); !strings.Contains(got, "argocd-image-updater.argoproj.io/web.allow-tags of application bad") {
		t.Errorf("the status says %q", got)
	}
	if got := f.conditionOf("good", ConditionError); got != "" {
		t.Errorf("the status of the good one says %q", got)
	}
	f.change("bad", annotate("web.allow-tags", "regexp:^v"), func(a *argo.Application) {
		a.Status.Conditions = append(a.Status.Conditions, argo.ApplicationCondition{Type: argo.ApplicationConditionSyncError, Message: "of somebody else"})
	})
	f.mustRound(good)
	f.wantVersion("bad", "v1.1.0")
	if got := f.get("bad").Status.Conditions; len(got) != 1 || got[0].Type != argo.ApplicationConditionSyncError {
		t.Errorf("once mended, the conditions are %v", got)
	}
}

func TestRefusedPushIsSaidAndRecovers(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -9)
	f.push("acme/web:v1.1.0", -5)
	dev := f.app("dev")
	hook := filepath.Join(f.bare, "hooks", "pre-receive")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho 'this branch is frozen' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.round(dev); err == nil || !strings.Contains(err.Error(), "this branch is frozen") {
		t.Fatalf("got %v", err)
	}
	if got := f.conditionOf("dev", ConditionError); !strings.Contains(got, "application dev") || !strings.Contains(got, "this branch is frozen") {
		t.Errorf("the status says %q", got)
	}
	if got := <-f.recorder.Events; !strings.Contains(got, "Warning ImageUpdateError") || !strings.Contains(got, "frozen") {
		t.Errorf("the event says %q", got)
	}
	if err := f.round(dev); err == nil || len(f.recorder.Events) != 0 {
		t.Errorf("the same again: got %v and %d events", err, len(f.recorder.Events))
	}
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}
	f.mustRound(dev)
	f.wantVersion("dev", "v1.1.0")
	if got := f.conditionOf("dev", ConditionError); got != "" {
		t.Errorf("once mended, the status says %q", got)
	}
	if got := <-f.recorder.Events; !strings.Contains(got, "Normal ImagesUpdated updated image "+f.image("acme/web")+" from 'v1.0.0' to 'v1.1.0' in commit ") {
		t.Errorf("the event says %q", got)
	}
}

func TestUnreachableHostsAreSaidAndRecover(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -9)
	f.push("acme/web:v1.1.0", -5)
	dev := f.app("dev")
	f.down.Store(true)
	if err := f.round(dev); err == nil {
		t.Error("a registry that is down should be tried again")
	}
	if got := f.conditionOf("dev", ConditionError); !strings.Contains(got, "listing the tags of image "+f.image("acme/web")) {
		t.Errorf("the status says %q", got)
	}
	f.down.Store(false)
	if err := os.Rename(f.bare, f.bare+".away"); err != nil {
		t.Fatal(err)
	}
	if err := f.round(dev); err == nil {
		t.Error("a Git host that is down should be tried again")
	}
	if got := f.conditionOf("dev", ConditionError); !strings.Contains(got, "fetching repository") {
		t.Errorf("the status says %q", got)
	}
	if err := os.Rename(f.bare+".away", f.bare); err != nil {
		t.Fatal(err)
	}
	f.mustRound(dev)
	f.wantVersion("dev", "v1.1.0")
	if got := f.conditionOf("dev", ConditionError); got != "" {
		t.Errorf("once mended, the status says %q", got)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*argo.Application)
		want   string
	}{
		"no such branch": {func(a *argo.Application) { a.Spec.Source.TargetRevision = "v1.2.3" }, "argocd-image-updater.argoproj.io/git-branch"},
		"no such folder": {func(a *argo.Application) { a.Spec.Source.Path = "apps/typo" }, `the folder "apps/typo" of application dev`},
		"no kustomization": {func(a *argo.Application) {
			a.Status.SourceType = argo.ApplicationSourceTypeKustomize
			annotate("write-back-target", "kustomization")(a)
		}, "has no kustomization.yaml"},
		"no such secret":      {annotate("write-back-method", "git:secret:nothing"), "there is no Secret argocd/nothing"},
		"no such pull secret": {annotate("web.pull-secret", "pullsecret:argocd/nothing"), "there is no Secret argocd/nothing"},
		"a foreign secret":    {annotate("web.pull-secret", "pullsecret:kube-system/x"), "neither in the application's namespace nor in the hub's"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.push("acme/web:v1.1.0", -5)
			dev := f.app("dev", c.change)
			if err := f.round(dev); err == nil {
				t.Error("it should be tried again")
			}
			if got := f.conditionOf("dev", ConditionError); !strings.Contains(got, c.want) || !strings.Contains(got, "application dev") {
				t.Errorf("the status says %q, want %s", got, c.want)
			}
		})
	}
}

func TestRivals(t *testing.T) {
	f := newFixture(t)
	f.push("acme/web:v1.0.0", -9)
	f.push("acme/web:v2.0.0", -5)
	one := f.app("one", annotate("write-back-target", "helmvalues:/shared.yaml"), annotate("web.helm.image-tag", "tag"))
	f.app("two", annotate("write-back-target", "helmvalues:/shared.yaml"), annotate("web.helm.image-tag", "tag"), annotate("allow-tags", "regexp:^v1"))
	if err := f.round(one); err == nil || !strings.Contains(err.Error(), "applications one and two both set the image") {
		t.Errorf("got %v", err)
	}
	f.change("two", annotate("allow-tags", "any"))
	f.mustRound(one)
	if got := f.content("main", "shared.yaml"); got != "tag: v2.0.0" {
		t.Errorf("got %q", got)
	}
}
