package cluster

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

// InfoItem is a word on an object in the resource tree, such as Containers 2/2; Argo CD's names.
type InfoItem struct{ Name, Value string }

// summary is what the tree shows of a child, kept instead of the child.
type summary struct {
	health *health.Status
	images []string
	info   []InfoItem
}

var (
	pods        = schema.GroupKind{Kind: "Pod"}
	replicaSets = schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	jobs        = schema.GroupKind{Group: "batch", Kind: "Job"}
)

// summarized are the kinds of children of which more is known than identity and owner.
func summarized(kind schema.GroupKind) bool {
	return kind == pods || kind == replicaSets || kind == jobs
}

func summarize(u *unstructured.Unstructured) *summary {
	s := &summary{health: health.Of(u), images: object.Images(u)}
	switch u.GroupVersionKind().GroupKind() {
	case pods:
		s.info = podInfo(u)
	case replicaSets:
		if revision := u.GetAnnotations()["deployment.kubernetes.io/revision"]; revision != "" {
			s.info = append(s.info, InfoItem{"Revision", "Rev:" + revision})
		} else if revision := u.GetAnnotations()["rollout.argoproj.io/revision"]; revision != "" {
			s.info = append(s.info, InfoItem{"Revision", "Rev:" + revision})
		}
	}
	return s
}

// podInfo says the same as the columns of `kubectl get pods`.
func podInfo(u *unstructured.Unstructured) []InfoItem {
	statuses, _, _ := unstructured.NestedSlice(u.Object, "status", "containerStatuses")
	containers, _, _ := unstructured.NestedSlice(u.Object, "spec", "containers")
	reason, _, _ := unstructured.NestedString(u.Object, "status", "phase")
	if r, _, _ := unstructured.NestedString(u.Object, "status", "reason"); r != "" {
		reason = r
	}
	ready, restarts := 0, int64(0)
	for _, item := range statuses {
		status, ok := item.(map[string]any)
		if !ok {
			continue
		}
		if ok, _ := status["ready"].(bool); ok {
			ready++
		}
		n, _ := status["restartCount"].(int64)
		restarts += n
		for _, state := range []string{"waiting", "terminated"} {
			if r, _, _ := unstructured.NestedString(status, "state", state, "reason"); r != "" {
				reason = r
			}
		}
	}
	if u.GetDeletionTimestamp() != nil {
		reason = "Terminating"
	}
	info := []InfoItem{{"Status Reason", reason}}
	if node, _, _ := unstructured.NestedString(u.Object, "spec", "nodeName"); node != "" {
		info = append(info, InfoItem{"Node", node})
	}
	info = append(info, InfoItem{"Containers", fmt.Sprintf("%d/%d", ready, len(containers))})
	if restarts > 0 {
		info = append(info, InfoItem{"Restart Count", fmt.Sprint(restarts)})
	}
	return info
}
