package app

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// runUntil runs a manager until ctx ends. controller-runtime's Start goes on, and keeps a processor busy, as long as a first
// list of its caches doesn't come through; who wants it to end then would have to kill it. Nothing runs yet at that time that
// would need to come to an end, so it isn't waited for.
func runUntil(ctx context.Context, mgr manager.Manager) error {
	begun := make(chan struct{})
	tell := everywhere{func(context.Context) error {
		close(begun)
		return nil
	}}
	if err := mgr.Add(tell); err != nil {
		return fmt.Errorf("preparing the start: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case <-begun:
		return <-ended // within the manager's grace
	case err := <-ended:
		return err
	default:
		return nil
	}
}
