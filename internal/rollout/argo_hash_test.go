package rollout

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// The expected hash is one that Argo Rollouts' own test pins (utils/hash/hash_test.go, "value produced by controller
// versions <= 1.8.x"): equal hashes let a cluster change controllers without a new revision.
func TestPodHashEqualsUpstream(t *testing.T) {
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"name": "red"}},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Name:                   "red",
				Image:                  "red",
				ImagePullPolicy:        corev1.PullAlways,
				TerminationMessagePath: corev1.TerminationMessagePathDefault,
			}},
			DNSPolicy:       corev1.DNSClusterFirst,
			RestartPolicy:   corev1.RestartPolicyAlways,
			SecurityContext: &corev1.PodSecurityContext{},
		},
	}
	if got := PodHash(template, nil); got != "7bb4fbc896" {
		t.Errorf("PodHash = %s, want 7bb4fbc896", got)
	}
	if PodHash(template, ptr.To[int32](1)) == PodHash(template, nil) {
		t.Error("a collision doesn't change the hash")
	}
	if !template.CreationTimestamp.IsZero() {
		t.Error("PodHash changed its argument")
	}
}

func TestTemplateJSONWritesUnsetTimesAsNull(t *testing.T) {
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Volumes: []corev1.Volume{{
		Name: "scratch",
		VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
			VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{},
		}},
	}}}}
	want := `{"metadata":{"creationTimestamp":null},"spec":{"volumes":[{"name":"scratch","ephemeral":{"volumeClaimTemplate":` +
		`{"metadata":{"creationTimestamp":null},"spec":{"resources":{}}}}}],"containers":null}}`
	if got := string(templateJSON(template)); got != want {
		t.Errorf("templateJSON =\n%s, want\n%s", got, want)
	}
	if !template.Spec.Volumes[0].Ephemeral.VolumeClaimTemplate.CreationTimestamp.IsZero() {
		t.Error("templateJSON changed its argument")
	}
}
