package app

import (
	"context"
	"fmt"
	"net"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/login/sso"
	projectlive "fairlead.dev/fairlead/internal/project/live"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/server"
	"fairlead.dev/fairlead/internal/server/webhook"
	"fairlead.dev/fairlead/internal/settings"
)

// newAPI makes what serves the API. It listens at once: a port that is taken should end the hub before it does anything.
func newAPI(mgr ctrl.Manager, p *parts) (manager.RunnableFunc, error) {
	options, err := p.api(mgr)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", p.options.Address)
	if err != nil {
		return nil, fmt.Errorf("listening for the API: %w", err)
	}
	return func(ctx context.Context) error {
		params, err := p.settings.ConfigMap(ctx, settings.CmdParamsConfigMap)
		if err != nil {
			return err
		}
		if !p.options.Insecure && params["server.insecure"] != "true" {
			certificates, err := newCertificates(p.settings, p.options.Namespace)
			if err != nil {
				return err
			}
			options.TLS = certificates.config()
		}
		// The streams' informers can be had once the manager has started its cache.
		api, err := server.New(ctx, options)
		if err != nil {
			return err
		}
		return api.Serve(ctx, listener)
	}, nil
}

func (p *parts) api(mgr ctrl.Manager) (server.Options, error) {
	o := server.Default()
	o.SSO = sso.New(p.settings, clock.RealClock{}, p.options.Logger)
	accounts, err := login.New(login.Options{
		Client: mgr.GetClient(), Namespace: p.options.Namespace, External: o.SSO, Logger: p.options.Logger,
	})
	if err != nil {
		return o, err
	}
	hooks, err := webhook.New(webhook.Options{
		Config: func(ctx context.Context) (map[string]string, error) {
			return p.settings.ConfigMap(ctx, settings.ConfigMapName)
		},
		Secrets: func(ctx context.Context) (map[string][]byte, error) {
			return p.settings.Secret(ctx, settings.SecretName)
		},
		Bus: p.bus, Metrics: p.options.Metrics, Logger: p.options.Logger,
	})
	if err != nil {
		return o, err
	}
	reach := &fleet{settings: p.settings, clusters: p.clusters, namespace: p.options.Namespace}
	o.Namespace, o.Logger = p.options.Namespace, p.options.Logger
	o.Client, o.Live, o.Informers = mgr.GetClient(), mgr.GetAPIReader(), mgr.GetCache()
	o.Login, o.Settings, o.Webhook = accounts, p.settings, hooks
	o.Fleet, o.Manifests = reach, &manifests{fleet: reach, desired: p.desired}
	o.Sources = &sources{desired: p.desired, git: p.git, artifacts: p.artifacts, settings: p.settings, signed: p.signed, projects: projectlive.Source{
		Reader: mgr.GetClient(), ConfigMaps: p.settings, Namespace: p.options.Namespace,
	}}
	o.Plugins = p.plugins.Names
	o.Sets = p.generators
	o.Builds, o.BuildLogs = &builds{client: mgr.GetClient(), sources: p.sources}, p.logs
	o.Metrics, o.Gatherer = p.options.Metrics, p.options.Metrics
	o.Version = protocol.VersionMessage{Version: p.options.Version}
	return o, nil
}
