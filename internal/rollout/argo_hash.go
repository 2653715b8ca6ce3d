package rollout

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// PodHash is the value of the label rollouts-pod-template-hash: FNV-32a over the template's JSON and, if there was a
// collision, its count, in letters that make no words. It equals Argo Rollouts' own (utils/hash, up to 1.8), so that a
// cluster may change from one to the other without a new revision.
func PodHash(template corev1.PodTemplateSpec, collisions *int32) string {
	hash := fnv.New32a()
	hash.Write(templateJSON(template))
	if collisions != nil {
		// Eight bytes of which four are used, as upstream.
		count := make([]byte, 8)
		binary.LittleEndian.PutUint32(count, uint32(*collisions))
		hash.Write(count)
	}
	return safe(hash.Sum32())
}

// StepsHash identifies the steps of a canary, as Argo Rollouts' status.currentStepHash does.
func StepsHash(steps []v1alpha1.CanaryStep) string {
	hash := fnv.New32a()
	text, err := json.Marshal(steps)
	if err != nil {
		// Only unmarshallable raw JSON could do that, and it came out of a JSON document.
		panic(fmt.Sprintf("marshalling canary steps: %v", err))
	}
	hash.Write(text)
	return safe(hash.Sum32())
}

func safe(sum uint32) string { return rand.SafeEncodeString(fmt.Sprint(sum)) }

// unsetTime stands for a creation time that isn't set. Up to apimachinery 0.33 such a time was written as null, now it is
// left out; the hash must not change by that. A time long before Kubernetes can't be meant.
var unsetTime = metav1.NewTime(time.Unix(1, 0))

const unsetTimeJSON = `"creationTimestamp":"1970-01-01T00:00:01Z"`

// templateJSON is the template as apimachinery wrote it when the hash was invented.
func templateJSON(template corev1.PodTemplateSpec) []byte {
	template = *template.DeepCopy()
	markUnset(&template.ObjectMeta)
	for _, volume := range template.Spec.Volumes {
		if volume.Ephemeral != nil && volume.Ephemeral.VolumeClaimTemplate != nil {
			markUnset(&volume.Ephemeral.VolumeClaimTemplate.ObjectMeta)
		}
	}
	text, err := json.Marshal(template)
	if err != nil {
		panic(fmt.Sprintf("marshalling pod template: %v", err)) // a struct without interfaces or functions always marshals
	}
	return bytes.ReplaceAll(text, []byte(unsetTimeJSON), []byte(`"creationTimestamp":null`))
}

func markUnset(meta *metav1.ObjectMeta) {
	if meta.CreationTimestamp.IsZero() {
		meta.CreationTimestamp = unsetTime
	}
}
