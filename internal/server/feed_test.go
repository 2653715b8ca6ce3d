package server

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
)

// TestDeparted deletes an application, and asks for it soon after, too late, and when another has its name.
func TestDeparted(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := newFeed(func() time.Time { return now })
	app := &argo.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "hub", Name: "web", UID: "1"}}
	key := client.ObjectKeyFromObject(app)
	f.OnAdd(app, true)
	if f.departed(key) != nil {
		t.Error("an application that is there departed")
	}
	f.OnDelete(app)
	if got := f.departed(key); got == nil || got.UID != "1" {
		t.Errorf("a deleted application: %v", got)
	}
	successor := app.DeepCopy()
	successor.UID = "2"
	f.OnAdd(successor, false)
	if f.departed(key) != nil {
		t.Error("an application that was made again departed")
	}
	f.OnDelete(successor)
	now = now.Add(farewell)
	if f.departed(key) != nil {
		t.Error("it is remembered for too long")
	}
}
