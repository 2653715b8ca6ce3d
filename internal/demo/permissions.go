package demo

import (
	"context"
	"fmt"
	"strings"
)

// The two people of the examples, and the passwords that the demo gives them.
const (
	developer = "dana"
	operator  = "oscar"
)

var passwords = map[string]string{developer: "dana-develops-1", operator: "oscar-operates-1"}

func stepPermissions(ctx context.Context, w *world) error {
	w.as = developer
	for _, args := range [][]string{
		{"app", "sync", "echo-production"},
		{"rollout", "promote", "echo-production"},
		{"rollout", "abort", "echo-production"},
		{"app", "rollback", "echo-production", "0"},
	} {
		if err := w.refused(ctx, args...); err != nil {
			return err
		}
	}
	if err := w.fairleadShown(ctx, "account", "can-i", "sync", "applications", "demo/echo-staging"); err != nil {
		return err
	}
	w.as = operator
	if err := w.fairleadShown(ctx, "app", "sync", "echo-production"); err != nil {
		return err
	}
	return w.fairleadShown(ctx, "rollout", "promote", "echo-production", "--full")
}

// refused runs a command that must be denied.
func (w *world) refused(ctx context.Context, args ...string) error {
	w.say("$ fairlead %s    (as %s)", strings.Join(args, " "), w.as)
	_, err := w.fairleadOutput(ctx, args...)
	var text string
	if failed, ok := err.(*commandError); ok {
		text = failed.text
	}
	if !strings.Contains(text, "permission denied") {
		return fmt.Errorf("fairlead %s as %s: it should have been denied, but: %w", strings.Join(args, " "), w.as, err)
	}
	w.indent(text)
	return nil
}
