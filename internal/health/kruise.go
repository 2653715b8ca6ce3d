package health

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// The workloads of OpenKruise stop at a partition until a person moves it, which is Suspended.

func kruiseDaemonSet(u *unstructured.Unstructured) *Status {
	updated, found := number(u, "status.updatedNumberScheduled")
	want, _ := number(u, "status.desiredNumberScheduled")
	partition, _ := number(u, "spec.updateStrategy.rollingUpdate.partition")
	available, counted := number(u, "status.numberAvailable")
	unavailable, _ := number(u, "status.numberUnavailable")
	switch {
	case u.Object["status"] == nil || !exactlyObserved(u):
	case flag(u, "spec.updateStrategy.rollingUpdate.paused") || !found:
		return suspended("Daemonset is paused")
	case partition != 0 && u.GetGeneration() > 1:
		if updated > want-partition {
			return suspended("Daemonset needs manual intervention")
		}
	case updated == want && counted && available == want:
		return healthy("All Daemonset workloads are ready and updated")
	case updated == want && want > 0 && unavailable == want:
		return degraded("Some pods are not ready or available")
	}
	return progressing("Waiting for initialization")
}

func kruiseStatefulSet(u *unstructured.Unstructured) *Status {
	ready, found := number(u, "status.updatedAvailableReplicas")
	total, _ := number(u, "status.replicas")
	updated, _ := number(u, "status.updatedReplicas")
	partition, partitioned := number(u, "spec.updateStrategy.rollingUpdate.partition")
	switch {
	case u.Object["status"] == nil || !exactlyObserved(u):
	case flag(u, "spec.updateStrategy.rollingUpdate.paused") || !found:
		return suspended("Statefulset is paused")
	case partitioned && partition != 0 && u.GetGeneration() > 1:
		if updated > total-partition {
			return suspended("Statefulset needs manual intervention")
		}
	case ready == total:
		return healthy("All Statefulset workloads are ready and updated")
	default:
		return degraded("Some replicas are not ready or available")
	}
	return progressing("Waiting for initialization")
}

func gameServerSet(u *unstructured.Unstructured) *Status {
	total, _ := number(u, "status.replicas")
	updated, _ := number(u, "status.updatedReplicas")
	ready, _ := number(u, "status.updatedReadyReplicas")
	partition, _ := number(u, "spec.updateStrategy.rollingUpdate.partition")
	switch {
	case u.Object["status"] == nil || !exactlyObserved(u):
	case flag(u, "spec.updateStrategy.rollingUpdate.paused"):
		return suspended("GameServerSet is paused")
	case partition != 0 && updated >= total-partition:
		return suspended("GameServerSet waits at its partition for manual intervention")
	case ready == total:
		return healthy("All GameServerSet replicas are updated and ready")
	}
	return progressing("Waiting for GameServerSet initialization")
}

func exactlyObserved(u *unstructured.Unstructured) bool {
	seen, _ := number(u, "status.observedGeneration")
	return u.GetGeneration() == seen
}
