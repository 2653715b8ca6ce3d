package server

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	argo "fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/access"
	"fairlead.dev/fairlead/internal/settings"
)

// policies keeps the compiled policy. It looks at each call whether the ConfigMap or a project changed (both come from
// the client's cache), so that a change counts at once.
type policies struct {
	client    client.Client
	namespace string
	logger    *slog.Logger
	// invalid is told whether the policy in force isn't the one that is configured.
	invalid func(bool)

	mu      sync.Mutex
	version string
	policy  *access.Policy
}

func (p *policies) current(ctx context.Context) (*access.Policy, error) {
	var configMap corev1.ConfigMap
	err := p.client.Get(ctx, client.ObjectKey{Namespace: p.namespace, Name: settings.RBACConfigMapName}, &configMap)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading the RBAC policy: %w", err)
	}
	var projects argo.AppProjectList
	// The projects are only read.
	if err := p.client.List(ctx, &projects, client.InNamespace(p.namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("reading the RBAC policies of projects: %w", err)
	}
	version := policyVersion(&configMap, &projects)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.policy == nil || p.version != version {
		p.compile(ctx, &configMap, &projects)
		p.version = version
	}
	return p.policy, nil
}

// policyVersion tells two states apart by the versions of the objects in them.
func policyVersion(configMap *corev1.ConfigMap, projects *argo.AppProjectList) string {
	var b strings.Builder
	b.WriteString(string(configMap.UID) + "/" + configMap.ResourceVersion)
	for i := range projects.Items {
		if project := &projects.Items[i]; len(project.Spec.Roles) > 0 {
			for _, part := range []string{" ", project.Name, "/", string(project.UID), "/", project.ResourceVersion} {
				b.WriteString(part)
			}
		}
	}
	return b.String()
}

// compile takes a policy into force. One that is malformed isn't taken: the one before stays, or, if there was none, the
// built-in roles alone.
func (p *policies) compile(ctx context.Context, configMap *corev1.ConfigMap, projects *argo.AppProjectList) {
	config := access.Config{Data: configMap.Data, Projects: map[string]string{}}
	for i := range projects.Items {
		project := &projects.Items[i]
		if len(project.Spec.Roles) == 0 {
			continue
		}
		var roles []access.ProjectRole
		for _, role := range project.Spec.Roles {
			roles = append(roles, access.ProjectRole{Name: role.Name, Policies: role.Policies, Groups: role.Groups})
		}
		config.Projects[project.Name] = access.ProjectPolicy(project.Name, roles)
	}
	compiled, problems, err := access.Compile(config)
	for _, problem := range problems {
		p.logger.ErrorContext(ctx, "ignoring the roles of a project", "error", problem)
	}
	p.invalid(err != nil)
	if err == nil {
		p.policy = compiled
		return
	}
	p.logger.ErrorContext(ctx, "the RBAC policy is not taken; the one before stays in force. Correct ConfigMap "+settings.RBACConfigMapName, "error", err)
	if p.policy == nil {
		p.policy, _, _ = access.Compile(access.Config{}) // the built-in roles always compile
	}
}
