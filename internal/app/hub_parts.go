package app

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/artifact"
	"fairlead.dev/fairlead/internal/build"
	"fairlead.dev/fairlead/internal/build/buildkit"
	"fairlead.dev/fairlead/internal/build/buildlog"
	"fairlead.dev/fairlead/internal/build/source"
	"fairlead.dev/fairlead/internal/cluster"
	"fairlead.dev/fairlead/internal/controller"
	"fairlead.dev/fairlead/internal/controller/application"
	"fairlead.dev/fairlead/internal/controller/applicationset"
	buildcontroller "fairlead.dev/fairlead/internal/controller/build"
	"fairlead.dev/fairlead/internal/controller/imageupdate"
	"fairlead.dev/fairlead/internal/desired"
	"fairlead.dev/fairlead/internal/event"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/oci"
	"fairlead.dev/fairlead/internal/project"
	"fairlead.dev/fairlead/internal/render"
	"fairlead.dev/fairlead/internal/render/plugin"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/settings/live"
	"fairlead.dev/fairlead/internal/trace"
)

// parts are what the controllers and the API share.
type parts struct {
	options   HubOptions
	bus       *event.Bus
	settings  *live.Source
	git       *git.Store
	plugins   *plugin.Client
	desired   *desired.Source
	artifacts *artifact.Client
	signed    *desired.Signatures
	clusters  *cluster.Registry
	tracer    *trace.Tracer
	registry  *oci.Client
	builder   buildcontroller.Builder
	sources   *source.Git
	logs      *buildlog.Store

	generators *generators
}

func newParts(mgr ctrl.Manager, options HubOptions) (*parts, error) {
	p := &parts{
		options: options,
		bus:     event.NewBus(),
		settings: &live.Source{
			Reader: mgr.GetClient(), Namespace: options.Namespace, Hub: options.Cluster,
			Applications: options.ApplicationNamespaces, ApplicationSets: options.ApplicationSetNamespaces,
		},
	}
	if err := p.settings.Remember(context.Background(), mgr.GetCache()); err != nil {
		return nil, err
	}
	for _, make := range []func() error{p.makeGit, p.makeClusters, p.makeRegistry, p.makeBuilder} {
		if err := make(); err != nil {
			return nil, err
		}
	}
	return p, p.makeGenerators(mgr)
}

func (p *parts) makeGit() (err error) {
	o := git.Default()
	o.Dir = filepath.Join(p.options.Data, "git")
	if o.Tunnel, err = tunnel(); err != nil {
		return err
	}
	if p.git, err = git.NewStore(o); err != nil {
		return err
	}
	plugins := plugin.Default()
	plugins.Sockets, plugins.Exclude, plugins.AskPass = p.options.Plugins, p.options.PluginExclude, p.options.PluginAskPass
	rendering := render.Default()
	if p.plugins, err = plugin.New(plugins); err != nil {
		return err
	}
	rendering.Plugins = p.plugins
	renderer, err := render.New(rendering)
	if err != nil {
		return err
	}
	artifacts := artifact.Default()
	artifacts.Dir, artifacts.Logger = filepath.Join(p.options.Data, "artifacts"), p.options.Logger
	artifacts.InsecureRegistries = p.options.InsecureRegistries
	if p.artifacts, err = artifact.New(artifacts); err != nil {
		return err
	}
	p.desired = desired.New(p.git, renderer, p.settings.Remote).
		WithArtifacts(desired.Artifacts{Client: p.artifacts, Settings: p.settings, Permits: p.permits})
	p.desired.WithSettings(p.rendering)
	p.signed = &desired.Signatures{Source: p.desired, Keys: p.settings.GPGKeys, Now: time.Now}
	if !p.options.GitSubmodules {
		p.desired.LeaveSubmodulesOut()
	}
	p.sources = &source.Git{Store: p.git, Remote: p.unscopedRemote}
	return countRenderings(p.options.Metrics, renderer)
}

// permits tells whether a project may use a repository.
func (p *parts) permits(ctx context.Context, name, repository string) (bool, error) {
	var found v1alpha1.AppProject
	if err := p.settings.Reader.Get(ctx, client.ObjectKey{Namespace: p.options.Namespace, Name: name}, &found); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	return project.PermitsSource(&found, repository), nil
}

// unscopedRemote is for what belongs to no project.
func (p *parts) unscopedRemote(ctx context.Context, url string) (git.Remote, error) {
	return p.settings.Remote(ctx, url, "")
}

// rendering is what argocd-cm says of all sources now.
func (p *parts) rendering(ctx context.Context) (render.Settings, error) {
	data, err := p.settings.ConfigMap(ctx, settings.ConfigMapName)
	return render.SettingsFrom(data), err
}

func (p *parts) makeClusters() (err error) {
	o := cluster.Default()
	o.Logger = p.options.Logger
	p.settings.Customize(&o)
	o.QPS, o.Burst = p.options.ClusterQPS, p.options.ClusterBurst
	o.RespectRBAC = func() string {
		config, err := p.settings.ConfigMap(context.Background(), settings.ConfigMapName)
		if err != nil {
			return "" // then a kind that may not be listed is an error of its applications
		}
		return config["resource.respectRBAC"]
	}
	if p.clusters, err = cluster.NewRegistry(o); err != nil {
		return err
	}
	if p.tracer, err = trace.New(context.Background(), p.options.Traces); err != nil {
		return err
	}
	return p.options.Metrics.Register(clusterMetrics{p.clusters})
}

// closeTracer sends the last traces, which nobody waits for long.
func (p *parts) closeTracer() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := p.tracer.Close(ctx); err != nil {
		p.options.Logger.Warn("the last traces are lost", "error", err)
	}
}

func (p *parts) makeRegistry() (err error) {
	o := oci.Default()
	o.InsecureRegistries = p.options.InsecureRegistries
	if p.registry, err = oci.New(o); err != nil {
		return err
	}
	logs := buildlog.Default()
	logs.Dir = filepath.Join(p.options.Data, "buildlogs")
	p.logs, err = buildlog.NewStore(logs)
	return err
}

func (p *parts) makeBuilder() (err error) {
	if p.options.BuildKit == "" {
		p.builder = noBuilder{}
		return nil
	}
	p.builder, err = buildkit.New(buildkit.Options{
		Address: p.options.BuildKit, TLS: p.options.BuildKitTLS, PlainHTTP: p.options.InsecureRegistries, Logger: p.options.Logger,
	})
	return err
}

// noBuilder stands in where the hub was started without a builder: a build fails and says so.
type noBuilder struct{}

// Build refuses.
func (noBuilder) Build(context.Context, build.Request) (build.Result, error) {
	return build.Result{}, errors.New("this hub has no builder: start it with --buildkit ADDRESS, then rebuild")
}

// controllers are what the hub's controllers work with.
func (p *parts) controllers() controller.Hub {
	interval, log := p.options.PollInterval, p.options.Logger
	applications := application.Default()
	applications.Namespace, applications.Poll, applications.PollJitter = p.options.Namespace, interval, interval/2
	applications.MetricsLabels, applications.MetricsConditions = p.options.MetricsLabels, p.options.MetricsConditions
	images := imageupdate.Default()
	images.Namespace, images.PollInterval = p.options.Namespace, interval
	sets := applicationset.Default()
	sets.Namespace = p.options.Namespace
	builds := buildcontroller.DefaultOptions()
	builds.Namespace, builds.PollInterval = p.options.Namespace, interval
	return controller.Hub{
		Applications: application.Dependencies{
			Settings: p.settings, Clusters: application.Registry{Registry: p.clusters},
			Manifests: p.desired, Changes: p.desired, Bus: p.bus, Polling: p.settings.Polling, Signatures: p.signed, Logger: log, Metrics: p.options.Metrics,
			Tracer: p.tracer,
		},
		ApplicationOptions: applications,
		Sets: applicationset.Dependencies{
			Generators: p.generators, Settings: p.settings, Bus: p.bus, Pushed: p.generators.Pushed, Listed: p.generators.Listed, Logger: log,
		},
		SetOptions: sets,
		Images: imageupdate.Deps{
			Git: p.git, Remote: p.settings.Remote, Registry: p.registry, ConfigMap: p.settings.ConfigMap,
			Serves: func(ctx context.Context, namespace string) bool {
				return p.settings.ApplicationNamespaces(ctx).Has(namespace)
			},
			Bus: p.bus, Logger: log, Metrics: p.options.Metrics,
		},
		ImageOptions: images,
		Builds: buildcontroller.Deps{
			Sources: p.sources, Builder: p.builder, Logs: p.logs, Bus: p.bus,
			Logger: log, Metrics: p.options.Metrics, Options: builds,
		},
	}
}
