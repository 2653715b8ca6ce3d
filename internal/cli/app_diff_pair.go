package cli

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/protocol"
)

// pair puts each live object beside the manifest of it. Manifests of kinds that live objects show to be namespaced get the
// destination's namespace if they name none.
func pair(app *v1alpha1.Application, live []*protocol.ResourceDiff, manifests []string, withoutSecrets bool) (*protocol.ApplicationServerSideDiffQuery, error) {
	query := &protocol.ApplicationServerSideDiffQuery{AppName: app.Name, AppNamespace: app.Namespace, Project: app.Spec.Project}
	namespaced := map[schema.GroupKind]bool{}
	for _, item := range live {
		namespaced[schema.GroupKind{Group: item.Group, Kind: item.Kind}] = item.Namespace != ""
	}
	wanted, order, err := byKey(app, manifests, namespaced)
	if err != nil {
		return nil, err
	}
	add := func(key object.Key, state string) {
		query.LiveResources = append(query.LiveResources,
			&protocol.ResourceDiff{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, LiveState: state})
		query.TargetManifests = append(query.TargetManifests, wanted[key])
		delete(wanted, key)
	}
	for _, item := range live {
		if item.Hook || withoutSecrets && item.Group == "" && item.Kind == "Secret" || item.LiveState == "" || item.LiveState == "null" {
			continue
		}
		add(object.Key{Group: item.Group, Kind: item.Kind, Namespace: item.Namespace, Name: item.Name}, firstOf(item.NormalizedLiveState, item.LiveState))
	}
	for _, key := range order {
		if _, left := wanted[key]; left {
			add(key, "")
		}
	}
	return query, nil
}

// byKey are the manifests that are no hooks, by what they are of.
func byKey(app *v1alpha1.Application, manifests []string, namespaced map[schema.GroupKind]bool) (map[object.Key]string, []object.Key, error) {
	wanted := map[object.Key]string{}
	var order []object.Key
	for _, manifest := range manifests {
		u := &unstructured.Unstructured{}
		if err := json.Unmarshal([]byte(manifest), &u.Object); err != nil {
			return nil, nil, fmt.Errorf("reading a manifest: %w", err)
		}
		if _, hook := object.Hooks(u); hook {
			continue
		}
		if u.GetNamespace() == "" && namespaced[u.GroupVersionKind().GroupKind()] {
			u.SetNamespace(app.Spec.Destination.Namespace)
			object.Retrack(u)
		}
		text, err := json.Marshal(u.Object)
		if err != nil {
			return nil, nil, fmt.Errorf("printing a manifest: %w", err)
		}
		key := object.KeyOf(u)
		if _, known := wanted[key]; !known {
			order = append(order, key)
		}
		wanted[key] = string(text)
	}
	return wanted, order, nil
}
