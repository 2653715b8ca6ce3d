package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/project"
	projectlive "fairlead.dev/fairlead/internal/project/live"
	"fairlead.dev/fairlead/internal/protocol"
)

// Tree is what an application manages, with all that these objects own, the hosts of its pods, and the orphans of its
// namespace where its project asks for them.
func (f *fleet) Tree(ctx context.Context, app *v1alpha1.Application) (*protocol.ApplicationTree, error) {
	c, err := f.clusterOf(ctx, app)
	if err != nil {
		return nil, err
	}
	nodes, err := c.Tree(ctx, f.instance(app))
	if err != nil {
		return nil, err
	}
	permits, err := f.permits(ctx, c, app)
	if err != nil {
		return nil, err
	}
	nodes = permitted(nodes, permits)
	tree := &protocol.ApplicationTree{}
	for _, node := range nodes {
		tree.Nodes = append(tree.Nodes, resourceNode(node))
	}
	hosts, err := c.Hosts(ctx, nodes)
	if err != nil && !errors.Is(err, cluster.ErrNotReady) {
		return nil, err
	}
	custom, err := f.settings.Customization(ctx)
	if err != nil {
		return nil, err
	}
	for _, host := range hosts {
		tree.Hosts = append(tree.Hosts, hostInfo(host, custom.NodeLabels))
	}
	return tree, f.orphans(ctx, c, app, tree)
}

// permits tells which managed objects an application's project permits now: nothing where it doesn't permit source or
// destination. It is what decides whether people may look at them, and change them.
func (f *fleet) permits(ctx context.Context, c *cluster.Cluster, app *v1alpha1.Application) (func(cluster.TreeNode) bool, error) {
	projects := projectlive.Source{Reader: f.settings.Reader, ConfigMaps: f.settings, Namespace: f.namespace}
	of, err := projects.Project(ctx, app.Spec.ProjectName())
	if err != nil {
		return nil, fmt.Errorf("reading project '%s': %w", app.Spec.ProjectName(), err)
	}
	configured, err := f.settings.Destination(ctx, app.Spec.Destination)
	if err != nil {
		return nil, err
	}
	destination := project.Destination{
		Server: c.Server(), Name: c.Name(), Namespace: app.Spec.Destination.Namespace, Scope: configured.Project,
	}
	if len(project.Check(of, app.Spec.NamedSources(), destination)) > 0 {
		return func(cluster.TreeNode) bool { return false }, nil
	}
	return func(node cluster.TreeNode) bool {
		return project.PermitsObject(of, node.Key, destination)
	}, nil
}

// permitted leaves out what a project doesn't permit of what an application manages, and all below that.
func permitted(nodes []cluster.TreeNode, permits func(cluster.TreeNode) bool) []cluster.TreeNode {
	visible := map[object.Key]bool{}
	kept := nodes[:0:0]
	// A node comes after its parents, or the loop looks again until nothing is found any more.
	for pending := nodes; len(pending) > 0; {
		var later []cluster.TreeNode
		for _, node := range pending {
			switch {
			case len(node.Parents) == 0 && permits(node),
				slices.ContainsFunc(node.Parents, func(parent cluster.Parent) bool { return visible[parent.Key] }):
				visible[node.Key] = true
				kept = append(kept, node)
			case len(node.Parents) > 0:
				later = append(later, node)
			}
		}
		if len(later) == len(pending) {
			break
		}
		pending = later
	}
	return kept
}

// orphans adds the objects of the destination's namespace that belong to nobody, if the project monitors them.
func (f *fleet) orphans(ctx context.Context, c *cluster.Cluster, app *v1alpha1.Application, tree *protocol.ApplicationTree) error {
	projects := projectlive.Source{Reader: f.settings.Reader, ConfigMaps: f.settings, Namespace: f.namespace}
	of, err := projects.Project(ctx, app.Spec.ProjectName())
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	if monitors, _ := project.MonitorsOrphans(of); !monitors || app.Spec.Destination.Namespace == "" {
		return nil
	}
	custom, err := f.settings.Customization(ctx)
	if err != nil {
		return err
	}
	orphans, err := c.Orphans(ctx, cluster.Orphanage{
		Namespace: app.Spec.Destination.Namespace,
		Rules: project.Orphans{
			Project:     of,
			Destination: project.Destination{Server: c.Server(), Name: c.Name(), Namespace: app.Spec.Destination.Namespace},
			Excluded:    func(kind schema.GroupKind) bool { return custom.Excluded(kind, c.Server()) },
		},
		Exists: func(instance string) bool { return f.exists(ctx, instance) },
	})
	for _, orphan := range orphans {
		tree.OrphanedNodes = append(tree.OrphanedNodes, resourceNode(orphan))
	}
	return err
}

// exists tells whether there is an application. In doubt there is one.
func (f *fleet) exists(ctx context.Context, instance string) bool {
	namespace, name := object.ApplicationOf(instance, f.namespace)
	err := f.settings.Reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &v1alpha1.Application{})
	return err == nil || !apierrors.IsNotFound(err)
}

// TreeChanges tells when an application's tree may have changed, until ctx ends.
func (f *fleet) TreeChanges(ctx context.Context, app *v1alpha1.Application) <-chan struct{} {
	changes := make(chan struct{}, 1)
	instance := f.instance(app)
	cancel := f.clusters.Subscribe(func(change cluster.Change) {
		if change.Instance != instance && change.Instance != "" {
			return
		}
		select {
		case changes <- struct{}{}:
		default:
		}
	})
	context.AfterFunc(ctx, cancel)
	return changes
}

func hostInfo(host cluster.Host, labels []string) protocol.HostInfo {
	info := protocol.HostInfo{Name: host.Name, SystemInfo: host.System, Labels: map[string]string{}}
	for _, name := range labels {
		if value, ok := host.Labels[name]; ok {
			info.Labels[name] = value
		}
	}
	for _, r := range host.Resources {
		info.ResourcesInfo = append(info.ResourcesInfo, protocol.HostResourceInfo{
			ResourceName: string(r.Name), RequestedByApp: r.App, RequestedByNeighbors: r.Neighbors, Capacity: r.Capacity,
		})
	}
	return info
}

func resourceNode(node cluster.TreeNode) protocol.ResourceNode {
	out := protocol.ResourceNode{
		ResourceRef:     refOf(node.Key),
		ResourceVersion: node.ResourceVersion,
		Images:          node.Images,
		CreatedAt:       &metav1.Time{Time: node.CreatedAt.Time},
	}
	out.Version, out.UID = node.Version, string(node.UID)
	for _, parent := range node.Parents {
		ref := refOf(parent.Key)
		ref.UID = string(parent.UID)
		out.ParentRefs = append(out.ParentRefs, ref)
	}
	out.NetworkingInfo = networkingInfo(node.Network)
	for _, item := range node.Info {
		out.Info = append(out.Info, protocol.InfoItem{Name: item.Name, Value: item.Value})
	}
	if node.Health != nil {
		out.Health = &v1alpha1.HealthStatus{Status: node.Health.Code, Message: node.Health.Message}
	}
	return out
}

func networkingInfo(n *cluster.Network) *protocol.NetworkingInfo {
	if n == nil {
		return nil
	}
	info := &protocol.NetworkingInfo{TargetLabels: n.TargetLabels, Labels: n.Labels, Ingress: n.Ingress, ExternalURLs: n.ExternalURLs}
	for _, target := range n.Targets {
		info.TargetRefs = append(info.TargetRefs, refOf(target))
	}
	return info
}

func refOf(key object.Key) protocol.ResourceRef {
	return protocol.ResourceRef{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name}
}
