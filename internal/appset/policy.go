package appset

import (
	"fmt"
	"strings"
	"time"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// DefaultRequeue is how often the hosts of repositories are asked for new commits, when nobody says otherwise: upstream's.
const DefaultRequeue = 3 * time.Minute

// Operator is what the hub's operator says of all ApplicationSets: keys of argocd-cmd-params-cm.
type Operator struct {
	// Policy is applicationsetcontroller.policy; empty means sync.
	Policy v1alpha1.ApplicationsSyncPolicy
	// Override lets a set's own policy count although Policy is set: applicationsetcontroller.enable.policy.override.
	Override bool
	// Annotations and Labels are kept on generated applications: applicationsetcontroller.global.preserved.*.
	Annotations, Labels []string
	// Progressive allows RollingSync: applicationsetcontroller.enable.progressive.syncs.
	Progressive bool
	// DryRun changes no application: applicationsetcontroller.dryrun.
	DryRun bool
	// MaxResources bounds status.resources: applicationsetcontroller.status.max.resources.count; 0 means no bound.
	MaxResources int
	// Requeue is how often the hosts of repositories are asked: applicationsetcontroller.requeue.after.
	Requeue time.Duration
	// NewGlobbing is applicationsetcontroller.enable.new.git.file.globbing.
	NewGlobbing bool
}

// OperatorFrom reads the keys. A key that can't be read is an error, and what it says is the most careful: for a policy that is
// none, that nothing is changed or deleted.
func OperatorFrom(params map[string]string) (Operator, error) {
	key := func(name string) string { return strings.TrimSpace(params["applicationsetcontroller."+name]) }
	on := func(name string) bool { return strings.EqualFold(key(name), "true") }
	o := Operator{
		Policy: v1alpha1.ApplicationsSyncPolicy(key("policy")), Override: on("enable.policy.override"),
		Annotations: words(key("global.preserved.annotations")), Labels: words(key("global.preserved.labels")),
		Progressive: on("enable.progressive.syncs"), DryRun: on("dryrun"), NewGlobbing: on("enable.new.git.file.globbing"), MaxResources: 5000, Requeue: DefaultRequeue,
	}
	if err := o.checkPolicy(); err != nil {
		o.Policy, o.Override = v1alpha1.ApplicationsSyncPolicyCreateOnly, false
		return o, err
	}
	if count := key("status.max.resources.count"); count != "" {
		if _, err := fmt.Sscanf(count, "%d", &o.MaxResources); err != nil || o.MaxResources < 0 {
			o.MaxResources = 5000
			return o, fmt.Errorf("reading argocd-cmd-params-cm: key applicationsetcontroller.status.max.resources.count is no number")
		}
	}
	if after := key("requeue.after"); after != "" {
		requeue, err := time.ParseDuration(after)
		if err != nil || requeue < time.Second {
			return o, fmt.Errorf("reading argocd-cmd-params-cm: key applicationsetcontroller.requeue.after is no duration of a second or more such as 3m")
		}
		o.Requeue = requeue
	}
	return o, nil
}

func (o Operator) checkPolicy() error {
	switch o.Policy {
	case "", v1alpha1.ApplicationsSyncPolicySync, v1alpha1.ApplicationsSyncPolicyCreateOnly, v1alpha1.ApplicationsSyncPolicyCreateUpdate,
		v1alpha1.ApplicationsSyncPolicyCreateDelete:
		return nil
	}
	return fmt.Errorf("reading argocd-cmd-params-cm: key applicationsetcontroller.policy is %q, not create-only, create-update, create-delete or sync", o.Policy)
}

func words(text string) []string {
	var all []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			all = append(all, word)
		}
	}
	return all
}

// PolicyOf says which changes a set may make.
func (o Operator) PolicyOf(set *v1alpha1.ApplicationSet) (updates, deletes bool) {
	policy := o.Policy
	if own := set.Spec.SyncPolicy; own != nil && own.ApplicationsSync != nil && (o.Policy == "" || o.Override) {
		policy = *own.ApplicationsSync
	}
	switch policy {
	case "", v1alpha1.ApplicationsSyncPolicySync:
		return true, true
	case v1alpha1.ApplicationsSyncPolicyCreateUpdate:
		return true, false
	case v1alpha1.ApplicationsSyncPolicyCreateDelete:
		return false, true
	}
	return false, false
}
