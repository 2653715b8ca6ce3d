package settings

import (
	"errors"
	"fmt"
	"time"
)

// Polling is how often repositories are asked whether something moved, in case that no webhook tells.
type Polling struct {
	// Interval is the time between two questions; 0 switches polling off.
	Interval time.Duration
	// Jitter is up to how much is added to it, at random.
	Jitter time.Duration
}

// PollingFrom reads timeout.reconciliation and timeout.reconciliation.jitter of argocd-cm, Go's durations such as 180s. What
// is missing, negative or no duration stays as in standard; the error tells of it.
func PollingFrom(configMap map[string]string, standard Polling) (Polling, error) {
	p := standard
	err := errors.Join(
		duration(configMap, "timeout.reconciliation", &p.Interval),
		duration(configMap, "timeout.reconciliation.jitter", &p.Jitter),
	)
	return p, err
}

func duration(configMap map[string]string, key string, value *time.Duration) error {
	text, ok := configMap[key]
	if !ok || text == "" {
		return nil
	}
	parsed, err := time.ParseDuration(text)
	if err != nil || parsed < 0 {
		return fmt.Errorf("reading %s: key %s is not a duration such as 180s", ConfigMapName, key)
	}
	*value = parsed
	return nil
}
