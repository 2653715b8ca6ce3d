package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/customization"
	"fairlead.dev/fairlead/internal/login"
	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// settings is what argocd-cm says to clients; those who aren't logged on see what a login needs.
func (s *Server) settings(ctx context.Context, c *call, _ *protocol.SettingsQuery) (*protocol.Settings, error) {
	config, err := s.options.Settings.ConfigMap(ctx, settings.ConfigMapName)
	if err != nil {
		return nil, err
	}
	params, err := s.options.Settings.ConfigMap(ctx, settings.CmdParamsConfigMap)
	if err != nil {
		return nil, err
	}
	accounts, err := s.options.Login.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	answer := &protocol.Settings{
		URL: config["url"], AdditionalURLs: additionalURLs(config),
		AppLabelKey:        otherwise(config["application.instanceLabelKey"], "app.kubernetes.io/instance"),
		TrackingMethod:     otherwise(config["application.resourceTrackingMethod"], "annotation"),
		StatusBadgeEnabled: config["statusbadge.enabled"] == "true", StatusBadgeRootURL: config["statusbadge.url"],
		GoogleAnalytics: &protocol.GoogleAnalytics{
			TrackingID: config["ga.trackingid"], AnonymizeUsers: config["ga.anonymizeusers"] != "false",
		},
		KustomizeOptions: &protocol.KustomizeOptions{BuildOptions: config["kustomize.buildOptions"]}, KustomizeVersions: kustomizeVersions(config),
		Help: help(config),
		UserLoginsDisabled: !slices.ContainsFunc(accounts, func(a login.Account) bool {
			return a.Enabled && a.Can(login.CapabilityLogin)
		}),
		UICSSURL: config["ui.cssurl"], UILoginButtonText: config["ui.loginButtonText"], ResourceViewEnabled: config["ui.view.resources.disabled"] != "true",
		InstallationID: config["installationID"], ExecEnabled: config["exec.enabled"] == "true",
		AppsInAnyNamespaceEnabled: len(s.options.Settings.ApplicationNamespaces(ctx).Patterns) > 0,
		ImpersonationEnabled:      config["application.sync.impersonation.enabled"] == "true",
		HydratorEnabled:           params["hydrator.enabled"] == "true", SyncWithReplaceAllowed: params["server.sync.replace.allowed"] != "false",
	}
	s.describeSSO(ctx, answer)
	if c.loggedIn {
		answer.UIBannerContent, answer.UIBannerURL = config["ui.bannercontent"], config["ui.bannerurl"]
		answer.UIBannerPermanent, answer.UIBannerPosition = config["ui.bannerpermanent"] == "true", config["ui.bannerposition"]
		answer.ControllerNamespace, answer.ResourceOverrides = s.options.Namespace, customization.Overrides(config)
		answer.PasswordPattern = otherwise(config["passwordPattern"], login.DefaultPasswordPattern)
	}
	return answer, nil
}

func otherwise(text, standard string) string {
	if text == "" {
		return standard
	}
	return text
}

// additionalURLs are further addresses of the hub, a YAML list; what can't be read is none.
func additionalURLs(config map[string]string) []string {
	var urls []string
	if yaml.Unmarshal([]byte(config["additionalUrls"]), &urls) != nil {
		return nil
	}
	return urls
}

func kustomizeVersions(config map[string]string) []string {
	var names []string
	for key := range config {
		for _, prefix := range []string{"kustomize.version.", "kustomize.path."} {
			if name, ok := strings.CutPrefix(key, prefix); ok {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// help is where users get help; without a place the text is empty, and without a text it is upstream's.
func help(config map[string]string) *protocol.Help {
	h := &protocol.Help{ChatURL: config["help.chatUrl"], BinaryURLs: map[string]string{}}
	if _, set := config["help.chatUrl"]; set {
		h.ChatText = "Chat now!"
		if text, set := config["help.chatText"]; set {
			h.ChatText = text
		}
	}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		if platform, ok := strings.CutPrefix(key, "help.download."); ok {
			h.BinaryURLs[platform] = config[key]
		}
	}
	return h
}

// settingsPlugins lists the config management plugins.
func (s *Server) settingsPlugins(ctx context.Context, _ *call, _ *protocol.SettingsQuery) (*protocol.SettingsPlugins, error) {
	if s.options.Plugins == nil {
		return &protocol.SettingsPlugins{}, nil
	}
	names, err := s.options.Plugins(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing plugins: %w", err)
	}
	answer := &protocol.SettingsPlugins{}
	for _, name := range names {
		answer.Plugins = append(answer.Plugins, &protocol.Plugin{Name: name})
	}
	return answer, nil
}
