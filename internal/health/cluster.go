package health

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func service(u *unstructured.Unstructured) *Status {
	if text(u, "spec.type") == "LoadBalancer" && len(list(u, "status.loadBalancer.ingress")) == 0 {
		return progressing("")
	}
	return healthy("")
}

func ingress(u *unstructured.Unstructured) *Status {
	if len(list(u, "status.loadBalancer.ingress")) == 0 {
		return progressing("")
	}
	return healthy("")
}

func persistentVolumeClaim(u *unstructured.Unstructured) *Status {
	switch text(u, "status.phase") {
	case "Lost":
		return degraded("")
	case "Pending":
		return progressing("")
	case "Bound":
		return healthy("")
	}
	return unknown("")
}

func apiService(u *unstructured.Unstructured) *Status {
	for _, c := range conditions(u) {
		if c.kind == "Available" {
			message := fmt.Sprintf("%s: %s", c.reason, c.message)
			if c.status == "True" {
				return healthy(message)
			}
			return progressing(message)
		}
	}
	return progressing("Waiting to be processed")
}

func customResourceDefinition(u *unstructured.Unstructured) *Status {
	if u.GetDeletionTimestamp() != nil {
		return progressing("Pending deletion")
	}
	established := false
	for _, c := range conditions(u) {
		switch {
		case c.kind == "Terminating" && c.status == "True":
			return progressing("CRD is being terminated: " + c.message)
		case c.kind == "NamesAccepted" && c.status == "False":
			return degraded("CRD names have not been accepted: " + c.message)
		case c.kind == "Established" && c.status == "True":
			established = true
		case c.kind == "Established" && c.reason == "InvalidCABundle":
			return degraded("CRD is not established: " + c.message)
		case c.kind == "NonStructuralSchema" && c.status == "True":
			return degraded("Schema violations found: " + c.message)
		}
	}
	if !established {
		return progressing("CRD is not established")
	}
	return healthy("CRD is healthy")
}

func horizontalPodAutoscaler(u *unstructured.Unstructured) *Status {
	all := conditions(u)
	if len(all) == 0 {
		// autoscaling/v1 keeps the conditions in an annotation, as JSON.
		var stored []struct{ Type, Status, Reason, Message string }
		if err := json.Unmarshal([]byte(u.GetAnnotations()["autoscaling.alpha.kubernetes.io/conditions"]), &stored); err == nil {
			for _, c := range stored {
				all = append(all, condition{c.Type, c.Status, c.Reason, c.Message})
			}
		}
	}
	if len(all) == 0 {
		return progressing("Waiting to Autoscale")
	}
	for _, c := range all {
		switch c.reason {
		case "FailedGetScale", "FailedUpdateScale", "FailedGetResourceMetric", "InvalidSelector":
			return degraded(c.message)
		}
		if c.kind == "ScalingLimited" && c.status == "True" || c.kind == "AbleToScale" && c.status == "True" {
			return healthy(c.message)
		}
	}
	return progressing("Waiting to Autoscale")
}
