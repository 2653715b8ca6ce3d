package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/appset"
	"fairlead.dev/fairlead/internal/appset/generator"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/event"
	projectlive "fairlead.dev/fairlead/internal/project/live"
	"fairlead.dev/fairlead/internal/scm"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/signature"
)

// generators find the parameters of ApplicationSets, for the controller and for the API's dry runs.
type generators struct {
	*generator.All
	repository   *generator.Repository
	pullRequests *generator.PullRequest
	providers    *generator.SCMProvider
	plugins      *generator.Plugin
}

func (p *parts) makeGenerators(mgr ctrl.Manager) error {
	objects, err := dynamic.NewForConfig(p.options.Cluster)
	if err != nil {
		return fmt.Errorf("preparing the generators of application sets: %w", err)
	}
	// What they name may be in namespaces that the cache doesn't hold, and is asked for seldom.
	hosts := generator.HostOptions{
		Reader: mgr.GetAPIReader(), Namespace: p.options.Namespace, Params: p.params, Hosts: scm.NewHosts(clock.RealClock{}), Now: time.Now,
	}
	g := &generators{
		repository: generator.NewRepository(&repositories{desired: p.desired, signed: p.signed, projects: projectlive.Source{
			Reader: mgr.GetClient(), ConfigMaps: p.settings, Namespace: p.options.Namespace,
		}}, generator.RepositoryOptions{Requeue: p.requeue, NewGlobbing: p.newGlobbing, Now: time.Now}),
		pullRequests: generator.NewPullRequest(hosts), providers: generator.NewSCMProvider(hosts), plugins: generator.NewPlugin(hosts),
	}
	g.All = (&generator.All{
		List: generator.NewList(), Clusters: generator.NewClusters(mgr.GetClient(), p.options.Namespace), Git: g.repository, OCI: g.repository,
		PullRequest: g.pullRequests, SCMProvider: g.providers, Plugin: g.plugins,
		ClusterDecisionResource: generator.NewDecisions(generator.DecisionOptions{
			Reader: mgr.GetAPIReader(), Namespace: p.options.Namespace, Objects: objects, Clusters: p.settings.Clusters, Requeue: appset.DefaultRequeue,
		}),
	}).WithCombinations()
	p.generators = g
	return nil
}

// Pushed has hosts asked again by the generators that a push concerns.
func (g *generators) Pushed(push event.Push) {
	g.repository.Pushed(push.Repository)
	concerned := func(one *v1alpha1.ApplicationSetGenerator) bool { return appset.Asks(one, push) }
	g.pullRequests.Forget(concerned)
	g.plugins.Forget(func(*v1alpha1.ApplicationSetGenerator) bool { return true })
}

// Listed has hosts asked again by the generators that list what has changed.
func (g *generators) Listed(news event.Listing) {
	concerned := func(one *v1alpha1.ApplicationSetGenerator) bool { return appset.Lists(one, news) }
	g.pullRequests.Forget(concerned)
	g.providers.Forget(concerned)
	g.plugins.Forget(concerned)
}

// Applications implements server.Sets.
func (g *generators) Applications(ctx context.Context, set *v1alpha1.ApplicationSet) ([]v1alpha1.Application, error) {
	found, err := g.Everything(ctx, set)
	if err != nil {
		return nil, err
	}
	return appset.Applications(set, found)
}

func (p *parts) params(ctx context.Context) (map[string]string, error) {
	return p.settings.ConfigMap(ctx, settings.CmdParamsConfigMap)
}

// operator is what the operator says of application sets; what can't be read is the default, and the controller tells of it.
func (p *parts) operator(ctx context.Context) appset.Operator {
	data, err := p.params(ctx)
	if err != nil {
		data = nil
	}
	operator, _ := appset.OperatorFrom(data)
	return operator
}

func (p *parts) requeue() time.Duration               { return p.operator(context.Background()).Requeue }
func (p *parts) newGlobbing(ctx context.Context) bool { return p.operator(ctx).NewGlobbing }

// repositories are the files that generators read, if a project takes what is in them.
type repositories struct {
	desired  *desired.Source
	signed   *desired.Signatures
	projects projectlive.Source
}

// Files implements generator.Repositories.
func (r *repositories) Files(ctx context.Context, project string, source v1alpha1.ApplicationSource, fresh bool) (fs.FS, string, error) {
	return r.desired.Files(ctx, project, source, fresh)
}

// Verify implements generator.Repositories.
func (r *repositories) Verify(ctx context.Context, project string, source v1alpha1.ApplicationSource, revision string) error {
	bounds, err := r.projects.Project(ctx, project)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading project %s: %w", project, err)
	}
	if err != nil {
		return fmt.Errorf("error getting project %s: %w", project, err)
	}
	demand, err := signature.DemandOf(bounds, source)
	if demand == nil || err != nil {
		return err
	}
	checked, err := r.signed.Verify(ctx, project, source, "", revision, demand.History)
	if err != nil {
		return err
	}
	if problems := demand.Problems(checked); len(problems) > 0 {
		return errors.New(signature.Method + ": " + strings.Join(problems, "\n"+signature.Method+": "))
	}
	return nil
}
