package health

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// subscription is one of the Operator Lifecycle Manager. An update that waits for a person's approval, of an operator that
// is installed, is no concern.
func subscription(u *unstructured.Unstructured) *Status {
	all, state := conditions(u), text(u, "status.state")
	if len(all) == 0 {
		return progressing("An install plan for a subscription is pending installation")
	}
	manual, failing, pending := false, false, false
	for _, c := range all {
		manual = manual || c.kind == "InstallPlanPending" && c.status == "True" && c.reason == "RequiresApproval" &&
			text(u, "spec.installPlanApproval") == "Manual" && text(u, "status.installedCSV") != ""
	}
	var message strings.Builder
	for _, c := range all {
		if manual && c.kind == "InstallPlanPending" {
			continue
		}
		fmt.Fprintf(&message, "%s | %s\n", c.kind, c.status)
		switch c.kind {
		case "InstallPlanPending":
			pending = pending || c.status == "True"
		case "InstallPlanMissing":
			failing = failing || c.reason != "ReferencedInstallPlanNotFound"
		case "CatalogSourcesUnhealthy", "InstallPlanFailed", "ResolutionFailed":
			failing = failing || c.status == "True"
		}
	}
	switch state {
	case "", "UpgradeAvailable":
		pending = true
	case "UpgradePending":
		pending = pending || !manual
	case "UpgradeFailed":
		failing = true
	}
	fmt.Fprintf(&message, ".status.state is '%s'\n", state)
	switch {
	case failing:
		return degraded(message.String())
	case pending:
		return progressing(message.String())
	}
	return healthy(message.String())
}

func elasticsearch(u *unstructured.Unstructured) *Status {
	var want int64
	for _, set := range list(u, "spec.nodeSets") {
		count, _ := numeric(set["count"])
		want += count
	}
	have, found := number(u, "status.availableNodes")
	phase, color := text(u, "status.phase"), text(u, "status.health")
	switch {
	case !found || have > want:
	case have < want:
		return progressing(fmt.Sprintf("The desired amount of availableNodes is %d but the current amount is %d", want, have))
	case color == "":
	case phase == "Invalid":
		return degraded("Elasticsearch phase is Invalid")
	case phase == "ApplyingChanges" || phase == "MigratingData":
		return progressing("Elasticsearch phase is " + phase)
	case phase != "Ready":
	case color == "green":
		return healthy("Elasticsearch Cluster status is Green")
	case color == "yellow":
		return progressing("Elasticsearch Cluster status is Yellow. Check the status of indices, replicas and shards")
	case color == "red":
		return degraded("Elasticsearch Cluster status is Red. Check the status of indices, replicas and shards")
	}
	return unknown("Elasticsearch Cluster status is unknown")
}

func cephCluster(u *unstructured.Unstructured) *Status {
	if u.Object["status"] == nil {
		return progressing("Waiting for status to be reported")
	}
	ceph, state := text(u, "status.ceph.health"), text(u, "status.state")
	var said []string
	for _, s := range []struct{ before, text string }{{"Ceph health is ", ceph}, {"Ceph cluster state is ", state}, {"", text(u, "status.message")}} {
		if s.text != "" {
			said = append(said, s.before+s.text)
		}
	}
	message := strings.Join(said, " - ")
	switch {
	case ceph == "HEALTH_ERR" || ceph == "HEALTH_WARN" || ceph == "HEALTH_OK" && state == "Error":
		return degraded(message)
	case ceph == "HEALTH_OK" && (state == "" || state == "Created" || state == "Connected"):
		return healthy(message)
	}
	return progressing(message)
}

// collector reads "ready/wanted".
func collector(u *unstructured.Unstructured) *Status {
	scale := text(u, "status.scale.statusReplicas")
	switch {
	case u.Object["status"] == nil:
		return progressing("Waiting for OpenTelemetry Collector status")
	case scale == "" && text(u, "spec.mode") == "sidecar":
		return healthy("Collector is running in sidecar mode")
	case scale == "":
		return progressing("Scale status not available")
	}
	a, b, _ := strings.Cut(scale, "/")
	ready, err := strconv.Atoi(a)
	want, otherErr := strconv.Atoi(b)
	switch {
	case err != nil || otherErr != nil:
		return progressing("Unable to parse replica status: " + scale)
	case want == 0 && ready == 0 && text(u, "spec.mode") == "daemonset":
		return healthy("DaemonSet has no eligible nodes (0/0)")
	case ready == 0:
		return degraded("No replicas are ready")
	case ready == want:
		return healthy("All replicas are ready")
	}
	return progressing("Replicas are starting up")
}

func spark(u *unstructured.Unstructured) *Status {
	message := text(u, "status.applicationState.errorMessage")
	switch text(u, "status.applicationState.state") {
	case "COMPLETED":
		return healthy("SparkApplication was Completed")
	case "RUNNING":
		if sparkExecutors(u) {
			return healthy("SparkApplication is Running")
		}
	case "SUBMITTED":
		return progressing("SparkApplication was submitted successfully")
	case "FAILED", "SUBMISSION_FAILED", "FAILING":
		return degraded(message)
	case "PENDING_RERUN":
		return progressing("SparkApplication is Pending Rerun")
	case "INVALIDATING":
		return missing("SparkApplication is in InvalidatingState")
	case "SUCCEEDING":
		return progressing("The driver has completed, the executors are being cleaned up")
	case "UNKNOWN":
		return progressing("The state of the driver or of executors is unknown")
	}
	return progressing("Waiting for Executor pods")
}

// sparkExecutors tells whether as many executors run as are wanted.
func sparkExecutors(u *unstructured.Unstructured) bool {
	states, _, _ := unstructured.NestedMap(u.Object, "status", "executorState")
	var running int64
	for _, state := range states {
		if state == "RUNNING" {
			running++
		}
	}
	want, fixed := number(u, "spec.executor.instances")
	if states != nil && fixed && want == running {
		return true
	}
	if flag(u, "spec.dynamicAllocation.enabled") {
		least, _ := number(u, "spec.dynamicAllocation.minExecutors")
		most, bounded := number(u, "spec.dynamicAllocation.maxExecutors")
		return running >= least && (!bounded || running <= most)
	}
	conf, _, _ := unstructured.NestedStringMap(u.Object, "spec", "sparkConf")
	for _, prefix := range []string{"spark.streaming.dynamicAllocation.", "spark.dynamicAllocation."} {
		if conf[prefix+"enabled"] == "true" {
			least, _ := strconv.ParseInt(conf[prefix+"minExecutors"], 10, 64)
			most, err := strconv.ParseInt(conf[prefix+"maxExecutors"], 10, 64)
			if err != nil {
				most = math.MaxInt64
			}
			return running >= least && running <= most
		}
	}
	_, dynamic, _ := unstructured.NestedMap(u.Object, "spec", "dynamicAllocation")
	return !dynamic && !fixed && running >= 1
}

func karmadaBinding(u *unstructured.Unstructured) *Status {
	targets, named, _ := unstructured.NestedSlice(u.Object, "spec", "clusters")
	results := list(u, "status.aggregatedStatus")
	optional := u.GetKind() == "ResourceBinding" && !named
	if len(results) == 0 || !optional && (len(targets) == 0 || len(targets) != len(results)) {
		return progressing("Current resource status is insufficient")
	}
	for _, result := range results {
		if result["health"] == "Unhealthy" || result["health"] == "Unknown" && result["applied"] != true {
			return degraded("Current resource status is unhealthy")
		}
	}
	return healthy("")
}

func openshiftRoute(u *unstructured.Unstructured) *Status {
	routers := list(u, "status.ingress")
	admitted, refused := 0, false
	for _, router := range routers {
		if c := named(router, "Admitted"); c != nil {
			refused = refused || c["status"] == "False"
			if c["status"] == "True" {
				admitted++
			}
		}
	}
	switch {
	case len(routers) > 0 && admitted == len(routers):
		return healthy("Route is healthy")
	case refused:
		return degraded("Route is degraded")
	}
	return progressing("Route is still getting admitted")
}

func kafkaCluster(u *unstructured.Unstructured) *Status {
	state, topic := text(u, "status.state"), text(u, "status.cruiseControlTopicStatus")
	brokers, _, _ := unstructured.NestedMap(u.Object, "status", "brokersState")
	inSync := 0
	for _, broker := range brokers {
		fields, _ := broker.(map[string]any)
		at, _, _ := unstructured.NestedString(fields, "gracefulActionState", "cruiseControlState")
		if fields["configurationState"] == "ConfigInSync" && (at == "GracefulUpscaleSucceeded" || at == "GracefulDownscaleSucceeded") {
			inSync++
		}
	}
	switch {
	case state == "ClusterRollingUpgrading":
		return progressing("Kafka Cluster is Rolling Upgrading.")
	case brokers == nil:
	case inSync != len(brokers):
		return degraded("Broker Config is out of Sync or CruiseControlState is not Ready")
	case topic == "CruiseControlTopicReady" && state == "ClusterRunning":
		return healthy("Kafka Brokers, CruiseControl and cluster are in Healthy State.")
	case topic != "CruiseControlTopicReady" && state == "ClusterReconciling":
		return progressing("Kafka Cluster is Reconciling.")
	}
	return progressing("Waiting for KafkaCluster")
}

func canary(u *unstructured.Unstructured) *Status {
	phase := text(u, "status.phase")
	said := []string{phase}
	if weight, _ := number(u, "status.canaryWeight"); weight > 0 {
		said = append(said, fmt.Sprintf("Canary Weight: %d %%", weight))
	}
	for _, c := range conditions(u) {
		said = append(said, c.message)
	}
	message := strings.Join(said, " --- ")
	switch phase {
	case "Failed":
		return degraded(message)
	case "Progressing", "Finalising", "Promoting":
		return progressing(message)
	case "Succeeded", "Initialized":
		return healthy(message)
	}
	return unknown("No status")
}

// clusterExternalSecret says how it does in the last condition.
func clusterExternalSecret(u *unstructured.Unstructured) *Status {
	if all := conditions(u); len(all) > 0 {
		last := all[len(all)-1]
		switch {
		case last.kind == "Ready" && last.status == "True":
			return healthy(last.message)
		case (last.kind == "PartiallyReady" || last.kind == "NotReady") && last.status == "True":
			return degraded(last.message)
		}
	}
	return progressing("Waiting for ClusterExternalSecret")
}
