package project

import (
	"errors"
	"fmt"
	"strings"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

// ErrNoAccount says that a project names no account for a destination.
var ErrNoAccount = errors.New("no matching service account found")

// Account is the user that syncs to a destination run as, where syncs impersonate: that of the first matching entry of
// destinationServiceAccounts. An account without a namespace is of the destination's, or else of the application's own. Where none
// matches the error is ErrNoAccount.
func Account(p *v1alpha1.AppProject, d Destination, appNamespace string) (string, error) {
	for _, item := range p.Spec.DestinationServiceAccounts {
		if !Glob(item.Server, d.Server, 0) || !Glob(item.Namespace, d.Namespace, 0) {
			continue
		}
		account := item.DefaultServiceAccount
		switch {
		case !validAccount(account):
			return "", fmt.Errorf("default service account contains invalid chars '%s'", account)
		case strings.Contains(account, ":"):
			return "system:serviceaccount:" + account, nil
		case d.Namespace != "":
			return "system:serviceaccount:" + d.Namespace + ":" + account, nil
		}
		return "system:serviceaccount:" + appNamespace + ":" + account, nil
	}
	return "", fmt.Errorf("%w for destination server %s and namespace %s", ErrNoAccount, d.Server, d.Namespace)
}
