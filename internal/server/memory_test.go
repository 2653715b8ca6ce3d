package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/rollout"
	"fairlead.dev/fairlead/internal/settings"
)

// memoryInformers informs of what the in-memory API server holds.
type memoryInformers struct {
	t      *testing.T
	ctx    context.Context
	client client.WithWatch
}

// IsWatchListSemanticsUnSupported tells client-go to list before it watches.
func (m *memoryInformers) IsWatchListSemanticsUnSupported() bool { return true }

func (m *memoryInformers) GetInformer(_ context.Context, obj client.Object, _ ...cache.InformerGetOption) (cache.Informer, error) {
	kind := func() client.ObjectList {
		if _, ok := obj.(*argo.ApplicationSet); ok {
			return &argo.ApplicationSetList{}
		}
		return &argo.ApplicationList{}
	}
	informer := toolscache.NewSharedIndexInformer(toolscache.ToListWatcherWithWatchListSemantics(&toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
			list := kind()
			return list, m.client.List(ctx, list)
		},
		WatchFuncWithContext: func(ctx context.Context, _ metav1.ListOptions) (watch.Interface, error) {
			return m.client.Watch(ctx, kind())
		},
	}, m), obj, 0, toolscache.Indexers{})
	go informer.RunWithContext(m.ctx)
	eventually(m.t, "the informer knows all objects", informer.HasSynced)
	return informer, nil
}

// memoryFleet is a cluster that holds its objects in memory, and applies patches for real.
type memoryFleet struct {
	mu   sync.Mutex
	live map[protocol.ResourceRef]*unstructured.Unstructured
	sets []appsv1.ReplicaSet
	// deleted is what was asked for, changes and stray are the tree's.
	deleted, created []string
	changes          chan struct{}
	stray            string
	// health is the Rollout's in the tree.
	health *argo.HealthStatus
	// rotated is what RotateToken gives, and finished tells that the old token has gone.
	rotated  string
	finished bool
	// flat says that the kinds have no subresources.
	flat bool
}

func newMemoryFleet(t *testing.T) *memoryFleet {
	f := &memoryFleet{live: map[protocol.ResourceRef]*unstructured.Unstructured{}}
	for _, document := range []string{liveRollout, `
apiVersion: v1
kind: Secret
metadata: {namespace: shop-prod, name: credentials}
data: {password: c2VjcmV0}
`, `
apiVersion: v1
kind: Secret
metadata: {namespace: kube-system, name: not-ours}
`} {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &u.Object); err != nil {
			t.Fatal(err)
		}
		f.live[refOf(u)] = u
	}
	return f
}

func refOf(u *unstructured.Unstructured) protocol.ResourceRef {
	return protocol.ResourceRef{Group: u.GroupVersionKind().Group, Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName()}
}

func (f *memoryFleet) Object(_ context.Context, _ *argo.Application, ref protocol.ResourceRef) (*unstructured.Unstructured, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ref.Version, ref.UID = "", ""
	if u, ok := f.live[ref]; ok {
		return u.DeepCopy(), nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Group: ref.Group, Resource: ref.Kind}, ref.Name)
}

func (f *memoryFleet) Patch(ctx context.Context, app *argo.Application, ref protocol.ResourceRef, patches []rollout.Patch) (*unstructured.Unstructured, error) {
	u, err := f.Object(ctx, app, ref)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, patch := range patches {
		if patch.Subresource != "" && f.flat {
			return nil, apierrors.NewNotFound(schema.GroupResource{Group: ref.Group, Resource: ref.Kind}, ref.Name)
		}
		before, err := json.Marshal(u.Object)
		if err != nil {
			return nil, err
		}
		after, err := jsonpatch.MergePatch(before, patch.Body)
		if err != nil {
			return nil, err
		}
		u = &unstructured.Unstructured{}
		if err := json.Unmarshal(after, &u.Object); err != nil {
			return nil, err
		}
	}
	f.live[refOf(u)] = u
	return u.DeepCopy(), nil
}

func (f *memoryFleet) Create(_ context.Context, _ *argo.Application, u *unstructured.Unstructured, dryRun bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if u.GetLabels()["valid"] == "false" {
		return errors.New("the API server finds it invalid")
	}
	if !dryRun {
		f.created = append(f.created, u.GetKind()+" "+u.GetNamespace()+"/"+u.GetName())
		f.live[refOf(u)] = u
	}
	return nil
}

func (f *memoryFleet) Tree(context.Context, *argo.Application) (*protocol.ApplicationTree, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rolloutRef := protocol.ResourceRef{Group: "argoproj.io", Kind: "Rollout", Namespace: "shop-prod", Name: "web", UID: "1"}
	set := protocol.ResourceRef{Group: "apps", Version: "v1", Kind: "ReplicaSet", Namespace: "shop-prod", Name: "web-rs", UID: "4"}
	tree := &protocol.ApplicationTree{Nodes: []protocol.ResourceNode{
		{ResourceRef: rolloutRef, Health: f.health},
		{ResourceRef: set, ParentRefs: []protocol.ResourceRef{{Group: "argoproj.io", Kind: "Rollout", Namespace: "shop-prod", Name: "web"}}},
		{
			ResourceRef: protocol.ResourceRef{Kind: "Pod", Namespace: "shop-prod", Name: "web-1", UID: "2"},
			ParentRefs:  []protocol.ResourceRef{{Group: "apps", Kind: "ReplicaSet", Namespace: "shop-prod", Name: "web-rs"}},
		},
		{ResourceRef: protocol.ResourceRef{Kind: "Pod", Namespace: "shop-prod", Name: cmp.Or(f.stray, "stray"), UID: "3"}},
	}}
	for ref, u := range f.live { // whatever else is in the application's namespace is the application's
		if ref.Namespace == "shop-prod" && ref.Kind != "Rollout" {
			ref.Version, ref.UID = u.GroupVersionKind().Version, "uid-"+ref.Name
			tree.Nodes = append(tree.Nodes, protocol.ResourceNode{ResourceRef: ref})
		}
	}
	return tree, nil
}

func (f *memoryFleet) ReplicaSets(context.Context, *argo.Application, string) ([]appsv1.ReplicaSet, error) {
	return f.sets, nil
}

func (f *memoryFleet) PodLog(_ context.Context, _ *argo.Application, pod protocol.ResourceRef, _ *protocol.ApplicationPodLogsQuery) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("2026-01-02T03:04:05.000000006Z hello from " + pod.Name + "\n")), nil
}

func (f *memoryFleet) ClusterInfo(_ context.Context, cluster settings.Cluster) protocol.ClusterInfo {
	if strings.Contains(cluster.Server, "idle") {
		return protocol.ClusterInfo{ConnectionState: protocol.ConnectionState{Status: protocol.ConnectionUnknown}}
	}
	return protocol.ClusterInfo{ServerVersion: "1.37", ConnectionState: protocol.ConnectionState{Status: protocol.ConnectionSuccessful}}
}

func (f *memoryFleet) Probe(_ context.Context, cluster settings.Cluster) (string, error) {
	if strings.Contains(cluster.Server, "unreachable") || cluster.Config.BearerToken == "revoked" {
		return "", errors.New("connection refused")
	}
	return "v1.37.1-eks-1", nil
}

func (f *memoryFleet) RotateToken(context.Context, settings.Cluster) (string, func(context.Context) error, error) {
	return f.rotated, func(context.Context) error { f.finished = true; return nil }, nil
}

// memorySources knows one branch.
type memorySources struct{}

const mainCommit = "abcdefabcdefabcdefabcdefabcdefabcdefabcd"

func (memorySources) Resolve(_ context.Context, _ string, source argo.ApplicationSource, revision string) (string, error) {
	if revision == "" {
		revision = source.TargetRevision
	}
	if revision == "main" || revision == "HEAD" || revision == "" {
		return mainCommit, nil
	}
	return "", errors.New("there is no branch or tag " + revision)
}

func (memorySources) Metadata(_ context.Context, _ string, _ argo.ApplicationSource, commit string) (*protocol.RevisionMetadata, error) {
	return &protocol.RevisionMetadata{Author: "Ann", Message: "commit " + commit}, nil
}

func (memorySources) Test(_ context.Context, repository settings.Repository) error {
	switch {
	case strings.Contains(repository.URL, "unreachable"):
		return errors.New("connection refused")
	case strings.Contains(repository.URL, "private") && repository.Password != "secret":
		return errors.New("authentication required")
	}
	return nil
}

func (memorySources) Refs(_ context.Context, r settings.Repository) (*protocol.Refs, error) {
	return &protocol.Refs{Branches: []string{"main"}, Tags: []string{"as-" + r.Username}}, nil
}

func (memorySources) Tags(context.Context, settings.Repository) (*protocol.Refs, error) {
	return &protocol.Refs{Tags: []string{"1.0.0"}}, nil
}

func (memorySources) Charts(context.Context, settings.Repository) (*protocol.HelmChartsResponse, error) {
	return &protocol.HelmChartsResponse{Items: []*protocol.HelmChart{{Name: "web", Versions: []string{"1.0.0"}}}}, nil
}

func (memorySources) Apps(_ context.Context, _ string, source argo.ApplicationSource) (map[string]string, error) {
	if source.TargetRevision == "missing" {
		return nil, &SourceInputError{Err: errors.New("no such branch")}
	}
	return map[string]string{"b": "Kustomize", "a": "Helm"}, nil
}

func (memorySources) Details(context.Context, *protocol.RepoAppDetailsQuery, argo.ApplicationSources) (*protocol.RepoAppDetailsResponse, error) {
	return &protocol.RepoAppDetailsResponse{Type: "Helm", Helm: &protocol.HelmAppSpec{Values: "a: 1"}}, nil
}

type memoryManifests struct{}

func (memoryManifests) Render(context.Context, *argo.Application, []string) (*protocol.ManifestResponse, error) {
	return &protocol.ManifestResponse{Manifests: []string{
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"password":"hunter2"}}`, `{"kind":"ConfigMap","data":{"a":"b"}}`,
	}}, nil
}

func (memoryManifests) Compare(context.Context, *argo.Application) ([]*protocol.ResourceDiff, error) {
	secret := `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"password":"aHVudGVyMg=="}}`
	return []*protocol.ResourceDiff{{Kind: "Secret", Name: "s", TargetState: secret, LiveState: secret}, {Kind: "ConfigMap", Name: "c", LiveState: "null"}}, nil
}

// RenderFiles makes a ConfigMap of what it is sent, and a Secret.
func (memoryManifests) RenderFiles(_ context.Context, app *argo.Application, files io.Reader, _ string) (*protocol.ManifestResponse, error) {
	content, err := io.ReadAll(files)
	return &protocol.ManifestResponse{Manifests: []string{
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"` + app.Name + `"},"data":{"files":"` + string(content) + `"}}`,
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"password":"hunter2"}}`,
	}}, err
}

// DryRun finds that each manifest changes its object.
func (memoryManifests) DryRun(_ context.Context, _ *argo.Application, manifests []*unstructured.Unstructured) ([]*protocol.ResourceDiff, error) {
	var diffs []*protocol.ResourceDiff
	for _, u := range manifests {
		predicted, err := json.Marshal(u.Object)
		if err != nil {
			return nil, err
		}
		diffs = append(diffs, &protocol.ResourceDiff{
			Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName(), Modified: true, PredictedLiveState: string(predicted),
			NormalizedLiveState: `{"apiVersion":"v1","kind":"` + u.GetKind() + `","data":{"password":"b2xk"}}`,
		})
	}
	return diffs, nil
}

type memoryBuilds struct{}

func (memoryBuilds) Start(_ context.Context, rule *fairlead.BuildRule, ref, user string) (*fairlead.Build, error) {
	if ref != "main" {
		return nil, errors.New("the rule's pattern doesn't match " + ref)
	}
	return &fairlead.Build{
		ObjectMeta: metav1.ObjectMeta{Namespace: rule.Namespace, Name: rule.Name + "-new"},
		Spec:       fairlead.BuildSpec{Rule: rule.Name, Project: rule.Spec.Project, Ref: "refs/heads/main", Commit: mainCommit, RequestedBy: user},
	}, nil
}

func (memoryBuilds) Follow(_ context.Context, build *fairlead.Build, _ bool, w io.Writer) error {
	for _, line := range []string{"step 1 of " + build.Name + "\n", "step 2\n"} {
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
	}
	return nil
}
