package cluster

import apierrors "k8s.io/apimachinery/pkg/api/errors"

// Refusal tells the API server's no to a manifest from an outage.
func Refusal(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err) || apierrors.IsConflict(err) ||
		apierrors.IsMethodNotSupported(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsInternalError(err) || apierrors.IsNotFound(err)
}
