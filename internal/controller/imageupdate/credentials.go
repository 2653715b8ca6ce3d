package imageupdate

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/git"
	"fairlead.dev/fairlead/internal/imagepolicy"
	"fairlead.dev/fairlead/internal/oci"
	"fairlead.dev/fairlead/internal/settings"
)

// remote is the deployment repository with the credentials for it: the hub's, or those of the Secret that the write-back-method
// names.
func (r *Reconciler) remote(ctx context.Context, rd *round) (git.Remote, error) {
	url := rd.active()[0].policy.WriteBack.Repository
	remote, err := r.deps.Remote(ctx, url, rd.destination.Project)
	if err != nil || rd.destination.Secret.IsZero() {
		return remote, err
	}
	secret, err := r.secret(ctx, rd.destination.Secret)
	if err != nil {
		return git.Remote{}, fmt.Errorf("finding the credentials for repository %q: %w", rd.destination.Repository, err)
	}
	text := func(key string) string { return string(secret.Data[key]) }
	remote.GitHubApp = git.GitHubApp{}
	if len(secret.Data["githubAppPrivateKey"]) > 0 {
		app := secret.DeepCopy()
		app.Data["url"] = []byte(url)
		parsed, err := settings.RepositoryFromSecret(app)
		if err != nil {
			return git.Remote{}, err
		}
		remote.GitHubApp = git.GitHubApp{
			ID: parsed.GitHubAppID, Installation: parsed.GitHubAppInstallationID, PrivateKey: parsed.GitHubAppPrivateKey, BaseURL: parsed.GitHubAppEnterpriseBaseURL,
		}
		return remote, nil
	}
	remote.Username, remote.Password = text("username"), text("password")
	remote.BearerToken, remote.SSHPrivateKey = text("bearerToken"), text("sshPrivateKey")
	if remote.Password == "" && remote.SSHPrivateKey == "" && remote.BearerToken == "" {
		return git.Remote{}, fmt.Errorf("finding the credentials for repository %q: Secret %s has neither password nor sshPrivateKey",
			rd.destination.Repository, secret.Name)
	}
	return remote, nil
}

// place is where the image's tags are, with the credentials of its own pull secret, else of its registry's entry.
func (r *Reconciler) place(ctx context.Context, rd *round, c *candidate, image imagepolicy.Image) (oci.Place, error) {
	registry, repository := rd.registries.For(image.Repository)
	place := oci.Place{Repository: repository, Registry: registry}
	ref, own := image.PullSecret, true
	if ref.IsZero() {
		ref, own = registry.Credentials, false
	}
	if ref.IsZero() {
		return place, nil
	}
	// Whoever may annotate an application must not thereby read secrets elsewhere; the operator's own configuration may.
	if own && ref.Namespace != "" && ref.Namespace != c.app.Namespace && ref.Namespace != r.options.Namespace {
		return place, fmt.Errorf("finding the pull secret for image %s of application %s: Secret %s/%s is neither in the application's namespace nor in the hub's",
			image.Repository, c.app.Name, ref.Namespace, ref.Name)
	}
	credentials, err := r.credentials(ctx, ref, repository)
	if err != nil {
		return place, fmt.Errorf("finding the pull secret for image %s of application %s: %w", image.Repository, c.app.Name, err)
	}
	place.Credentials = credentials
	return place, nil
}

func (r *Reconciler) credentials(ctx context.Context, ref imagepolicy.SecretRef, repository string) (oci.Credentials, error) {
	if ref.Kind == "env" {
		if r.deps.LookupEnv == nil {
			return oci.Credentials{}, errors.New("this hub takes no credentials from its environment: use a Secret")
		}
		value, ok := r.deps.LookupEnv(ref.Name)
		if !ok {
			return oci.Credentials{}, fmt.Errorf("the hub's environment has no variable %s", ref.Name)
		}
		return oci.ParseCredentials(value)
	}
	secret, err := r.secret(ctx, ref)
	if err != nil {
		return oci.Credentials{}, err
	}
	if ref.Kind == "pullsecret" {
		field := ref.Field
		if field == "" {
			field = corev1.DockerConfigJsonKey
		}
		return oci.DockerCredentials(secret.Data[field], repository)
	}
	value, ok := secret.Data[ref.Field]
	if !ok {
		return oci.Credentials{}, fmt.Errorf("the Secret %s/%s has no field %s", ref.Namespace, ref.Name, ref.Field)
	}
	return oci.ParseCredentials(string(value))
}

// secret reads a Secret that an annotation names. The hub's own are refused: what an annotation names is sent to a host that
// another annotation names.
func (r *Reconciler) secret(ctx context.Context, ref imagepolicy.SecretRef) (*corev1.Secret, error) {
	var secret corev1.Secret
	err := r.client.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, &secret)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("there is no Secret %s/%s", ref.Namespace, ref.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s/%s: %w", ref.Namespace, ref.Name, err)
	}
	internal := secret.Name == settings.SecretName || secret.Name == settings.InitialAdminName ||
		secret.Labels[settings.SecretTypeLabel] == settings.SecretTypeCluster || secret.Type == corev1.SecretTypeServiceAccountToken
	if internal {
		return nil, fmt.Errorf("the Secret %s/%s is the hub's own: keep credentials in one made for them", ref.Namespace, ref.Name)
	}
	return &secret, nil
}
