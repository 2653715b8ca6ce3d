package server

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/settings"
)

// secretField is a key of a Secret, and the field of a message that it is: a *string, *bool or *int64.
type secretField struct {
	key   string
	field any
}

// readSecret fills the fields. A switch or number that can't be read is an error that names the key and not the value; the
// others are filled nevertheless.
func readSecret(secret *corev1.Secret, fields []secretField) error {
	var wrong error
	for _, f := range fields {
		text := string(secret.Data[f.key])
		if text == "" {
			continue
		}
		var err error
		switch field := f.field.(type) {
		case *string:
			*field = text
		case *bool:
			*field, err = strconv.ParseBool(text)
		case *int64:
			*field, err = strconv.ParseInt(text, 10, 64)
		}
		if err != nil && wrong == nil {
			wrong = fmt.Errorf("reading secret %s: key %s is no valid value", secret.Name, f.key)
		}
	}
	return wrong
}

// writeSecret keeps the fields in a Secret of a type, as upstream does: keys that are there stay, if need be empty, and others
// come with a value.
func writeSecret(secret *corev1.Secret, secretType string, fields []secretField) {
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for _, f := range fields {
		var text string
		zero := false
		switch field := f.field.(type) {
		case *string:
			text, zero = *field, *field == ""
		case *bool:
			text, zero = strconv.FormatBool(*field), !*field
		case *int64:
			text, zero = strconv.FormatInt(*field, 10), *field == 0
		}
		if _, present := secret.Data[f.key]; present || !zero {
			secret.Data[f.key] = []byte(text)
		}
	}
	labelSecret(secret, secretType)
}

// labelSecret says what a Secret holds, and that it is the API's.
func labelSecret(secret *corev1.Secret, secretType string) {
	if secret.Labels == nil {
		secret.Labels = map[string]string{}
	}
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	secret.Labels[settings.SecretTypeLabel] = secretType
	secret.Annotations[settings.ManagedBy] = settings.ManagedByArgoCD
}

// secretsOf are the hub's Secrets of a type. They are the cache's own and must not be changed.
func (s *Server) secretsOf(ctx context.Context, secretType string) ([]corev1.Secret, error) {
	var list corev1.SecretList
	err := s.options.Client.List(ctx, &list, client.InNamespace(s.options.Namespace),
		client.MatchingLabels{settings.SecretTypeLabel: secretType}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing the secrets of type %s: %w", secretType, err)
	}
	return list.Items, nil
}

// newSecret is one with a name, in the hub's namespace.
func (s *Server) newSecret(name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.options.Namespace, Name: name}}
}

// saveSecret creates a Secret, or updates one that was read, and returns once the hub sees it.
func (s *Server) saveSecret(ctx context.Context, secret *corev1.Secret) error {
	write := func() error { return s.options.Client.Update(ctx, secret) }
	if secret.ResourceVersion == "" {
		write = func() error { return s.options.Client.Create(ctx, secret) }
	}
	if err := write(); err != nil {
		return err
	}
	return s.seen(ctx, secret)
}

// dropSecret deletes a Secret that the API made. One that somebody else made only loses the label that lets it count.
func (s *Server) dropSecret(ctx context.Context, secret *corev1.Secret) error {
	if secret.Annotations[settings.ManagedBy] != settings.ManagedByArgoCD {
		delete(secret.Labels, settings.SecretTypeLabel)
		return s.saveSecret(ctx, secret)
	}
	if err := s.options.Client.Delete(ctx, secret); err != nil {
		return err
	}
	return s.gone(ctx, secret)
}

const (
	// seenPause is between two looks whether the cache has what was written, which takes it some milliseconds; seenTimeout
	// bounds the wait: what was written counts anyway, a moment later.
	seenPause, seenTimeout = 2 * time.Millisecond, 2 * time.Second
)

// seen waits until the hub's cache has an object that was written, so that the writer's next call, and the controllers, find it.
func (s *Server) seen(ctx context.Context, written client.Object) error {
	return s.await(ctx, written, func(cached client.Object, err error) bool {
		return err == nil && !olderThan(cached.GetResourceVersion(), written.GetResourceVersion())
	})
}

// gone waits until the hub's cache has lost an object that was deleted.
func (s *Server) gone(ctx context.Context, deleted client.Object) error {
	return s.await(ctx, deleted, func(cached client.Object, err error) bool {
		return apierrors.IsNotFound(err) || err == nil && (cached.GetUID() != deleted.GetUID() || cached.GetDeletionTimestamp() != nil)
	})
}

func (s *Server) await(ctx context.Context, object client.Object, holds func(client.Object, error) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, seenTimeout, errNotSeen)
	defer cancel()
	tick := time.NewTicker(seenPause)
	defer tick.Stop()
	for {
		cached := object.DeepCopyObject().(client.Object)
		if err := s.options.Client.Get(ctx, client.ObjectKeyFromObject(object), cached); holds(cached, err) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errNotSeen) {
				return nil
			}
			return ctx.Err()
		}
	}
}

var errNotSeen = errors.New("the cache is late")

// olderThan compares versions of one object, which are numbers in etcd; others differ or not.
func olderThan(version, other string) bool {
	a, errA := strconv.ParseUint(version, 10, 64)
	b, errB := strconv.ParseUint(other, 10, 64)
	if errA != nil || errB != nil {
		return version != other
	}
	return a < b
}

// repositorySecretName names the Secret of a repository or template, as upstream does.
func repositorySecretName(prefix, url, project string) string {
	hash := fnv.New32a()
	hash.Write([]byte(url + project))
	return fmt.Sprintf("%s-%d", prefix, hash.Sum32())
}

// clusterSecretName names the Secret of a cluster, as upstream does: with its host, so that people find it.
func clusterSecretName(server string) (string, error) {
	u, err := url.ParseRequestURI(server)
	if err != nil {
		return "", errors.New("the cluster's server is no URL")
	}
	host, _, _ := strings.Cut(u.Host, ":")
	if strings.HasPrefix(u.Host, "[") {
		address, err := netip.ParseAddr(u.Hostname())
		if err != nil {
			return "", errors.New("the cluster's server is no URL")
		}
		host = strings.ReplaceAll(address.String(), ":", "-")
	}
	hash := fnv.New32a()
	hash.Write([]byte(server))
	return fmt.Sprintf("cluster-%s-%d", strings.ToLower(host), hash.Sum32()), nil
}
