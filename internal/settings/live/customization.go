package live

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/customization"
	"fairlead.dev/fairlead/internal/settings"
)

// parsed is what was made of one version of argocd-cm.
type parsed struct {
	mu              sync.Mutex
	uid             types.UID
	resourceVersion string
	data            map[string]string
	settings        *customization.Settings
}

// Customization is what argocd-cm says of objects. It is made once for each change of that, so that callers may compare
// pointers; what can't be read is warned of then, and the rest counts.
func (s *Source) Customization(ctx context.Context) (*customization.Settings, error) {
	var configMap corev1.ConfigMap
	err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: settings.ConfigMapName}, &configMap, client.UnsafeDisableDeepCopy)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("reading ConfigMap %s: %w", settings.ConfigMapName, err)
	}
	if err != nil {
		s.newest.Store(customization.Default())
		return customization.Default(), nil
	}
	p := &s.parsed
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settings != nil && p.uid == configMap.UID && p.resourceVersion == configMap.ResourceVersion {
		return p.settings, nil
	}
	p.uid, p.resourceVersion = configMap.UID, configMap.ResourceVersion
	data := maps.Clone(configMap.Data)
	maps.DeleteFunc(data, func(key, _ string) bool { return !customization.Concerns(key) })
	if p.settings != nil && maps.Equal(data, p.data) {
		return p.settings, nil
	}
	made, warnings := customization.Parse(data)
	for _, warning := range warnings {
		slog.WarnContext(ctx, "an entry of the configuration is left out", "error", warning)
	}
	p.settings, p.data = made, data
	s.newest.Store(made)
	return made, nil
}

// Newest is what Customization last returned, for those who can't wait or fail.
func (s *Source) Newest() *customization.Settings {
	if newest := s.newest.Load(); newest != nil {
		return newest
	}
	return customization.Default()
}

// Customize lets the caches of clusters go by what argocd-cm says of objects.
func (s *Source) Customize(o *cluster.Options) {
	o.Objects = func() cluster.Objects {
		custom := s.Newest()
		return cluster.Objects{Tracking: custom.Tracking, Health: custom.Health.Of, Version: custom.ObjectsVersion(), Labels: custom.CustomLabels, Selector: custom.Selector}
	}
	o.Excluded = func(server string, kind schema.GroupKind) bool { return s.Newest().Excluded(kind, server) }
	o.RespectRBAC = func() string { return s.Newest().RespectRBAC }
	o.Quiet = func(before, after *unstructured.Unstructured) bool { return s.Newest().Quiet(before, after) }
}
