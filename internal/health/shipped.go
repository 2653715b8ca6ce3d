package health

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// byCondition are kinds of popular operators that say how they do in one condition: True is healthy, False degraded, and
// until it is there the object is progressing. Argo CD ships scripts of the same meaning.
var byCondition = map[schema.GroupKind]string{
	{Group: "cert-manager.io", Kind: "Certificate"}:               "Ready",
	{Group: "cert-manager.io", Kind: "Issuer"}:                    "Ready",
	{Group: "cert-manager.io", Kind: "ClusterIssuer"}:             "Ready",
	{Group: "external-secrets.io", Kind: "ExternalSecret"}:        "Ready",
	{Group: "external-secrets.io", Kind: "SecretStore"}:           "Ready",
	{Group: "external-secrets.io", Kind: "ClusterSecretStore"}:    "Ready",
	{Group: "external-secrets.io", Kind: "PushSecret"}:            "Ready",
	{Group: "bitnami.com", Kind: "SealedSecret"}:                  "Synced",
	{Group: "serving.knative.dev", Kind: "Service"}:               "Ready",
	{Group: "serving.kserve.io", Kind: "InferenceService"}:        "Ready",
	{Group: "kafka.strimzi.io", Kind: "Kafka"}:                    "Ready",
	{Group: "kafka.strimzi.io", Kind: "KafkaTopic"}:               "Ready",
	{Group: "kafka.strimzi.io", Kind: "KafkaUser"}:                "Ready",
	{Group: "kafka.strimzi.io", Kind: "KafkaConnect"}:             "Ready",
	{Group: "keda.sh", Kind: "ScaledObject"}:                      "Ready",
	{Group: "keda.sh", Kind: "ScaledJob"}:                         "Ready",
	{Group: "postgresql.cnpg.io", Kind: "Cluster"}:                "Ready",
	{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"}: "Ready",
	{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}:        "Ready",
	{Group: "source.toolkit.fluxcd.io", Kind: "GitRepository"}:    "Ready",
	{Group: "source.toolkit.fluxcd.io", Kind: "HelmRepository"}:   "Ready",
	{Group: "source.toolkit.fluxcd.io", Kind: "HelmChart"}:        "Ready",
	{Group: "source.toolkit.fluxcd.io", Kind: "OCIRepository"}:    "Ready",
	{Group: "source.toolkit.fluxcd.io", Kind: "Bucket"}:           "Ready",
	{Group: "cluster.x-k8s.io", Kind: "Cluster"}:                  "Ready",
}

// shipped is the rule for a kind of a popular operator; nil if there is none.
func shipped(kind schema.GroupKind) func(*unstructured.Unstructured) *Status {
	if condition, ok := byCondition[kind]; ok {
		return func(u *unstructured.Unstructured) *Status { return conditioned(u, condition) }
	}
	return nil
}

func conditioned(u *unstructured.Unstructured, kind string) *Status {
	if flag(u, "spec.suspend") && strings.HasSuffix(u.GroupVersionKind().Group, "toolkit.fluxcd.io") {
		return suspended("Suspended")
	}
	if seen, ok := number(u, "status.observedGeneration"); ok && seen < u.GetGeneration() {
		return progressing("Waiting for the spec to be observed")
	}
	for _, c := range conditions(u) {
		if c.kind != kind {
			continue
		}
		switch c.status {
		case "True":
			return healthy(c.message)
		case "False":
			if c.reason == "Progressing" || c.reason == "Issuing" || c.reason == "DoesNotExist" {
				return progressing(c.message)
			}
			return degraded(c.message)
		}
		return progressing(c.message)
	}
	return progressing("Waiting for the condition " + kind)
}
