package application

import (
	"errors"
	"fmt"
	"time"

	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/settings"
)

// Options tune the controller.
type Options struct {
	// Concurrency is how many applications are reconciled at once. They mostly wait for API servers.
	Concurrency int
	// Poll and PollJitter are how often each repository is asked for its refs, in case that a webhook was lost; Poll zero
	// switches it off. Argo CD's defaults.
	Poll, PollJitter time.Duration
	// Patience is for how long a reconcile waits for a host of repositories. What takes longer goes on without it.
	Patience time.Duration
	// RetryMin and RetryMax space repetitions of a look-up that failed (Git host, cluster); they double in between.
	RetryMin, RetryMax time.Duration
	// SelfHealMin, SelfHealFactor and SelfHealMax space self-heals of the same revision. The first is immediate.
	SelfHealMin    time.Duration
	SelfHealFactor int
	SelfHealMax    time.Duration
	// HookGrace is for how long a newer commit waits for a hook that runs; everything else it supersedes at once.
	HookGrace time.Duration
	// WavePause is an extra wait between waves; health is waited for anyway, so the default is none (Argo CD: 2 s).
	WavePause time.Duration
	// MetricsLabels are labels of applications that argocd_app_labels shows, MetricsConditions the types of conditions that
	// argocd_app_condition does.
	MetricsLabels, MetricsConditions []string
	// SyncTimeout ends operations that run for longer; zero ends none.
	SyncTimeout time.Duration
	// QueryTimeout bounds one evaluation of a jq path expression of ignoreDifferences.
	QueryTimeout time.Duration
	// PersistHealth keeps the health of each object in the status. Without it only the tree has it.
	PersistHealth bool
	// Namespace is the hub's.
	Namespace string
}

// Default are the options for production.
func Default() Options {
	return Options{
		Concurrency:    16,
		Poll:           120 * time.Second,
		PollJitter:     60 * time.Second,
		Patience:       time.Second, // most fetches take less; a worker has other applications to look after
		RetryMin:       time.Second,
		RetryMax:       30 * time.Second,
		SelfHealMin:    2 * time.Second,
		SelfHealFactor: 3,
		SelfHealMax:    300 * time.Second,
		HookGrace:      5 * time.Minute,
		QueryTimeout:   diff.DefaultQueryTimeout,
		PersistHealth:  true,
		Namespace:      "argocd",
	}
}

// Validate tells what is wrong with the options.
func (o Options) Validate() error {
	if o.Concurrency < 1 {
		return errors.New("at least one application must be reconciled at a time")
	}
	if o.Namespace == "" {
		return errors.New("the hub's namespace is missing")
	}
	for name, d := range map[string]time.Duration{
		"poll interval": o.Poll, "poll jitter": o.PollJitter, "hook grace": o.HookGrace, "pause between waves": o.WavePause, "sync timeout": o.SyncTimeout,
	} {
		if d < 0 {
			return fmt.Errorf("the %s must not be negative", name)
		}
	}
	if o.RetryMin <= 0 || o.RetryMax < o.RetryMin {
		return errors.New("retries need a positive shortest wait and a longest that isn't shorter")
	}
	if o.Patience <= 0 {
		return errors.New("the patience with hosts of repositories must be positive")
	}
	if o.QueryTimeout <= 0 {
		return errors.New("the timeout of jq path expressions must be positive")
	}
	if o.SelfHealMin <= 0 || o.SelfHealFactor < 1 || o.SelfHealMax < o.SelfHealMin {
		return errors.New("self-heals need a positive shortest wait, a factor of at least 1 and a longest wait that isn't shorter")
	}
	return nil
}

// with is the options as the operator's argocd-cmd-params-cm has them.
func (o Options) with(p settings.EngineParams) Options {
	o.QueryTimeout, o.WavePause, o.SyncTimeout = p.QueryTimeout, p.WavePause, p.SyncTimeout
	o.SelfHealMin, o.SelfHealFactor, o.SelfHealMax = p.SelfHealMin, p.SelfHealFactor, p.SelfHealMax
	o.PersistHealth = p.PersistHealth
	return o
}

// params are the options that argocd-cmd-params-cm can change.
func (o Options) params() settings.EngineParams {
	return settings.EngineParams{
		QueryTimeout: o.QueryTimeout, WavePause: o.WavePause, SyncTimeout: o.SyncTimeout,
		SelfHealMin: o.SelfHealMin, SelfHealFactor: o.SelfHealFactor, SelfHealMax: o.SelfHealMax, PersistHealth: o.PersistHealth,
	}
}
