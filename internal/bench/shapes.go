package bench

import "context"

func helmChart(ctx context.Context, w *world) error      { return nil }
func sharedBase(ctx context.Context, w *world) error     { return nil }
func memberClusters(ctx context.Context, w *world) error { return nil }
