package application

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// busySet is a set that makes many applications.
type busySet string

func (b busySet) Wait(set, _ types.NamespacedName, _ func()) bool { return set.Name == string(b) }

func TestNewApplicationsWaitForTheOthersOfTheirSet(t *testing.T) {
	made := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(*v1alpha1.Application)
		age    time.Duration
		want   time.Duration
	}{
		"new":                             {want: 5 * time.Second},
		"made some time ago":              {age: 2 * time.Second, want: 3 * time.Second},
		"made long ago":                   {age: time.Minute},
		"the API server's clock is ahead": {age: -time.Hour, want: 5 * time.Second},
		"of no set":                       {change: func(app *v1alpha1.Application) { app.OwnerReferences = nil }},
		"of a set that makes few":         {change: func(app *v1alpha1.Application) { app.OwnerReferences[0].Name = "calm" }},
		"looked at before":                {change: func(app *v1alpha1.Application) { app.Status.Sync.Status = v1alpha1.SyncStatusCodeUnknown }},
		"somebody asks for a look": {change: func(app *v1alpha1.Application) {
			app.Annotations = map[string]string{v1alpha1.RefreshAnnotation: "normal"}
		}},
		"somebody asks for a sync": {change: func(app *v1alpha1.Application) { app.Operation = &v1alpha1.Operation{} }},
		"deleted":                  {change: func(app *v1alpha1.Application) { app.DeletionTimestamp = &metav1.Time{Time: made} }},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Reconciler{making: busySet("busy"), clock: clocktesting.NewFakeClock(made.Add(c.age))}
			owner := &v1alpha1.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Name: "busy"}}
			app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{
				Namespace: "argocd", Name: "a", CreationTimestamp: metav1.NewTime(made),
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, v1alpha1.GroupVersion.WithKind("ApplicationSet"))},
			}}
			if c.change != nil {
				c.change(app)
			}
			if got := r.untilOthersAreMade(app); got != c.want {
				t.Errorf("waits for %s, want %s", got, c.want)
			}
		})
	}
	if wait := (&Reconciler{}).untilOthersAreMade(&v1alpha1.Application{}); wait != 0 {
		t.Errorf("without anything that tells of sets, waits for %s", wait)
	}
}
