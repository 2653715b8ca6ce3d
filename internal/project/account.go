package project

import (
	"fmt"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// Account is the user that syncs to a destination run as, where syncs impersonate: that of the first matching entry of
// destinationServiceAccounts. An account without a namespace is of the destination's, or else of the application's own.
func Account(p *v1alpha1.AppProject, d Destination, appNamespace string) (string, error) {
	for _, item := range p.Spec.DestinationServiceAccounts {
		if !Glob(item.Server, d.Server, 0) || !Glob(item.Namespace, d.Namespace, 0) {
			continue
		}
		account := item.DefaultServiceAccount
		switch {
		case strings.TrimSpace(account) == "" || strings.ContainsAny(account, `!*[]{}\/`):
			return "", fmt.Errorf("default service account contains invalid chars '%s'", account)
		case strings.Contains(account, ":"):
			return "system:serviceaccount:" + account, nil
		case d.Namespace != "":
			return "system:serviceaccount:" + d.Namespace + ":" + account, nil
		}
		return "system:serviceaccount:" + appNamespace + ":" + account, nil
	}
	return "", fmt.Errorf("no matching service account found for destination server %s and namespace %s", d.Server, d.Namespace)
}
