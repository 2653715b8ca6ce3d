package badge

import (
	"strings"
	"testing"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

func app(health argo.HealthStatusCode, sync argo.SyncStatusCode) *argo.Application {
	a := &argo.Application{}
	a.Status.Health.Status, a.Status.Sync.Status = health, sync
	return a
}

func TestBadgeOfSeveral(t *testing.T) {
	healthy := app(argo.HealthStatusHealthy, argo.SyncStatusCodeSynced)
	for name, c := range map[string]struct {
		apps   []*argo.Application
		health argo.HealthStatusCode
		sync   argo.SyncStatusCode
	}{
		"none":             {},
		"all are well":     {[]*argo.Application{healthy, healthy}, argo.HealthStatusHealthy, argo.SyncStatusCodeSynced},
		"one is ill":       {[]*argo.Application{healthy, app(argo.HealthStatusProgressing, argo.SyncStatusCodeSynced)}, argo.HealthStatusDegraded, argo.SyncStatusCodeSynced},
		"one is elsewhere": {[]*argo.Application{app(argo.HealthStatusHealthy, argo.SyncStatusCodeUnknown), healthy}, argo.HealthStatusHealthy, argo.SyncStatusCodeOutOfSync},
	} {
		if b := OfApplications(c.apps); b.Health != c.health || b.Sync != c.sync {
			t.Errorf("%s: got %s and %s", name, b.Health, b.Sync)
		}
	}
}

func TestSyncedRevision(t *testing.T) {
	a := app("", "")
	if got := SyncedRevision(a); got != "" {
		t.Errorf("never synced: %s", got)
	}
	a.Status.OperationState = &argo.OperationState{SyncResult: &argo.SyncOperationResult{Revisions: []string{"first", "second"}}}
	if got := SyncedRevision(a); got != "first" {
		t.Errorf("of several sources: %s", got)
	}
}

func TestDrawEscapes(t *testing.T) {
	var out strings.Builder
	if err := (Badge{Title: `<script>`, Revision: `"><x>`}).Draw(&out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "<script>") || strings.Contains(text, "<x>") || !strings.HasPrefix(text, `<svg width="131"`) && !strings.HasPrefix(text, `<svg width="192"`) {
		t.Errorf("got %s", text)
	}
}
