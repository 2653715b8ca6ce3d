package rollout

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func canaryWithBounds(surge, slack string) *v1alpha1.CanaryStrategy {
	parse := func(text string) *intstr.IntOrString {
		if text == "" {
			return nil
		}
		bound := intstr.Parse(text)
		return &bound
	}
	return &v1alpha1.CanaryStrategy{MaxSurge: parse(surge), MaxUnavailable: parse(slack)}
}

// The patches are those of Argo Rollouts' command line (pkg/kubectl-argo-rollouts/cmd) and of Argo CD's resource actions.
func TestControl(t *testing.T) {
	const updating = "currentPodHash: new, stableRS: old, currentStepIndex: 1"
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	for _, c := range []struct {
		action, spec, status string
		want                 string // subresource and body of each patch
	}{
		{"promote", "", updating + ", controllerPause: true, pauseConditions: [{reason: CanaryPauseStep}]",
			`status {"status":{"pauseConditions":null}}`},
		{"resume", "", updating + ", controllerPause: true, pauseConditions: [{reason: CanaryPauseStep}]",
			`status {"status":{"pauseConditions":null}}`},
		{"promote", "", updating, `status {"status":{"currentStepIndex":2,"pauseConditions":null}}`},
		{"promote", "paused: true,", updating,
			` {"spec":{"paused":false}} status {"status":{"currentStepIndex":2,"pauseConditions":null}}`},
		{"promote", "", "currentPodHash: new, stableRS: new, currentStepIndex: 2", ``},
		{"promote-full", "", updating, `status {"status":{"promoteFull":true}}`},
		{"promote-full", "", "currentPodHash: new, stableRS: new", ``},
		{"abort", "", updating, `status {"status":{"abort":true}}`},
		{"retry", "", updating + ", abort: true", `status {"status":{"abort":false}}`},
		{"retry", "", updating, `error: retrying rollout "web": it has not been aborted`},
		{"pause", "", updating, ` {"spec":{"paused":true}}`},
		{"unpause", "", updating, ` {"spec":{"paused":false}}`},
		{"restart", "", updating, ` {"spec":{"restartAt":"2030-01-02T02:04:05Z"}}`},
		{"explode", "", updating, `error: controlling rollout "web": unknown action "explode"; use promote, promote-full, abort, ` +
			`retry, pause, unpause or restart`},
	} {
		manifest := "metadata: {name: web}\nspec: {" + c.spec + "strategy: {canary: {steps: [{setWeight: 1}, {pause: {}}]}}}\n" +
			"status: {" + c.status + "}"
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(manifest), &object.Object); err != nil {
			t.Fatal(err)
		}
		var got []string
		patches, err := Control(c.action, object, now)
		if err != nil {
			got = append(got, "error: "+err.Error())
		}
		for _, patch := range patches {
			got = append(got, patch.Subresource+" "+string(patch.Body))
			if patch.Type != types.MergePatchType {
				t.Errorf("%s patches by %s", c.action, patch.Type)
			}
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s with spec {%s} and status {%s} is\n%s, want\n%s", c.action, c.spec, c.status, text, c.want)
		}
	}
}

func TestUndoLeavesOthersOut(t *testing.T) {
	ro := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Name: "web", UID: "mine"}}
	set := func(uid types.UID, revision, image string) appsv1.ReplicaSet {
		owner := metav1.NewControllerRef(&metav1.ObjectMeta{Name: "x", UID: uid}, v1alpha1.GroupVersion.WithKind("Rollout"))
		rs := appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
			Annotations:     map[string]string{v1alpha1.RolloutRevisionAnnotation: revision},
			Labels:          map[string]string{v1alpha1.RolloutPodHashLabel: image},
			OwnerReferences: []metav1.OwnerReference{*owner},
		}}
		rs.Spec.Template.Labels = map[string]string{v1alpha1.RolloutPodHashLabel: image, "image": image}
		return rs
	}
	sets := []appsv1.ReplicaSet{set("mine", "1", "a"), set("mine", "10", "c"), set("other", "9", "z"), set("mine", "2", "b")}
	for revision, want := range map[int64]string{0: `"image":"b"`, 1: `"image":"a"`, 9: "unable to find specified revision 9"} {
		patch, err := Undo(ro, sets, revision)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = string(patch.Body)
		}
		if !strings.Contains(got, want) || strings.Contains(got, v1alpha1.RolloutPodHashLabel) {
			t.Errorf("undo to %d is %s, want %s", revision, got, want)
		}
	}
	if _, err := Undo(ro, sets[:1], 0); err == nil {
		t.Error("with one revision there is nothing to undo")
	}
	if sets[0].Annotations[v1alpha1.RolloutRevisionAnnotation] != "1" {
		t.Error("Undo changed the order of its argument")
	}
}
