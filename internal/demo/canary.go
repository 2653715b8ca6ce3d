package demo

import (
	"context"
	"fmt"
	"strings"
)

// canaryState is what `fairlead rollout get -o json` tells.
type canaryState struct {
	Phase   string `json:"phase"`
	Message string `json:"message"`
	Step    int    `json:"step"`
	Steps   int    `json:"steps"`
	Weight  int    `json:"weight"`
	Updated int    `json:"updated"`
	Desired int    `json:"desired"`
}

func (c canaryState) String() string {
	return fmt.Sprintf("%s %s, step %d/%d, weight %d %%", c.Phase, c.Message, c.Step, c.Steps, c.Weight)
}

// requests is how many are sent to measure a share; enough to tell a quarter from a half.
const requests = 200

func stepCanary(ctx context.Context, w *world) error {
	for _, app := range []string{"echo-staging", "echo-production", "web-staging", "web-production"} {
		if err := w.waitsForPerson(ctx, app); err != nil {
			return err
		}
	}
	if err := w.fairleadShown(ctx, "app", "list"); err != nil {
		return err
	}
	w.say("dana leads staging: she begins, aborts, tries again, and lets it go on")
	w.as = developer
	if err := w.stagingCanary(ctx); err != nil {
		return err
	}
	w.say("oscar leads production")
	w.as = operator
	if err := w.productionCanary(ctx); err != nil {
		return err
	}
	return w.kustomizeCanary(ctx)
}

func (w *world) waitsForPerson(ctx context.Context, app string) error {
	return w.until(ctx, app+" to be OutOfSync", func() (bool, string, error) {
		var got struct {
			Status struct {
				Sync struct {
					Status string `json:"status"`
				} `json:"sync"`
			} `json:"status"`
		}
		err := w.fairleadJSON(ctx, &got, "app", "get", app)
		return got.Status.Sync.Status == "OutOfSync", got.Status.Sync.Status, err
	})
}

func (w *world) stagingCanary(ctx context.Context) error {
	const app, cluster = "echo-staging", "staging"
	if err := w.fairleadShown(ctx, "app", "sync", app); err != nil {
		return err
	}
	if err := w.pausedAt(ctx, app, cluster, 25); err != nil {
		return err
	}
	if err := w.fairleadShown(ctx, "rollout", "abort", app); err != nil {
		return err
	}
	if err := w.answers(ctx, cluster, "echo", w.previousCode); err != nil {
		return err
	}
	if err := w.fairleadShown(ctx, "rollout", "retry", app); err != nil {
		return err
	}
	if err := w.pausedAt(ctx, app, cluster, 25); err != nil {
		return err
	}
	return w.promoteToEnd(ctx, app, cluster, 50)
}

func (w *world) productionCanary(ctx context.Context) error {
	const app, cluster = "echo-production", "production"
	if err := w.fairleadShown(ctx, "app", "sync", app); err != nil {
		return err
	}
	if err := w.pausedAt(ctx, app, cluster, 25); err != nil {
		return err
	}
	return w.promoteToEnd(ctx, app, cluster, 50, 75)
}

// kustomizeCanary takes the other two applications along, and undoes a canary on its way.
func (w *world) kustomizeCanary(ctx context.Context) error {
	for _, app := range []string{"web-staging", "web-production"} {
		if err := w.fairleadShown(ctx, "app", "sync", app); err != nil {
			return err
		}
		if err := w.paused(ctx, app, 50); err != nil {
			return err
		}
	}
	if err := w.fairleadShown(ctx, "rollout", "undo", "web-staging"); err != nil {
		return err
	}
	if err := w.answers(ctx, "staging", "web", w.previousCode); err != nil {
		return err
	}
	if err := w.fairleadShown(ctx, "app", "sync", "web-staging"); err != nil {
		return err
	}
	for app, cluster := range map[string]string{"web-staging": "staging", "web-production": "production"} {
		if err := w.paused(ctx, app, 50); err != nil {
			return err
		}
		if err := w.fairleadShown(ctx, "rollout", "promote", app, "--full"); err != nil {
			return err
		}
		if err := w.answers(ctx, cluster, "web", w.release); err != nil {
			return err
		}
	}
	return nil
}

// promoteToEnd promotes a paused canary and shows the traffic at each pause that follows, until all of it is on the new
// version.
func (w *world) promoteToEnd(ctx context.Context, app, cluster string, weights ...int) error {
	if err := w.fairleadShown(ctx, "rollout", "promote", app); err != nil {
		return err
	}
	for _, weight := range weights {
		if err := w.pausedAt(ctx, app, cluster, weight); err != nil {
			return err
		}
	}
	if err := w.answers(ctx, cluster, "echo", w.release); err != nil {
		return err
	}
	return w.fairleadShown(ctx, "app", "wait", app, "--timeout", "2m")
}

// pausedAt waits until a canary pauses at a weight, then sends requests and shows which version answers them.
func (w *world) pausedAt(ctx context.Context, app, cluster string, weight int) error {
	if err := w.paused(ctx, app, weight); err != nil {
		return err
	}
	url, err := w.serviceURL(ctx, cluster, "echo")
	if err != nil {
		return err
	}
	seen := ask(ctx, url, requests)
	w.say("%s at weight %d: %d requests → %s", app, weight, seen.total(), seen)
	if got := seen[w.release] * 100 / seen.total(); got < weight/2 || got > weight+(100-weight)/2 || seen[noAnswer] > 0 {
		return fmt.Errorf("%s at weight %d: the answers were %s", app, weight, seen)
	}
	return nil
}

func (w *world) paused(ctx context.Context, app string, weight int) error {
	return w.until(ctx, fmt.Sprintf("the canary of %s to pause at %d", app, weight), func() (bool, string, error) {
		c, err := w.canary(ctx, app)
		if err != nil {
			return false, "", err
		}
		return c.Phase == "Paused" && c.Weight == weight, c.String(), nil
	})
}

func (w *world) canary(ctx context.Context, app string) (canaryState, error) {
	var c canaryState
	err := w.fairleadJSON(ctx, &c, "rollout", "get", app)
	return c, err
}

func (w *world) indent(text string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(w.options.Out, "    %s\n", line)
	}
}
