package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/protocol"
)

func (s *Server) applicationSetTable() []row {
	const sets, at = access.ApplicationSets, "/api/v1/applicationsets"
	p := struct{ get, create, remove permission }{may(sets, access.Get), may(sets, access.Create), may(sets, access.Delete)}
	return []row{
		unary(protocol.ApplicationSetGet, p.get, s.getSet, get(at+"/{name}")),
		unary(protocol.ApplicationSetGenerate, p.create, s.generateSet, post(at+"/generate", "*")),
		unary(protocol.ApplicationSetGetList, p.get, s.listSets, get(at)),
		unary(protocol.ApplicationSetCreate, p.create, s.createSet, post(at, "applicationset")),
		unary(protocol.ApplicationSetDelete, p.remove, s.deleteSet, deletion(at+"/{name}")),
		unary(protocol.ApplicationSetGetTree, p.get, s.setTree, get(at+"/{name}/resource-tree")),
		unary(protocol.ApplicationSetEvents, p.get, s.setEvents, get(at+"/{name}/events")),
		stream(protocol.ApplicationSetWatch, p.get, s.watchSets, get("/api/v1/stream/applicationsets")),
	}
}

// setObject is an application set's name in policies.
func (s *Server) setObject(set *argo.ApplicationSet, project string) string {
	return access.ApplicationName(s.options.Namespace, project, set.Namespace, set.Name)
}

func (s *Server) setKey(namespace, name string) client.ObjectKey {
	return client.ObjectKey{Namespace: cmp.Or(namespace, s.options.Namespace), Name: name}
}

// set finds the application set that a call is about, and checks the row's permission on it.
func (s *Server) set(ctx context.Context, c *call, namespace, name string) (*argo.ApplicationSet, error) {
	key := s.setKey(namespace, name)
	if !s.serves(ctx, key.Namespace) {
		return nil, errNamespace(key.Namespace)
	}
	set := &argo.ApplicationSet{}
	if err := s.options.Live.Get(ctx, key, set); err != nil {
		if apierrors.IsNotFound(err) { // upstream's lister says it in the singular
			err = apierrors.NewNotFound(schema.GroupResource{Group: argo.GroupVersion.Group, Resource: "applicationset"}, name)
		}
		return nil, s.hiddenSet(c, fmt.Errorf("error getting ApplicationSet: %w", err))
	}
	return set, s.allowSet(c, set)
}

// allowSet checks the row's permission on a set. Who may not get it can't tell whether it exists, which upstream gives away.
func (s *Server) allowSet(c *call, set *argo.ApplicationSet) error {
	object := s.setObject(set, set.Spec.Template.Spec.Project)
	if !c.may(access.ApplicationSets, access.Get, object) && !c.may(access.ApplicationSets, c.row.permission.action, object) {
		return errPermission
	}
	return c.allow(object)
}

// hiddenSet is the error of a set that isn't there: who may not get all sets learns no more than of one that is.
func (s *Server) hiddenSet(c *call, err error) error {
	if apierrors.IsNotFound(err) && !c.may(access.ApplicationSets, access.Get, "*/*") {
		return errPermission
	}
	return err
}

func (s *Server) getSet(ctx context.Context, c *call, q *protocol.ApplicationSetGetQuery) (*argo.ApplicationSet, error) {
	return s.set(ctx, c, q.AppsetNamespace, q.Name)
}

func (s *Server) listSets(ctx context.Context, c *call, q *protocol.ApplicationSetListQuery) (*argo.ApplicationSetList, error) {
	selector, err := labels.Parse(q.Selector)
	if err != nil {
		return nil, fmt.Errorf("error parsing the selector: %w", err)
	}
	check, served := c.filter(), s.options.Settings.ApplicationNamespaces(ctx)
	list := &argo.ApplicationSetList{Items: []argo.ApplicationSet{}}
	if q.AppsetNamespace != "" && !served.Has(q.AppsetNamespace) {
		return list, nil // the cache knows nothing of the namespace
	}
	var all argo.ApplicationSetList
	if err := s.options.Client.List(ctx, &all, client.InNamespace(q.AppsetNamespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil, fmt.Errorf("error listing ApplicationSets with selectors: %w", err)
	}
	list.ListMeta = all.ListMeta
	for i := range all.Items {
		set := &all.Items[i]
		project := set.Spec.Template.Spec.Project
		if served.Has(set.Namespace) && check(s.setObject(set, project)) == access.Allowed &&
			(len(q.Projects) == 0 || slices.Contains(q.Projects, project)) {
			list.Items = append(list.Items, *set)
		}
	}
	slices.SortFunc(list.Items, func(a, b argo.ApplicationSet) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Namespace, b.Namespace))
	})
	return list, nil
}

// generateSet tells what an application set would make, and makes nothing.
func (s *Server) generateSet(ctx context.Context, c *call, q *protocol.ApplicationSetGenerateRequest) (*protocol.ApplicationSetGenerateResponse, error) {
	set := q.ApplicationSet
	if set == nil {
		return nil, errors.New("error creating ApplicationSets: ApplicationSets is nil in request")
	}
	given := set.Namespace
	if err := s.permitSet(ctx, c, set); err != nil {
		return nil, err
	}
	applications, err := s.applicationsOf(ctx, set)
	if err != nil {
		return nil, err
	}
	answer := &protocol.ApplicationSetGenerateResponse{}
	for i := range applications {
		applications[i].Namespace = given // as upstream has it: what names no namespace is shown in none
		answer.Applications = append(answer.Applications, &applications[i])
	}
	return answer, nil
}

func (s *Server) applicationsOf(ctx context.Context, set *argo.ApplicationSet) ([]argo.Application, error) {
	if s.options.Sets == nil {
		return nil, missingPart("run the generators of ApplicationSets")
	}
	applications, err := s.options.Sets.Applications(ctx, set)
	if err != nil {
		return nil, fmt.Errorf("unable to generate Applications of ApplicationSet: error generating applications: %w", err)
	}
	return applications, nil
}

// setTree is the applications that a set made, each a child of it.
func (s *Server) setTree(ctx context.Context, c *call, q *protocol.ApplicationSetTreeQuery) (*protocol.ApplicationSetTree, error) {
	set, err := s.set(ctx, c, q.AppsetNamespace, q.Name)
	if err != nil {
		return nil, err
	}
	parent := protocol.ResourceRef{
		Group: argo.GroupVersion.Group, Version: argo.GroupVersion.Version, Kind: appset.Kind, Namespace: set.Namespace, Name: set.Name, UID: string(set.UID),
	}
	tree := &protocol.ApplicationSetTree{}
	for _, resource := range set.Status.Resources {
		node := protocol.ResourceNode{ParentRefs: []protocol.ResourceRef{parent}, Health: resource.Health}
		node.ResourceRef = protocol.ResourceRef{Group: resource.Group, Version: resource.Version, Kind: resource.Kind, Namespace: set.Namespace, Name: resource.Name}
		tree.Nodes = append(tree.Nodes, node)
	}
	slices.SortFunc(tree.Nodes, func(a, b protocol.ResourceNode) int { return strings.Compare(a.Name, b.Name) })
	return tree, nil
}

func (s *Server) setEvents(ctx context.Context, c *call, q *protocol.ApplicationSetGetQuery) (*protocol.EventList, error) {
	set, err := s.set(ctx, c, q.AppsetNamespace, q.Name)
	if err != nil {
		return nil, err
	}
	var events corev1.EventList
	if err := s.options.Live.List(ctx, &events, client.InNamespace(set.Namespace), client.Limit(maxEvents)); err != nil {
		return nil, fmt.Errorf("error listing resource events: %w", err)
	}
	list := &protocol.EventList{Metadata: events.ListMeta, Items: []protocol.Event{}}
	for i := range events.Items {
		if e := &events.Items[i]; e.InvolvedObject.Name == set.Name && e.InvolvedObject.UID == set.UID {
			list.Items = append(list.Items, toEvent(e))
		}
	}
	return list, nil
}
