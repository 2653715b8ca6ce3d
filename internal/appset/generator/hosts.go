package generator

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/scm"
	"fairlead.dev/fairlead/internal/settings"
)

// HostOptions are what the generators need that ask Git hosts and services outside the cluster. All are required.
type HostOptions struct {
	// Reader reads Secrets and ConfigMaps in the hub's namespace and in those of ApplicationSets.
	Reader client.Reader
	// Namespace is the hub's.
	Namespace string
	// Params returns the data of argocd-cmd-params-cm.
	Params func(ctx context.Context) (map[string]string, error)
	// Hosts makes the clients.
	Hosts *scm.Hosts
	Now   func() time.Time
}

// listingTimeout bounds all questions to a host for one generator.
const listingTimeout = 5 * time.Minute

// ErrDisabled says that the operator forbids to ask Git hosts.
var ErrDisabled = errors.New("scm providers are disabled")

// asking is one generator of one set that asks a Git host.
type asking struct {
	HostOptions
	set    *v1alpha1.ApplicationSet
	params settings.SCMParams
}

// ask checks that the generator may ask the host at the address that it names, empty for the public one.
func (o HostOptions) ask(ctx context.Context, set *v1alpha1.ApplicationSet, api string) (asking, error) {
	data, err := o.Params(ctx)
	if err != nil {
		return asking{}, err
	}
	params, err := settings.SCMParamsFrom(data)
	switch {
	case err != nil:
		return asking{}, err
	case !params.Enabled:
		return asking{}, ErrDisabled
	case api != "" && len(params.Allowed) > 0 && !slices.Contains(params.Allowed, api):
		return asking{}, fmt.Errorf("scm provider not allowed: scm provider %q not allowed, must use one of the following: %s", api, strings.Join(params.Allowed, ", "))
	case api != "" && len(params.Allowed) == 0 && set.Namespace != o.Namespace:
		// Who may only write ApplicationSets in a namespace could have its Secrets sent anywhere.
		return asking{}, fmt.Errorf("scm provider not allowed: ApplicationSets outside the namespace %s may only name hosts that the operator lists in "+
			"applicationsetcontroller.allowed.scm.providers of %s", o.Namespace, settings.CmdParamsConfigMap)
	}
	return asking{HostOptions: o, set: set, params: params}, nil
}

// secret is the value that a reference in the set names; empty for none.
func (a asking) secret(ctx context.Context, ref *v1alpha1.SecretRef) (string, error) {
	if ref == nil {
		return "", nil
	}
	var secret corev1.Secret
	if err := a.Reader.Get(ctx, client.ObjectKey{Namespace: a.set.Namespace, Name: ref.SecretName}, &secret); err != nil {
		return "", fmt.Errorf("error fetching secret %s/%s: %w", a.set.Namespace, ref.SecretName, err)
	}
	if a.params.StrictTokens && secret.Labels[settings.SecretTypeLabel] != settings.SecretTypeSCMCreds {
		return "", fmt.Errorf("secret %s/%s is not a valid SCM creds secret: secret must have label %q=%q",
			a.set.Namespace, ref.SecretName, settings.SecretTypeLabel, settings.SecretTypeSCMCreds)
	}
	value, ok := secret.Data[ref.Key]
	if !ok {
		return "", fmt.Errorf("key %q in secret %s/%s not found", ref.Key, a.set.Namespace, ref.SecretName)
	}
	return strings.TrimSpace(string(value)), nil
}

// ca is the certificates that a host is trusted by: those that the set refers to and the operator's. Empty means the system's.
func (a asking) ca(ctx context.Context, ref *v1alpha1.ConfigMapKeyRef) (string, error) {
	var certificates string
	if ref != nil {
		var configMap corev1.ConfigMap
		if err := a.Reader.Get(ctx, client.ObjectKey{Namespace: a.set.Namespace, Name: ref.ConfigMapName}, &configMap); err != nil {
			return "", fmt.Errorf("error fetching CA certificates from ConfigMap: %w", err)
		}
		value, ok := configMap.Data[ref.Key]
		if !ok {
			return "", fmt.Errorf("error fetching CA certificates from ConfigMap: key %s not found in ConfigMap %s", ref.Key, ref.ConfigMapName)
		}
		certificates = value
	}
	if a.params.RootCAFile == "" {
		return certificates, nil
	}
	file, err := os.ReadFile(a.params.RootCAFile)
	if err != nil {
		return "", fmt.Errorf("reading the certificates of applicationsetcontroller.scm.root.ca.path: %w", err)
	}
	return certificates + "\n" + string(file), nil
}

// github is a client for GitHub, as an app if its Secret is named.
func (a asking) github(ctx context.Context, api, owner, appSecret string, token *v1alpha1.SecretRef) (scm.Access, error) {
	access := scm.Access{API: api}
	if appSecret == "" {
		value, err := a.secret(ctx, token)
		access.Token = value
		return access, err
	}
	var secret corev1.Secret
	if err := a.Reader.Get(ctx, client.ObjectKey{Namespace: a.Namespace, Name: appSecret}, &secret); err != nil {
		return access, fmt.Errorf("error getting creds for %s: %w", appSecret, err)
	}
	credentials, err := settings.RepositoryFromSecret(&secret)
	if err != nil {
		return access, fmt.Errorf("error getting creds for %s: %w", appSecret, err)
	}
	if credentials.GitHubAppPrivateKey == "" {
		return access, fmt.Errorf("no github app found for %s", appSecret)
	}
	access.Owner = owner
	access.App = git.GitHubApp{ID: credentials.GitHubAppID, Installation: credentials.GitHubAppInstallationID,
		PrivateKey: credentials.GitHubAppPrivateKey, BaseURL: credentials.GitHubAppEnterpriseBaseURL}
	return access, nil
}

// bitbucket is how to log on to Bitbucket: with a token, with a password, or not at all.
func (a asking) bitbucket(ctx context.Context, api string, token *v1alpha1.SecretRef, basic *v1alpha1.BasicAuthBitbucketServer) (scm.Access, error) {
	access := scm.Access{API: api}
	var err error
	switch {
	case token != nil:
		if access.Token, err = a.secret(ctx, token); err != nil {
			return access, fmt.Errorf("error fetching Secret Bearer token: %w", err)
		}
	case basic != nil:
		access.Username = basic.Username
		if access.Password, err = a.secret(ctx, basic.PasswordRef); err != nil {
			return access, fmt.Errorf("error fetching Secret token: %w", err)
		}
	}
	return access, nil
}

// answers keeps what hosts answered until it is time to ask again, so that a set that is looked at whenever one of its
// applications changes doesn't use up what hosts allow. Only what succeeded is kept.
type answers[T any] struct {
	now   func() time.Time
	known locked[[sha256.Size]byte, known[T]]
}

type known[T any] struct {
	value T
	at    time.Time
	// generator is what asked: when an event concerns it, the answer is old.
	generator v1alpha1.ApplicationSetGenerator
}

// maxAnswers bounds what is kept.
const maxAnswers = 2000

// get asks, unless the same question was answered in the time that it is asked again after. The question is g without what
// doesn't change the answer; secret is what the answer hangs on besides.
func (a *answers[T]) get(g v1alpha1.ApplicationSetGenerator, set *v1alpha1.ApplicationSet, every time.Duration, secret any, ask func() (T, error)) (T, error) {
	var none T
	question, err := json.Marshal([]any{g, fmt.Sprintf("%#v", secret)})
	if err != nil {
		return none, fmt.Errorf("reading the generator: %w", err)
	}
	key := sha256.Sum256(question)
	now := a.now()
	_, refresh := set.Annotations[v1alpha1.ApplicationSetRefreshAnnotation]
	// A little early counts: who is called every minute must not be asked every other.
	if last, ok := a.known.get(key); ok && !refresh && now.Sub(last.at) < every-every/10 && !now.Before(last.at) {
		return last.value, nil
	}
	value, err := ask()
	if err != nil {
		a.known.drop(key)
		return none, err
	}
	a.known.put(key, known[T]{value, now, *g.DeepCopy()}, maxAnswers)
	return value, nil
}

// forget drops the answers to generators that concern something.
func (a *answers[T]) forget(concerned func(*v1alpha1.ApplicationSetGenerator) bool) {
	a.known.dropAll(func(k known[T]) bool { return concerned(&k.generator) })
}
