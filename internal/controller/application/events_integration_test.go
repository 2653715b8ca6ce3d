//go:build integration

package application

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/event"
)

func TestPollingFindsWhatNoWebhookTold(t *testing.T) {
	f := newFleet(t)
	f.options.Poll, f.options.PollJitter = 300*time.Millisecond, 0
	f.commit(map[string]string{"a/cm.yaml": configMap("a", "one")})
	f.start()
	f.app("a", "a", automated)
	f.until("it is applied", func(context.Context) bool { return f.value("a", "key") == "one" })
	f.silent = true
	f.commit(map[string]string{"a/cm.yaml": configMap("a", "two")})
	f.until("the next commit is applied", func(context.Context) bool { return f.value("a", "key") == "two" })
}

func TestOutageOfTheGitHost(t *testing.T) {
	f := newFleet(t)
	f.options.RetryMin, f.options.RetryMax = 50*time.Millisecond, 200*time.Millisecond
	revision := f.commit(map[string]string{"a/cm.yaml": configMap("a", "one")})
	stop := f.start()
	f.app("a", "a", automated)
	f.untilSynced("a", revision)

	host := strings.TrimPrefix(f.url, "file://")
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(host, host+".away")
	f.bus.PublishPush(event.Push{Repository: event.NormalizeURL(f.url)})
	f.untilCondition("a", v1alpha1.ApplicationConditionComparisonError, "compared with what was fetched before")
	if f.get("a").Status.Sync.Status != v1alpha1.SyncStatusCodeSynced {
		t.Error("what was fetched before no longer counts")
	}
	stop()
	f.start() // which can't know how old its mirror is
	f.until("the state is unknown", func(context.Context) bool { return f.get("a").Status.Sync.Status == v1alpha1.SyncStatusCodeUnknown })
	move(host+".away", host)
	f.untilSynced("a", revision)
	f.until("no condition is left", func(context.Context) bool { return len(f.get("a").Status.Conditions) == 0 })
}

func TestRefreshOnRequest(t *testing.T) {
	f := newFleet(t)
	f.commit(map[string]string{"a/cm.yaml": configMap("a", "one")})
	f.start()
	f.app("a", "a")
	f.until("it is compared", func(context.Context) bool { return f.get("a").Status.Sync.Status == v1alpha1.SyncStatusCodeOutOfSync })
	f.silent = true
	revision := f.commit(map[string]string{"elsewhere/cm.yaml": configMap("b", "one")})
	f.patch("a", func(app *v1alpha1.Application) {
		app.Annotations = map[string]string{v1alpha1.RefreshAnnotation: "normal"}
	})
	f.until("the refresh is done", func(context.Context) bool {
		app := f.get("a")
		return app.Annotations[v1alpha1.RefreshAnnotation] == "" && app.Status.Sync.Revision == revision
	})
}

func TestTerminate(t *testing.T) {
	f := newFleet(t)
	f.commit(map[string]string{"a/cm.yaml": configMap("a", "one"), "a/job.yaml": jobs})
	f.start()
	f.app("a", "a")
	f.sync("a", v1alpha1.SyncOperation{})
	f.until("the hook runs", func(context.Context) bool {
		s := f.get("a").Status.OperationState
		return s != nil && strings.Contains(s.Message, "completion of hook")
	})
	f.patch("a", func(app *v1alpha1.Application) { app.Status.OperationState.Phase = v1alpha1.OperationTerminating })
	f.until("the operation has ended", func(context.Context) bool {
		s := f.get("a").Status.OperationState
		return s.Phase == v1alpha1.OperationFailed && s.Message == "Operation terminated"
	})
	f.until("the hook is gone", func(ctx context.Context) bool {
		return apierrors.IsNotFound(f.client.Get(ctx, client.ObjectKey{Namespace: f.target, Name: "migrate"}, &batchv1.Job{}))
	})
}
