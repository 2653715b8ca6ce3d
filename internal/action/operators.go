package action

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	rollStrimzi  = "strimzi.io/manual-rolling-update"
	kedaPaused   = "autoscaling.keda.sh/paused"
	kedaReplicas = "autoscaling.keda.sh/paused-replicas"
	cnpgLoop     = "cnpg.io/reconciliationLoop"
	cnpgSleep    = "cnpg.io/hibernation"
)

var (
	cordoned   = is(true, "spec", "cordoned")
	cordon     = builtin{name: "cordon", icon: iconPause, offer: disabledIf(cordoned), change: set(true, "spec", "cordoned")}
	uncordon   = builtin{name: "uncordon", icon: iconPlay, offer: disabledIf(not(cordoned)), change: lower("spec", "cordoned")}
	ofCapsule  = builtin{name: "reconcile", icon: iconReload, offer: disabledIf(cordoned), change: stamp("", time.RFC3339, annotation("reconcile.projectcapsule.dev/requestedAt")...)}
	forceSync  = stamp("", time.RFC3339, annotation("force-sync")...)
	kedaPause  = set("true", annotation(kedaPaused)...)
	jobPaused  = is("true", annotation(kedaPaused)...)
	fixed      = condition(func(o map[string]any) bool { return has(o, annotation(kedaReplicas)...) })
	asleep     = is("on", annotation(cnpgSleep)...)
	loopless   = is("disabled", annotation(cnpgLoop)...)
	mongoPause = is(true, "spec", "pause")
)

// operators are the actions of kinds of widespread operators.
var operators = map[string][]builtin{
	"capsule.clastix.io/Tenant":               {cordon, uncordon},
	"capsule.clastix.io/TenantResource":       {cordon, uncordon, ofCapsule},
	"capsule.clastix.io/GlobalTenantResource": {cordon, uncordon, ofCapsule},
	"core.strimzi.io/StrimziPodSet": {
		{name: "rolling-update", offer: disabledIf(is("true", annotation(rollStrimzi)...)), change: set("true", annotation(rollStrimzi)...)},
	},
	"external-secrets.io/ExternalSecret": {{name: "refresh", change: forceSync, offer: disabledIf(func(o map[string]any) bool {
		return never(interval(o)) && text(o, "spec", "refreshPolicy") != "OnChange"
	})}},
	"external-secrets.io/PushSecret": {
		{name: "push", change: forceSync, offer: disabledIf(func(o map[string]any) bool { return never(interval(o)) })},
	},
	"k8s.mariadb.com/MariaDB": {
		{name: "resume", display: "Resume", icon: iconPlay, offer: onlyIf(suspended), change: resume},
		{name: "suspend", display: "Suspend", icon: iconPause, offer: onlyIf(not(suspended)), change: suspend},
	},
	"keda.sh/ScaledJob": {
		{name: "pause", icon: iconPauseCircle, offer: disabledIf(jobPaused), change: kedaPause},
		{name: "resume", icon: iconPlayCircle, offer: disabledIf(not(jobPaused)), change: unset(annotation(kedaPaused)...)},
	},
	"keda.sh/ScaledObject": {
		{name: "pause", icon: iconPauseCircle, offer: disabledIf(either(jobPaused, fixed)), change: kedaPause},
		{name: "paused-replicas", icon: iconPauseCircle, params: []string{"replicas"}, offer: disabledIf(jobPaused), change: pauseAt},
		{name: "resume", icon: iconPlayCircle, offer: disabledIf(not(either(jobPaused, fixed))),
			change: all(unset(annotation(kedaPaused)...), unset(annotation(kedaReplicas)...))},
	},
	"postgresql.cnpg.io/Cluster": {
		{name: "restart", display: "Rollout restart Cluster", icon: "fa fa-fw fa-recycle", change: stamp("", time.RFC3339, annotation("kubectl.kubernetes.io/restartedAt")...)},
		{name: "reload", display: "Reload all Configuration", icon: iconReload, change: stamp("", time.RFC3339, annotation("cnpg.io/reloadedAt")...)},
		{name: "promote", display: "Promote Replica to Primary", icon: "fa fa-fw fa-angles-up", params: []string{"instance"},
			offer:  disabledIf(func(o map[string]any) bool { return len(instances(o)) < 2 }),
			change: switchOver},
		{name: "resume", display: "Resume Reconciliation", icon: iconPlay, offer: onlyIf(loopless), change: unset(annotation(cnpgLoop)...)},
		{name: "suspend", display: "Suspend Reconciliation", icon: iconPause, offer: onlyIf(not(loopless)), change: set("disabled", annotation(cnpgLoop)...)},
		{name: "rehydrate", display: "Rehydrate Cluster", icon: iconPlay, offer: onlyIf(asleep), change: set("off", annotation(cnpgSleep)...)},
		{name: "hibernate", display: "Hibernate Cluster", icon: iconPause, offer: onlyIf(not(asleep)), change: set("on", annotation(cnpgSleep)...)},
	},
	"psmdb.percona.com/PerconaServerMongoDB": {
		{name: "pause", icon: iconPauseCircle, offer: disabledIf(mongoPause), change: set(true, "spec", "pause")},
		{name: "unpause", icon: iconPlayCircle, offer: disabledIf(not(mongoPause)), change: set(false, "spec", "pause")},
	},
}

// interval is how often a secret is refreshed; a number counts as written.
func interval(o map[string]any) string {
	if value := at(o, "spec", "refreshInterval"); value != nil {
		return fmt.Sprint(value)
	}
	return ""
}

// pauseAt keeps what is scaled at a number.
func pauseAt(o map[string]any, in input) error {
	given, ok := in.params["replicas"]
	if !ok {
		return fmt.Errorf("replicas parameter is required")
	}
	replicas, err := strconv.ParseUint(strings.TrimSpace(given), 10, 31)
	if err != nil {
		return fmt.Errorf("invalid number: %s (must be >= 0)", given)
	}
	return unstructured.SetNestedField(o, strconv.FormatUint(replicas, 10), annotation(kedaReplicas)...)
}

// instances are a PostgreSQL cluster's healthy instances.
func instances(o map[string]any) []string {
	var names []string
	for _, item := range list(o, "status", "instancesStatus", "healthy") {
		if name, ok := item.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// switchOver makes a healthy instance the primary: that of a name or a number, or with any the one after the present one.
func switchOver(o map[string]any, in input) error {
	wanted, healthy, selected := in.params["instance"], instances(o), ""
	named := func(name string) string {
		if slices.Contains(healthy, name) {
			return name
		}
		return ""
	}
	if _, err := strconv.ParseFloat(wanted, 64); err == nil {
		selected = named(text(o, "metadata", "name") + "-" + wanted)
	} else if wanted != "any" {
		selected = named(wanted)
	} else if len(healthy) > 0 {
		// A primary that isn't healthy is at -1, so that the first follows it.
		selected = healthy[(slices.Index(healthy, text(o, "status", "currentPrimary"))+1)%len(healthy)]
	}
	if selected == "" {
		//lint:ignore ST1005 these are Argo CD's words
		return fmt.Errorf("Could not find a healthy instance matching the criteria: %s", wanted)
	}
	return all(
		set(selected, "status", "targetPrimary"), stamp("", time.RFC3339, "status", "targetPrimaryTimestamp"),
		set("Switchover in progress", "status", "phase"), set("Switching over to "+selected, "status", "phaseReason"),
	)(o, in)
}
