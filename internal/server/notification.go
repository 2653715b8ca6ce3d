package server

import (
	"context"
	"maps"
	"slices"
	"strings"

	"fairlead.dev/fairlead/internal/protocol"
	"fairlead.dev/fairlead/internal/settings"
)

// namesOf makes a handler of the names that argocd-notifications-cm has below a prefix of its keys. Whoever is logged on may
// know them, as upstream.
func (s *Server) namesOf(prefix string, name func(rest string) string) func(context.Context, *call, *protocol.NotificationQuery) (*protocol.NotificationNames, error) {
	return func(ctx context.Context, _ *call, _ *protocol.NotificationQuery) (*protocol.NotificationNames, error) {
		data, err := s.options.Settings.ConfigMap(ctx, settings.NotificationsConfigMap)
		if err != nil {
			return nil, err
		}
		list := &protocol.NotificationNames{}
		for _, key := range slices.Sorted(maps.Keys(data)) {
			if rest, ok := strings.CutPrefix(key, prefix); ok && rest != "" {
				list.Items = append(list.Items, &protocol.NotificationName{Name: name(rest)})
			}
		}
		return list, nil
	}
}

func itself(name string) string { return name }

// serviceName is that of a service: slack of service.slack, test of service.webhook.test.
func serviceName(rest string) string {
	kind, name, named := strings.Cut(rest, ".")
	if named {
		return name
	}
	return kind
}
