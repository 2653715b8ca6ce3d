package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/connect"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	fairlead "fairlead.dev/fairlead/api/fairlead/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/build"
	"fairlead.dev/fairlead/internal/protocol"
)

// buildObject is what policies call a rule and its builds: project/rule.
func buildObject(project, rule string) string {
	if project == "" {
		project = argo.DefaultProject
	}
	return access.InProject(project, rule)
}

func (s *Server) listRules(ctx context.Context, c *call, q *protocol.BuildRuleQuery) (*protocol.BuildRuleList, error) {
	var all fairlead.BuildRuleList
	if err := s.options.Client.List(ctx, &all, client.InNamespace(s.options.Namespace)); err != nil {
		return nil, fmt.Errorf("listing build rules: %w", err)
	}
	check := c.filter()
	all.Items = slices.DeleteFunc(all.Items, func(r fairlead.BuildRule) bool {
		return (q.Name != "" && q.Name != r.Name) || (q.Project != "" && buildObject(q.Project, "") != buildObject(r.Spec.Project, "")) ||
			check(buildObject(r.Spec.Project, r.Name)) != access.Allowed
	})
	if all.Items == nil {
		all.Items = []fairlead.BuildRule{}
	}
	slices.SortFunc(all.Items, func(a, b fairlead.BuildRule) int { return strings.Compare(a.Name, b.Name) })
	return &all, nil
}

func (s *Server) listBuilds(ctx context.Context, c *call, q *protocol.BuildQuery) (*protocol.BuildList, error) {
	var all fairlead.BuildList
	if err := s.options.Client.List(ctx, &all, client.InNamespace(s.options.Namespace)); err != nil {
		return nil, fmt.Errorf("listing builds: %w", err)
	}
	check := c.filter()
	all.Items = slices.DeleteFunc(all.Items, func(b fairlead.Build) bool {
		return (q.Name != "" && q.Name != b.Name) || (q.Rule != "" && q.Rule != b.Spec.Rule) ||
			(q.Project != "" && buildObject(q.Project, "") != buildObject(b.Spec.Project, "")) ||
			check(buildObject(b.Spec.Project, b.Spec.Rule)) != access.Allowed
	})
	if all.Items == nil {
		all.Items = []fairlead.Build{}
	}
	slices.SortFunc(all.Items, func(a, b fairlead.Build) int { // the newest first
		if order := b.CreationTimestamp.Compare(a.CreationTimestamp.Time); order != 0 {
			return order
		}
		return strings.Compare(a.Name, b.Name)
	})
	return &all, nil
}

// build finds a build and checks the row's permission on it. Who may not get it can't tell whether it exists.
func (s *Server) build(ctx context.Context, c *call, name string) (*fairlead.Build, error) {
	b := &fairlead.Build{}
	err := s.options.Live.Get(ctx, client.ObjectKey{Namespace: s.options.Namespace, Name: name}, b)
	if apierrors.IsNotFound(err) {
		if c.may(access.Builds, access.Get, "*/*") {
			return nil, fail(connect.CodeNotFound, fmt.Errorf("build '%s' not found", name))
		}
		return nil, errPermission
	}
	if err != nil {
		return nil, fmt.Errorf("reading build '%s': %w", name, err)
	}
	object := buildObject(b.Spec.Project, b.Spec.Rule)
	if !c.may(access.Builds, access.Get, object) {
		return nil, errPermission
	}
	return b, c.allow(object)
}

func (s *Server) getBuild(ctx context.Context, c *call, q *protocol.BuildQuery) (*fairlead.Build, error) {
	return s.build(ctx, c, q.Name)
}

func (s *Server) startBuild(ctx context.Context, c *call, q *protocol.BuildStartRequest) (*fairlead.Build, error) {
	rule := &fairlead.BuildRule{}
	err := s.options.Live.Get(ctx, client.ObjectKey{Namespace: s.options.Namespace, Name: q.Rule}, rule)
	if apierrors.IsNotFound(err) {
		if c.may(access.Builds, access.Get, "*/*") {
			return nil, fail(connect.CodeNotFound, fmt.Errorf("build rule '%s' not found", q.Rule))
		}
		return nil, errPermission
	}
	if err != nil {
		return nil, fmt.Errorf("reading build rule '%s': %w", q.Rule, err)
	}
	object := buildObject(rule.Spec.Project, rule.Name)
	if !c.may(access.Builds, access.Get, object) && !c.may(access.Builds, access.Create, object) {
		return nil, errPermission
	}
	if err := c.allow(object); err != nil {
		return nil, err
	}
	if s.options.Builds == nil {
		return nil, missingPart("start builds")
	}
	b, err := s.options.Builds.Start(ctx, rule, q.Ref, c.name())
	if err != nil {
		var coded *connect.Error
		if errors.As(err, &coded) {
			return nil, err
		}
		return nil, precondition(err.Error())
	}
	return b, s.createBuild(ctx, b)
}

// createBuild writes a new build, unless whoever made it did already.
func (s *Server) createBuild(ctx context.Context, b *fairlead.Build) error {
	if b.UID != "" {
		return nil
	}
	if err := s.options.Client.Create(ctx, b); err != nil {
		return fmt.Errorf("creating a build of rule '%s': %w", b.Spec.Rule, err)
	}
	return nil
}

func (s *Server) rebuild(ctx context.Context, c *call, q *protocol.BuildQuery) (*fairlead.Build, error) {
	former, err := s.build(ctx, c, q.Name)
	if err != nil {
		return nil, err
	}
	again := build.Rebuild(former, c.name(), s.options.Clock.Now())
	return again, s.createBuild(ctx, again)
}

func (s *Server) cancelBuild(ctx context.Context, c *call, q *protocol.BuildQuery) (*fairlead.Build, error) {
	b, err := s.build(ctx, c, q.Name)
	if err != nil {
		return nil, err
	}
	if b.Status.Phase.Completed() {
		return nil, precondition(fmt.Sprintf("build '%s' has ended already: it is %s", b.Name, b.Status.Phase))
	}
	if err := s.options.Client.Patch(ctx, b, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"cancel":true}}`))); err != nil {
		return nil, fmt.Errorf("cancelling build '%s': %w", b.Name, err)
	}
	return b, nil
}

func (s *Server) buildLogs(ctx context.Context, c *call, q *protocol.BuildLogsRequest, send func(*protocol.BuildLogChunk) error) error {
	b, err := s.build(ctx, c, q.Name)
	if err != nil {
		return err
	}
	if s.options.BuildLogs == nil {
		return missingPart("read the logs of builds")
	}
	err = s.options.BuildLogs.Follow(ctx, b, q.Follow, writerFunc(func(p []byte) (int, error) {
		return len(p), send(&protocol.BuildLogChunk{Data: slices.Clone(p)})
	}))
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("reading the log of build '%s': %w", b.Name, err)
	}
	return nil
}

// writerFunc is a function as an io.Writer.
type writerFunc func([]byte) (int, error)

// Write calls the function.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
