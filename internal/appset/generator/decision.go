package generator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/settings"
)

// DecisionOptions are what the generator of cluster decisions needs. All are required.
type DecisionOptions struct {
	// Reader reads ConfigMaps of the hub's namespace, where the decisions are too.
	Reader    client.Reader
	Namespace string
	// Objects reads the decisions.
	Objects dynamic.Interface
	// Clusters are those that applications may name.
	Clusters func(context.Context) ([]settings.Cluster, error)
	// Requeue is how often to look again when the generator doesn't say.
	Requeue time.Duration
}

// decisions finds the clusters that objects of another controller name in their status, such as PlacementDecisions of Open
// Cluster Management: Argo CD's operator manual, "Cluster Decision Resource Generator".
type decisions struct{ options DecisionOptions }

// NewDecisions makes the generator of cluster decisions.
func NewDecisions(options DecisionOptions) Generator { return decisions{options} }

// RequeueAfter implements Generator.
func (d decisions) RequeueAfter(g *v1alpha1.ApplicationSetGenerator) time.Duration {
	return After(g.ClusterDecisionResource.RequeueAfterSeconds, d.options.Requeue)
}

// Params implements Generator.
func (d decisions) Params(ctx context.Context, g *v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet) ([]Params, error) {
	clusters, err := d.options.Clusters(ctx)
	if err != nil {
		return nil, fmt.Errorf("error listing clusters: %w", err)
	}
	kind, err := d.kind(ctx, g.ClusterDecisionResource.ConfigMapRef)
	if err != nil {
		return nil, err
	}
	made, err := d.made(ctx, kind, g.ClusterDecisionResource)
	if err != nil {
		return nil, err
	}
	all := []Params{}
	for _, decision := range made {
		cluster, ok := named(clusters, decision[kind.matchKey])
		if !ok {
			continue
		}
		params := Params{"name": cluster.Name, "server": cluster.Server}
		for key, value := range decision {
			params[key] = fmt.Sprintf("%v", value)
		}
		addPlain(params, g.ClusterDecisionResource.Values, set.Spec.GoTemplate)
		all = append(all, params)
	}
	return all, nil
}

// addPlain adds the values as they are: this generator's are no templates.
func addPlain(params Params, values map[string]string, goTemplate bool) {
	if goTemplate && len(values) > 0 {
		copied := map[string]string{}
		for name, value := range values {
			copied[name] = value
		}
		params["values"] = copied
		return
	}
	for name, value := range values {
		params["values."+name] = value
	}
}

// decisionKind is what a ConfigMap says of decisions.
type decisionKind struct {
	resource schema.GroupVersionResource
	// listKey is where the status has the list; matchKey is what in each of its items is the cluster's name.
	listKey, matchKey string
}

func (d decisions) kind(ctx context.Context, name string) (decisionKind, error) {
	var configMap corev1.ConfigMap
	if err := d.options.Reader.Get(ctx, client.ObjectKey{Namespace: d.options.Namespace, Name: name}, &configMap); err != nil {
		return decisionKind{}, fmt.Errorf("error reading configMapRef: %w", err)
	}
	data := configMap.Data
	group, version, ok := strings.Cut(data["apiVersion"], "/")
	if data["kind"] == "" || !ok || group == "" {
		return decisionKind{}, errors.New("there is a problem with the apiVersion, kind or resourceName provided")
	}
	if data["matchKey"] == "" {
		return decisionKind{}, fmt.Errorf("matchKey not found in %s", name)
	}
	kind := decisionKind{schema.GroupVersionResource{Group: group, Version: version, Resource: data["kind"]}, data["statusListKey"], data["matchKey"]}
	if kind.listKey == "" {
		kind.listKey = "clusters"
	}
	return kind, nil
}

// maxDecisions bounds the objects of one generator.
const maxDecisions = 10_000

// made are the decisions of all objects that the generator names or selects. An object that hasn't decided yet is an error:
// that isn't a decision against all clusters.
func (d decisions) made(ctx context.Context, kind decisionKind, g *v1alpha1.DuckTypeGenerator) ([]map[string]any, error) {
	selects := g.LabelSelector.MatchLabels != nil || g.LabelSelector.MatchExpressions != nil
	if (g.Name == "") != selects {
		return nil, errors.New("there is a problem with the definition of the ClusterDecisionResource generator")
	}
	options := metav1.ListOptions{Limit: maxDecisions}
	if selects {
		options.LabelSelector = metav1.FormatLabelSelector(&g.LabelSelector)
	} else {
		options.FieldSelector = fields.OneTermEqualSelector("metadata.name", g.Name).String()
	}
	found, err := d.options.Objects.Resource(kind.resource).Namespace(d.options.Namespace).List(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("failed to get dynamic resources: %w", err)
	}
	if len(found.Items) == 0 {
		return nil, errors.New("no clusterDecisionResources found")
	}
	if found.GetContinue() != "" {
		return nil, fmt.Errorf("there are more than %d clusterDecisionResources: select fewer", maxDecisions)
	}
	var all []map[string]any
	for i := range found.Items {
		items, ok, err := unstructured.NestedSlice(found.Items[i].Object, "status", kind.listKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("clusterDecisionResource %s has no list in status.%s yet: nothing is concluded from it", found.Items[i].GetName(), kind.listKey)
		}
		for _, item := range items {
			decision, ok := item.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("clusterDecisionResource %s has something else than objects in status.%s", found.Items[i].GetName(), kind.listKey)
			}
			all = append(all, decision)
		}
	}
	return all, nil
}

func named(clusters []settings.Cluster, name any) (settings.Cluster, bool) {
	text := fmt.Sprintf("%v", name)
	if name == nil || text == "" {
		return settings.Cluster{}, false
	}
	for _, c := range clusters {
		if c.Name == text {
			return c, true
		}
	}
	return settings.Cluster{}, false
}
