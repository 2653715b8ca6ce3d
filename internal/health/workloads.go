package health

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func deployment(u *unstructured.Unstructured) *Status {
	if flag(u, "spec.paused") {
		return suspended("Deployment is paused")
	}
	if !observed(u) {
		return progressing("Waiting for rollout to finish: observed deployment generation less than desired generation")
	}
	for _, c := range conditions(u) {
		if c.kind == "Progressing" && c.reason == "ProgressDeadlineExceeded" {
			return degraded(fmt.Sprintf("Deployment %q exceeded its progress deadline", u.GetName()))
		}
	}
	want := replicas(u)
	updated, _ := number(u, "status.updatedReplicas")
	total, _ := number(u, "status.replicas")
	available, _ := number(u, "status.availableReplicas")
	switch {
	case updated < want:
		return progressing(fmt.Sprintf("Waiting for rollout to finish: %d out of %d new replicas have been updated...", updated, want))
	case total > updated:
		return progressing(fmt.Sprintf("Waiting for rollout to finish: %d old replicas are pending termination...", total-updated))
	case available < updated:
		return progressing(fmt.Sprintf("Waiting for rollout to finish: %d of %d updated replicas are available...", available, updated))
	}
	return healthy("")
}

func statefulSet(u *unstructured.Unstructured) *Status {
	observedGeneration, _ := number(u, "status.observedGeneration")
	if observedGeneration == 0 || u.GetGeneration() > observedGeneration {
		return progressing("Waiting for statefulset spec update to be observed...")
	}
	want, asked := number(u, "spec.replicas")
	ready, _ := number(u, "status.readyReplicas")
	if asked && ready < want {
		return progressing(fmt.Sprintf("Waiting for %d pods to be ready...", want-ready))
	}
	strategy := text(u, "spec.updateStrategy.type")
	updated, _ := number(u, "status.updatedReplicas")
	current, update := text(u, "status.currentRevision"), text(u, "status.updateRevision")
	partition, partitioned := number(u, "spec.updateStrategy.rollingUpdate.partition")
	switch {
	case strategy == "OnDelete":
		return healthy(fmt.Sprintf("statefulset has %d ready pods", ready))
	case strategy == "RollingUpdate" && partitioned && asked && partition > 0:
		if updated < want-partition {
			return progressing(fmt.Sprintf("Waiting for partitioned roll out to finish: %d out of %d new pods have been updated...", updated, want-partition))
		}
		return healthy(fmt.Sprintf("partitioned roll out complete: %d new pods have been updated...", updated))
	case update != current:
		return progressing(fmt.Sprintf("waiting for statefulset rolling update to complete %d pods at revision %s...", updated, update))
	}
	currentReplicas, _ := number(u, "status.currentReplicas")
	return healthy(fmt.Sprintf("statefulset rolling update complete %d pods at revision %s...", currentReplicas, current))
}

func replicaSet(u *unstructured.Unstructured) *Status {
	if !observed(u) {
		return progressing("Waiting for rollout to finish: observed replica set generation less than desired generation")
	}
	for _, c := range conditions(u) {
		if c.kind == "ReplicaFailure" && c.status == "True" {
			return degraded(c.message)
		}
	}
	want, asked := number(u, "spec.replicas")
	available, _ := number(u, "status.availableReplicas")
	if asked && available < want {
		return progressing(fmt.Sprintf("Waiting for rollout to finish: %d out of %d new replicas are available...", available, want))
	}
	return healthy("")
}

func daemonSet(u *unstructured.Unstructured) *Status {
	if !observed(u) {
		return progressing("Waiting for rollout to finish: observed daemon set generation less than desired generation")
	}
	updated, _ := number(u, "status.updatedNumberScheduled")
	if text(u, "spec.updateStrategy.type") == "OnDelete" {
		return healthy(fmt.Sprintf("daemon set %d out of %d new pods have been updated", updated, updated))
	}
	want, _ := number(u, "status.desiredNumberScheduled")
	available, _ := number(u, "status.numberAvailable")
	switch {
	case updated < want:
		return progressing(fmt.Sprintf("Waiting for daemon set %q rollout to finish: %d out of %d new pods have been updated...", u.GetName(), updated, want))
	case available < want:
		return progressing(fmt.Sprintf("Waiting for daemon set %q rollout to finish: %d of %d updated pods are available...", u.GetName(), available, want))
	}
	return healthy("")
}

func job(u *unstructured.Unstructured) *Status {
	for _, c := range conditions(u) {
		if c.status != "True" {
			continue
		}
		switch c.kind {
		case "Failed":
			return degraded(c.message)
		case "Complete":
			return healthy(c.message)
		case "Suspended":
			return suspended(c.message)
		}
	}
	return progressing("")
}

// cronJob is as well as its last run. One that is suspended is so by wish.
func cronJob(u *unstructured.Unstructured) *Status {
	scheduled, succeeded := text(u, "status.lastScheduleTime"), text(u, "status.lastSuccessfulTime")
	switch {
	case flag(u, "spec.suspend"):
		return healthy("CronJob is Suspended")
	case u.Object["status"] == nil:
		return progressing("Waiting for CronJob")
	case scheduled == "":
		return healthy("CronJob has not been scheduled yet")
	case succeeded == "":
		return healthy("The CronJob never completed successfully. It may not be healthy")
	case len(list(u, "status.active")) > 0:
		return healthy("The job is running. Its last execution may not have been successful")
	case succeeded < scheduled: // both are RFC 3339 in UTC
		return degraded("CronJob has not completed its last execution successfully")
	}
	return healthy("CronJob has completed its last execution successfully")
}
