package server

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// The reasons of the Kubernetes events that tell who did what. They are Argo CD's.
const (
	reasonCreated   = "ResourceCreated"
	reasonUpdated   = "ResourceUpdated"
	reasonDeleted   = "ResourceDeleted"
	reasonActionRan = "ResourceActionRan"
	reasonStarted   = "OperationStarted"
)

// auditTimeout bounds how long the answer to a call waits for its event.
const auditTimeout = 5 * time.Second

// The keys of argocd-cm that say, by globs between commas, which labels of applications and projects their events have.
const (
	includeEventLabels = "resource.includeEventLabelKeys"
	excludeEventLabels = "resource.excludeEventLabelKeys"
)

// tellOfApp records what the caller did to an application.
func (s *Server) tellOfApp(ctx context.Context, c *call, app *argo.Application, reason, action string) {
	s.tell(ctx, c, &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: app.Namespace, Labels: s.eventLabels(ctx, app),
			Annotations: map[string]string{"dest-server": app.Spec.Destination.Server, "dest-namespace": app.Spec.Destination.Namespace},
		},
		InvolvedObject: involved(argo.GroupVersion.WithKind("Application"), app), Reason: reason, Message: action,
	})
}

// tellOfProject records what the caller did to a project.
func (s *Server) tellOfProject(ctx context.Context, c *call, p *argo.AppProject, reason, action string) {
	s.tell(ctx, c, &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: p.Namespace},
		InvolvedObject: involved(argo.GroupVersion.WithKind("AppProject"), p), Reason: reason, Message: action,
	})
}

// tellOfObject records what the caller did to an object in a cluster. An API server takes events only in their object's own
// namespace; where the hub's cluster has none of that name, the application's event has to do.
func (s *Server) tellOfObject(ctx context.Context, c *call, ref protocol.ResourceRef, reason, action string) {
	gvk := schema.GroupVersionKind{Group: ref.Group, Version: ref.Version, Kind: ref.Kind}
	about := &metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name, UID: types.UID(ref.UID)}
	s.tell(ctx, c, &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: cmp.Or(ref.Namespace, metav1.NamespaceDefault)},
		InvolvedObject: involved(gvk, about), Reason: reason, Message: action,
	})
}

func involved(gvk schema.GroupVersionKind, object metav1.Object) corev1.ObjectReference {
	return corev1.ObjectReference{
		APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Namespace: object.GetNamespace(), Name: object.GetName(),
		UID: object.GetUID(), ResourceVersion: object.GetResourceVersion(),
	}
}

// tell writes an event that says who did what. What has been done is done: an event that can't be written is only logged.
func (s *Server) tell(ctx context.Context, c *call, event *corev1.Event) {
	user := c.identity.Name
	if user == "" {
		user = "Unknown user"
	}
	now := s.options.Clock.Now()
	event.Name = fmt.Sprintf("%s.%x", event.InvolvedObject.Name, now.UnixNano())
	event.Message = user + " " + event.Message
	if event.Annotations == nil {
		event.Annotations = map[string]string{}
	}
	event.Annotations["user"] = user
	event.Source = corev1.EventSource{Component: "argocd-server"}
	event.FirstTimestamp, event.LastTimestamp, event.Count = metav1.NewTime(now), metav1.NewTime(now), 1
	event.Type = corev1.EventTypeNormal
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTimeout)
	defer cancel()
	if err := s.options.Client.Create(ctx, event); apierrors.IsNotFound(err) {
		s.options.Logger.DebugContext(ctx, "there is no namespace for an event", "namespace", event.Namespace, "reason", event.Reason)
	} else if err != nil {
		s.options.Logger.WarnContext(ctx, "an event is lost", "reason", event.Reason, "message", event.Message, "error", err)
	}
}

// eventLabels are the labels of an application, and of its project, that the operator wants its events to have.
func (s *Server) eventLabels(ctx context.Context, app *argo.Application) map[string]string {
	config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
	include := listOf(config[includeEventLabels])
	if err != nil || len(include) == 0 {
		return nil
	}
	labels := map[string]string{}
	if bounds, err := s.bounds(ctx, app.Spec.ProjectName()); err == nil {
		maps.Copy(labels, bounds.Labels)
	}
	maps.Copy(labels, app.Labels)
	exclude := listOf(config[excludeEventLabels])
	matches := func(patterns []string, key string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool { return project.Glob(pattern, key, 0) })
	}
	maps.DeleteFunc(labels, func(key, _ string) bool { return !matches(include, key) || matches(exclude, key) })
	return labels
}

// listOf reads a list between commas.
func listOf(text string) []string {
	var list []string
	for _, item := range strings.Split(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}
