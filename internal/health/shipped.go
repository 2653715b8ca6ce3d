package health

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// counted are the kinds for which one must count or add up, which the tables can't.
var counted = map[schema.GroupKind]func(*unstructured.Unstructured) *Status{
	{Group: "gateway.networking.k8s.io", Kind: "Gateway"}:          gateway,
	{Group: "gateway.networking.k8s.io", Kind: "ListenerSet"}:      gateway,
	{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute"}:        gatewayRoute,
	{Group: "gateway.networking.k8s.io", Kind: "GRPCRoute"}:        gatewayRoute,
	{Group: "gateway.networking.k8s.io", Kind: "TLSRoute"}:         gatewayRoute,
	{Group: "gateway.networking.k8s.io", Kind: "BackendTLSPolicy"}: attachedPolicy,
	{Group: "gateway.envoyproxy.io", Kind: "BackendTrafficPolicy"}: envoyPolicy,
	{Group: "gateway.envoyproxy.io", Kind: "ClientTrafficPolicy"}:  envoyPolicy,
	{Group: "gateway.envoyproxy.io", Kind: "EnvoyExtensionPolicy"}: envoyPolicy,
	{Group: "gateway.envoyproxy.io", Kind: "EnvoyPatchPolicy"}:     envoyPolicy,
	{Group: "gateway.envoyproxy.io", Kind: "SecurityPolicy"}:       envoyPolicy,
	{Group: "operators.coreos.com", Kind: "Subscription"}:          subscription,
	{Group: "elasticsearch.k8s.elastic.co", Kind: "Elasticsearch"}: elasticsearch,
	{Group: "ceph.rook.io", Kind: "CephCluster"}:                   cephCluster,
	{Group: "apps.kruise.io", Kind: "DaemonSet"}:                   kruiseDaemonSet,
	{Group: "apps.kruise.io", Kind: "StatefulSet"}:                 kruiseStatefulSet,
	{Group: "game.kruise.io", Kind: "GameServerSet"}:               gameServerSet,
	{Group: "opentelemetry.io", Kind: "OpenTelemetryCollector"}:    collector,
	{Group: "sparkoperator.k8s.io", Kind: "SparkApplication"}:      spark,
	{Group: "work.karmada.io", Kind: "ClusterResourceBinding"}:     karmadaBinding,
	{Group: "work.karmada.io", Kind: "ResourceBinding"}:            karmadaBinding,
	{Group: "route.openshift.io", Kind: "Route"}:                   openshiftRoute,
	{Group: "kafka.banzaicloud.io", Kind: "KafkaCluster"}:          kafkaCluster,
	{Group: "flagger.app", Kind: "Canary"}:                         canary,
	{Group: "external-secrets.io", Kind: "ClusterExternalSecret"}:  clusterExternalSecret,
}

// shipped is the rule for a kind of a popular operator; nil if there is none.
func shipped(kind schema.GroupKind) func(*unstructured.Unstructured) *Status {
	if rule := counted[kind]; rule != nil {
		return rule
	}
	if kind.Group == "microgateway.airlock.com" {
		return attachedPolicy
	}
	if clauses := tables().of(kind); clauses != nil {
		return func(u *unstructured.Unstructured) *Status { return judgeBy(clauses, u) }
	}
	return nil
}
