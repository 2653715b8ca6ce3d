package server

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	hubclient "fairlead.dev/fairlead/internal/client"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

func (f *memoryFleet) Delete(_ context.Context, _ *argo.Application, ref protocol.ResourceRef, propagation string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ref.Version, ref.UID = "", ""
	delete(f.live, ref)
	f.deleted = append(f.deleted, propagation+" "+ref.Name)
	return nil
}

func (f *memoryFleet) Events(_ context.Context, _ *argo.Application, ref protocol.ResourceRef) ([]corev1.Event, error) {
	return []corev1.Event{{Reason: "BackOff", InvolvedObject: corev1.ObjectReference{Name: ref.Name}}}, nil
}

func (f *memoryFleet) TreeChanges(context.Context, *argo.Application) <-chan struct{} {
	return f.changes
}

func (f *memoryFleet) InvalidateCache(s settings.Cluster) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deleted = append(f.deleted, "cache of "+s.Server)
	return nil
}

func TestPatchAndDeleteResource(t *testing.T) {
	h := newHub(t)
	operator := h.as("operator")
	patch := &protocol.ApplicationResourcePatchRequest{
		Name: "production", Kind: "Secret", Version: "v1", Namespace: "shop-prod", ResourceName: "credentials",
		PatchType: "application/merge-patch+json", Patch: `{"data":{"other":"c2VjcmV0"}}`,
	}
	answer, err := hubclient.Call(ctx, operator, protocol.ApplicationPatchObject, patch)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(answer.Manifest, "c2VjcmV0") || !strings.Contains(answer.Manifest, `"other":"++++++++"`) {
		t.Errorf("the answer shows %s", answer.Manifest)
	}
	foreign := *patch
	foreign.Namespace, foreign.ResourceName = "kube-system", "not-ours"
	_, err = hubclient.Call(ctx, operator, protocol.ApplicationPatchObject, &foreign)
	wantCode(t, err, connect.CodeInvalidArgument, "not found as part of application production")
	odd := *patch
	odd.PatchType = "application/apply-patch+yaml"
	_, err = hubclient.Call(ctx, operator, protocol.ApplicationPatchObject, &odd)
	wantCode(t, err, connect.CodeInvalidArgument, "patch type")
	_, err = hubclient.Call(ctx, h.as("developer"), protocol.ApplicationPatchObject, patch)
	wantCode(t, err, connect.CodePermissionDenied, "update//Secret/shop-prod/credentials")

	request := &protocol.ApplicationResourceDeleteRequest{
		Name: "production", Kind: "Secret", Version: "v1", Namespace: "shop-prod", ResourceName: "credentials", Force: true,
	}
	_, err = hubclient.Call(ctx, h.as("developer"), protocol.ApplicationDeleteObject, request)
	wantCode(t, err, connect.CodePermissionDenied, "delete//Secret/shop-prod/credentials")
	if _, err := hubclient.Call(ctx, operator, protocol.ApplicationDeleteObject, request); err != nil {
		t.Fatal(err)
	}
	if _, err := hubclient.Call(ctx, operator, protocol.ClusterInvalidate, &protocol.ClusterQuery{Server: settings.InClusterServer}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"force credentials", "cache of " + settings.InClusterServer}; !slices.Equal(h.fleet.deleted, want) {
		t.Errorf("deleted %q", h.fleet.deleted)
	}
}

func TestEventsOfAnObject(t *testing.T) {
	h := newHub(t)
	query := &protocol.ApplicationResourceEventsQuery{Name: "production", ResourceNamespace: "shop-prod", ResourceName: "web-1", ResourceUID: "2"}
	list, err := hubclient.Call(ctx, h.as("operator"), protocol.ApplicationEvents, query)
	if err != nil || len(list.Items) != 1 || list.Items[0].Reason != "BackOff" {
		t.Errorf("%v, %v", list, err)
	}
	query.ResourceUID = "another"
	_, err = hubclient.Call(ctx, h.as("operator"), protocol.ApplicationEvents, query)
	wantCode(t, err, connect.CodeInvalidArgument, "web-1 not found as part of application production")
}

func TestWatchResourceTree(t *testing.T) {
	h := newHub(t)
	h.fleet.changes = make(chan struct{}, 1)
	trees := 0
	for tree, err := range hubclient.Stream(ctx, h.as("operator"), protocol.ApplicationWatchTree, &protocol.ResourcesQuery{ApplicationName: "production"}) {
		if err != nil {
			t.Fatal(err)
		}
		if trees++; trees == 1 {
			h.fleet.mu.Lock()
			h.fleet.stray = "again"
			h.fleet.mu.Unlock()
			h.fleet.changes <- struct{}{}
			continue
		}
		if !slices.ContainsFunc(tree.Nodes, func(n protocol.ResourceNode) bool { return n.Name == "again" }) {
			t.Errorf("the tree has not changed: %v", tree.Nodes)
		}
		break
	}
}

func logOf(pod string, seconds ...int) chan *protocol.LogEntry {
	log := make(chan *protocol.LogEntry, len(seconds))
	for _, second := range seconds {
		log <- &protocol.LogEntry{PodName: pod, TimeStamp: metav1.Unix(int64(second), 0)}
	}
	close(log)
	return log
}

func TestLogsAreMergedInTheOrderOfTime(t *testing.T) {
	s := &Server{options: Options{Clock: clock.RealClock{}}}
	for name, merge := range map[string]func(context.Context, []chan *protocol.LogEntry, func(*protocol.LogEntry) error) error{
		"to their end": mergeLogs, "followed": s.mergeFollowed,
	} {
		var order []int64
		logs := []chan *protocol.LogEntry{logOf("a", 1, 4, 5), logOf("b"), logOf("c", 2, 3, 9)}
		err := merge(ctx, logs, func(entry *protocol.LogEntry) error {
			order = append(order, entry.TimeStamp.Unix())
			return nil
		})
		if err != nil || !slices.Equal(order, []int64{1, 2, 3, 4, 5, 9}) {
			t.Errorf("%s: %v, %v", name, order, err)
		}
	}
}

// A followed pod that says nothing doesn't hold up the others.
func TestAQuietLogHoldsUpNobody(t *testing.T) {
	s := &Server{options: Options{Clock: clock.RealClock{}}}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err := s.mergeFollowed(ctx, []chan *protocol.LogEntry{make(chan *protocol.LogEntry), logOf("a", 1)}, func(*protocol.LogEntry) error { return errPast })
	if err != errPast {
		t.Errorf("%v", err)
	}
}
