package settings

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// EngineParams are the keys of argocd-cmd-params-cm that tune comparisons and syncs. docs/settings.md has them all.
type EngineParams struct {
	// QueryTimeout bounds one evaluation of a jq path expression of ignoreDifferences.
	QueryTimeout time.Duration
	// WavePause is an extra wait between waves; SyncTimeout ends operations that run for longer, zero none.
	WavePause, SyncTimeout time.Duration
	// SelfHealMin, SelfHealFactor and SelfHealMax space self-heals of the same revision.
	SelfHealMin    time.Duration
	SelfHealFactor int
	SelfHealMax    time.Duration
	// PersistHealth keeps the health of each object in its application's status, not only in the resource tree.
	PersistHealth bool
}

// EngineParamsFrom reads them. What is missing, negative or not readable stays as in standard; the error tells of it.
func EngineParamsFrom(configMap map[string]string, standard EngineParams) (EngineParams, error) {
	p := standard
	factor := int64(p.SelfHealFactor)
	fixed := time.Duration(0)
	err := errors.Join(
		positiveDuration(configMap, "controller.ignore.normalizer.jq.timeout", &p.QueryTimeout),
		seconds(configMap, "controller.sync.wave.delay.seconds", &p.WavePause),
		seconds(configMap, "controller.sync.timeout.seconds", &p.SyncTimeout),
		seconds(configMap, "controller.self.heal.backoff.timeout.seconds", &p.SelfHealMin),
		seconds(configMap, "controller.self.heal.backoff.cap.seconds", &p.SelfHealMax),
		seconds(configMap, "controller.self.heal.timeout.seconds", &fixed),
		number(configMap, "controller.self.heal.backoff.factor", 1, 1000, &factor),
		boolean(configMap, "controller.resource.health.persist", &p.PersistHealth),
	)
	p.SelfHealFactor = int(factor)
	if p.SelfHealMin == 0 { // no growing intervals: the fixed one, as in Argo CD
		p.SelfHealMin, p.SelfHealFactor, p.SelfHealMax = fixed, 1, fixed
	}
	p.SelfHealMax = max(p.SelfHealMax, p.SelfHealMin)
	return p, err
}

// maxSeconds is a year, which nobody waits for.
const maxSeconds = 365 * 24 * 60 * 60

func seconds(configMap map[string]string, key string, value *time.Duration) error {
	n := int64(-1)
	err := number(configMap, key, 0, maxSeconds, &n)
	if n >= 0 {
		*value = time.Duration(n) * time.Second
	}
	return err
}

func number(configMap map[string]string, key string, least, most int64, value *int64) error {
	text := configMap[key]
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return fmt.Errorf("reading %s: key %s is no number from %d to %d", CmdParamsConfigMap, key, least, most)
	}
	*value = n
	return nil
}

func boolean(configMap map[string]string, key string, value *bool) error {
	text := configMap[key]
	if text == "" {
		return nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("reading %s: key %s is neither true nor false", CmdParamsConfigMap, key)
	}
	*value = b
	return nil
}

func positiveDuration(configMap map[string]string, key string, value *time.Duration) error {
	text := configMap[key]
	if text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("reading %s: key %s is no duration above zero such as 1s", CmdParamsConfigMap, key)
	}
	*value = d
	return nil
}
