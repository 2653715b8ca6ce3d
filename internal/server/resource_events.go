package server

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

// listEvents lists the hub's own events of an application.
func (s *Server) listEvents(ctx context.Context, c *call, q *protocol.ApplicationResourceEventsQuery) (*protocol.EventList, error) {
	app, err := s.app(ctx, c, appRef{q.Name, q.AppNamespace, q.Project})
	if err != nil {
		return nil, err
	}
	if q.ResourceName != "" || q.ResourceUID != "" {
		return s.listObjectEvents(ctx, app, q)
	}
	var events corev1.EventList
	// Past the cache: a cache of all events would be for this call alone.
	if err := s.options.Live.List(ctx, &events, client.InNamespace(app.Namespace), client.Limit(maxEvents)); err != nil {
		return nil, fmt.Errorf("listing events: %w", err)
	}
	list := &protocol.EventList{Metadata: events.ListMeta, Items: []protocol.Event{}}
	for i := range events.Items {
		if e := &events.Items[i]; e.InvolvedObject.Name == app.Name && e.InvolvedObject.UID == app.UID {
			list.Items = append(list.Items, toEvent(e))
		}
	}
	return list, nil
}

// maxEvents bounds what is looked through for an application's events.
const maxEvents = 5000

func toEvent(e *corev1.Event) protocol.Event {
	o := e.InvolvedObject
	return protocol.Event{
		Metadata: e.ObjectMeta,
		InvolvedObject: protocol.ObjectReference{
			Kind: o.Kind, Namespace: o.Namespace, Name: o.Name, UID: string(o.UID), APIVersion: o.APIVersion,
			ResourceVersion: o.ResourceVersion, FieldPath: o.FieldPath,
		},
		Reason: e.Reason, Message: e.Message, Source: protocol.EventSource{Component: e.Source.Component, Host: e.Source.Host},
		FirstTimestamp: e.FirstTimestamp, LastTimestamp: e.LastTimestamp, Count: e.Count, Type: e.Type, EventTime: e.EventTime,
		Action: e.Action,
	}
}

// listObjectEvents lists the events of an object in the application's tree.
func (s *Server) listObjectEvents(ctx context.Context, app *argo.Application, q *protocol.ApplicationResourceEventsQuery) (*protocol.EventList, error) {
	lister, ok := s.options.Fleet.(EventLister)
	if !ok {
		return nil, missingPart("list the events of objects in clusters")
	}
	tree, err := s.tree(ctx, app)
	if err != nil {
		return nil, err
	}
	same := func(n protocol.ResourceNode) bool {
		return n.Namespace == q.ResourceNamespace && n.Name == q.ResourceName && n.UID == q.ResourceUID
	}
	all := slices.Concat(tree.Nodes, tree.OrphanedNodes)
	index := slices.IndexFunc(all, same)
	if index < 0 {
		return nil, invalid(fmt.Sprintf("%s not found as part of application %s", q.ResourceName, app.Name))
	}
	events, err := lister.Events(ctx, app, all[index].ResourceRef)
	if err != nil {
		return nil, err
	}
	list := &protocol.EventList{Items: []protocol.Event{}}
	for i := range events {
		list.Items = append(list.Items, toEvent(&events[i]))
	}
	return list, nil
}
