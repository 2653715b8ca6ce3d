package appspec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

type spec = v1alpha1.ApplicationSpec

// The defaults of retries, the controller's own.
const (
	retryBackoff    = 5 * time.Second
	maxRetryBackoff = 3 * time.Minute
	retryFactor     = 2
)

func specOptions() []option[spec] {
	return []option[spec]{
		{"revision-history-limit", func(f *pflag.FlagSet) { f.Int64("revision-history-limit", 10, "how many entries the history keeps") },
			func(f *pflag.FlagSet, s *spec) error {
				limit, err := f.GetInt64("revision-history-limit")
				s.RevisionHistoryLimit = &limit
				return err
			}},
		text("dest-server", "URL of the cluster", func(s *spec, v string) error { s.Destination.Server = v; return nil }),
		text("dest-name", "name of the cluster", func(s *spec, v string) error { s.Destination.Name = v; return nil }),
		text("dest-namespace", "namespace in the cluster", func(s *spec, v string) error { s.Destination.Namespace = v; return nil }),
		text("project", "project", func(s *spec, v string) error { s.Project = v; return nil }),
		text("sync-policy", "manual (or none), or automated (or auto, automatic)", setPolicy),
		list("sync-option", "sync option to set, such as Prune=false; to remove one, !Prune=false; may be repeated", setSyncOptions),
		{"sync-retry-limit", addRetry, setRetry},
		toggle("sync-retry-refresh", "let a repetition take the newest revision", func(s *spec, v bool) {
			policy := policyOf(s)
			if policy.Retry == nil {
				policy.Retry = &v1alpha1.RetryStrategy{}
			}
			policy.Retry.Refresh = v
		}),
		toggle("auto-prune", "let automated syncs delete what Git no longer has", func(s *spec, v bool) { automated(s).Prune = &v }),
		toggle("self-heal", "let automated syncs undo changes of the cluster", func(s *spec, v bool) { automated(s).SelfHeal = &v }),
		toggle("allow-empty", "let automated syncs delete everything", func(s *spec, v bool) { automated(s).AllowEmpty = &v }),
	}
}

func policyOf(s *spec) *v1alpha1.SyncPolicy {
	if s.SyncPolicy == nil {
		s.SyncPolicy = &v1alpha1.SyncPolicy{}
	}
	return s.SyncPolicy
}

// automated is the automation that is tuned; where there is none it stays off.
func automated(s *spec) *v1alpha1.SyncPolicyAutomated {
	policy := policyOf(s)
	if policy.Automated == nil {
		off := false
		policy.Automated = &v1alpha1.SyncPolicyAutomated{Enabled: &off}
	}
	return policy.Automated
}

func setPolicy(s *spec, value string) error {
	switch value {
	case "none", "manual":
		if s.SyncPolicy != nil {
			s.SyncPolicy.Automated = nil
		}
	case "automated", "automatic", "auto":
		policyOf(s).Automated = &v1alpha1.SyncPolicyAutomated{}
	default:
		//lint:ignore ST1005 argocd's text
		return fmt.Errorf("Invalid sync-policy: %s", value)
	}
	return nil
}

func setSyncOptions(s *spec, options []string) error {
	policy := policyOf(s)
	for _, option := range options {
		if removed, ok := strings.CutPrefix(option, "!"); ok {
			policy.SyncOptions = slices.DeleteFunc(policy.SyncOptions, func(o string) bool { return o == removed })
		} else if !slices.Contains(policy.SyncOptions, option) {
			policy.SyncOptions = append(policy.SyncOptions, option)
		}
	}
	return nil
}

func addRetry(f *pflag.FlagSet) {
	f.Int64("sync-retry-limit", 0, "how often a sync is repeated")
	f.Duration("sync-retry-backoff-duration", retryBackoff, "time before the first repetition")
	f.Duration("sync-retry-backoff-max-duration", maxRetryBackoff, "longest time between repetitions")
	f.Int64("sync-retry-backoff-factor", retryFactor, "by which the time grows at each repetition")
}

func setRetry(f *pflag.FlagSet, s *spec) error {
	limit, err := f.GetInt64("sync-retry-limit")
	if err != nil {
		return err
	}
	if limit < 0 {
		//lint:ignore ST1005 argocd's text
		return fmt.Errorf("Invalid sync-retry-limit [%d]", limit)
	}
	if limit == 0 {
		if s.SyncPolicy != nil {
			s.SyncPolicy.Retry = nil
		}
		return nil
	}
	first, err := f.GetDuration("sync-retry-backoff-duration")
	if err != nil {
		return err
	}
	longest, err := f.GetDuration("sync-retry-backoff-max-duration")
	if err != nil {
		return err
	}
	factor, err := f.GetInt64("sync-retry-backoff-factor")
	if err != nil {
		return err
	}
	policyOf(s).Retry = &v1alpha1.RetryStrategy{
		Limit: limit, Backoff: &v1alpha1.Backoff{Duration: first.String(), MaxDuration: longest.String(), Factor: &factor},
	}
	return nil
}

// tidyPolicy drops a policy that says nothing.
func tidyPolicy(s *spec) {
	if s.SyncPolicy == nil {
		return
	}
	if len(s.SyncPolicy.SyncOptions) == 0 {
		s.SyncPolicy.SyncOptions = nil
	}
	if reflect.DeepEqual(*s.SyncPolicy, v1alpha1.SyncPolicy{}) {
		s.SyncPolicy = nil
	}
}
