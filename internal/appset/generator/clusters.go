package generator

import (
	"context"
	"fmt"
	"sort"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/slug"
)

// clusters are the Secrets of clusters, and the hub's own cluster where no Secret describes it.
type clusters struct {
	reader    client.Reader
	namespace string
}

// NewClusters makes the generator of clusters, whose Secrets are in the hub's namespace.
func NewClusters(reader client.Reader, namespace string) Generator {
	return clusters{reader, namespace}
}

func (c clusters) Params(ctx context.Context, g *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet) ([]Params, error) {
	secrets, err := c.secrets(ctx, &g.Clusters.Selector)
	if err != nil {
		return nil, fmt.Errorf("error getting cluster secrets: %w", err)
	}
	selects := len(g.Clusters.Selector.MatchLabels)+len(g.Clusters.Selector.MatchExpressions) > 0
	hasHub := false
	all := []Params{}
	for i := range secrets {
		params := clusterParams(&secrets[i], set.Spec.GoTemplate)
		if err := appset.AddValues(params, g.Clusters.Values, set); err != nil {
			return nil, fmt.Errorf("error appending templated values for cluster: %w", err)
		}
		all = append(all, params)
		hasHub = hasHub || params["server"] == settings.InClusterServer
	}
	if !selects && !hasHub {
		params := Params{"name": settings.InClusterName, "nameNormalized": settings.InClusterName, "server": settings.InClusterServer, "project": ""}
		if err := appset.AddValues(params, g.Clusters.Values, set); err != nil {
			return nil, fmt.Errorf("error appending templated values for local cluster: %w", err)
		}
		all = append(all, params)
	}
	if g.Clusters.FlatList {
		return []Params{{"clusters": all}}, nil
	}
	return all, nil
}

// secrets of clusters that match, by the names of the clusters; of two with one name, the later Secret's.
func (c clusters) secrets(ctx context.Context, selector *metav1.LabelSelector) ([]corev1.Secret, error) {
	asked, err := metav1.LabelSelectorAsSelector(metav1.AddLabelToSelector(selector.DeepCopy(), settings.SecretTypeLabel, settings.SecretTypeCluster))
	if err != nil {
		return nil, fmt.Errorf("error converting label selector: %w", err)
	}
	var found corev1.SecretList
	if err := c.reader.List(ctx, &found, client.InNamespace(c.namespace), client.MatchingLabelsSelector{Selector: asked}); err != nil {
		return nil, err
	}
	sort.Slice(found.Items, func(i, j int) bool { return found.Items[i].Name < found.Items[j].Name })
	named := map[string]corev1.Secret{}
	for _, secret := range found.Items {
		named[string(secret.Data["name"])] = secret
	}
	names := make([]string, 0, len(named))
	for name := range named {
		names = append(names, name)
	}
	sort.Strings(names)
	secrets := make([]corev1.Secret, len(names))
	for i, name := range names {
		secrets[i] = named[name]
	}
	return secrets, nil
}

// notParams are annotations that come and go, and that no application must change for.
var notParams = map[string]bool{
	v1alpha1.RefreshAnnotation:             true,
	"argocd.argoproj.io/refresh-timestamp": true,
	"argocd.argoproj.io/hydrate":           true,
	"argocd.argoproj.io/hydrate-timestamp": true,
	"argocd.argoproj.io/tracking-id":       true,
	"argocd.argoproj.io/installation-id":   true,
	corev1.LastAppliedConfigAnnotation:     true,
}

func clusterParams(secret *corev1.Secret, goTemplate bool) Params {
	name := string(secret.Data["name"])
	params := Params{
		"name": name, "nameNormalized": slug.DNSName(name), "server": string(secret.Data["server"]), "project": string(secret.Data["project"]),
	}
	annotations := map[string]string{}
	for key, value := range secret.Annotations {
		if !notParams[key] {
			annotations[key] = value
		}
	}
	if goTemplate {
		metadata := map[string]any{}
		if len(secret.Annotations) > 0 {
			metadata["annotations"] = annotations
		}
		if len(secret.Labels) > 0 {
			labels := map[string]string{}
			for key, value := range secret.Labels {
				labels[key] = value
			}
			metadata["labels"] = labels
		}
		params["metadata"] = metadata
		return params
	}
	for key, value := range annotations {
		params["metadata.annotations."+key] = value
	}
	for key, value := range secret.Labels {
		params["metadata.labels."+key] = value
	}
	return params
}

func (clusters) RequeueAfter(*v1alpha1.ApplicationSetGenerator) time.Duration { return 0 }
