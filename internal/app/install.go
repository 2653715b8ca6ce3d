package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/api/crd"
	"fairlead.dev/fairlead/internal/settings"
)

// fieldOwner is the field manager of what the processes install.
const fieldOwner = client.FieldOwner("fairlead")

// installTimeout bounds the wait for an API server that is just starting, or for definitions to be served.
const installTimeout = 2 * time.Minute

// installer puts into a cluster what a process needs there. All of it may be done again.
type installer struct {
	client client.Client
}

func newInstaller(config *rest.Config) (*installer, error) {
	scheme, err := newScheme(apiextensionsv1.AddToScheme, authorizationv1.AddToScheme, corev1.AddToScheme, v1alpha1.AddToScheme)
	if err != nil {
		return nil, fmt.Errorf("preparing the installation: %w", err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("preparing the installation: %w", err)
	}
	return &installer{client: c}, nil
}

// definitions installs CustomResourceDefinitions and waits until they are served. An API server that doesn't answer yet
// is waited for: after a reboot everything starts at once.
func (i *installer) definitions(ctx context.Context, names ...string) error {
	definitions, err := crd.Named(names...)
	if err != nil {
		return err
	}
	var last error
	err = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, installTimeout, true, func(ctx context.Context) (bool, error) {
		last = nil
		for _, definition := range definitions {
			served, err := i.serve(ctx, definition)
			if err != nil || !served {
				last = err
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("installing the custom resource definitions: %w", errors.Join(err, last))
	}
	return nil
}

// Annotations of a definition that the hub has installed: what it was made from, and the generation that this made. While both
// hold, the definition is what this hub would install, and is left alone: to apply it again costs the API server seconds, for it
// works out the fields' owners of a large schema and then publishes its OpenAPI anew.
const (
	installedAnnotation  = "fairlead.dev/installed"
	generationAnnotation = "fairlead.dev/installed-generation"
)

// serve installs a definition unless it is there as it should be, and tells whether the API server serves it.
func (i *installer) serve(ctx context.Context, definition *apiextensionsv1.CustomResourceDefinition) (bool, error) {
	hash, err := hashOf(definition)
	if err != nil {
		return false, err
	}
	live := &apiextensionsv1.CustomResourceDefinition{}
	err = i.client.Get(ctx, client.ObjectKeyFromObject(definition), live)
	if err != nil && !apierrors.IsNotFound(err) {
		return false, err
	}
	if err != nil || live.Annotations[installedAnnotation] != hash || live.Annotations[generationAnnotation] != strconv.FormatInt(live.Generation, 10) {
		if live, err = i.apply(ctx, definition, hash); err != nil {
			return false, err
		}
	}
	for _, condition := range live.Status.Conditions {
		if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
			return true, nil
		}
	}
	return false, nil
}

// apply applies a definition, and then notes which generation that made.
func (i *installer) apply(ctx context.Context, definition *apiextensionsv1.CustomResourceDefinition, hash string) (*apiextensionsv1.CustomResourceDefinition, error) {
	desired := definition.DeepCopy()
	metav1.SetMetaDataAnnotation(&desired.ObjectMeta, installedAnnotation, hash)
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(desired)
	if err != nil {
		return nil, err
	}
	delete(object, "status")
	applied := &unstructured.Unstructured{Object: object}
	applied.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	if err := i.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), fieldOwner, client.ForceOwnership); err != nil {
		return nil, err
	}
	live := &apiextensionsv1.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(applied.Object, live); err != nil {
		return nil, err
	}
	noted := client.MergeFrom(live.DeepCopy())
	metav1.SetMetaDataAnnotation(&live.ObjectMeta, generationAnnotation, strconv.FormatInt(live.Generation, 10))
	return live, i.client.Patch(ctx, live, noted)
}

// hashOf is the same for definitions that say the same.
func hashOf(definition *apiextensionsv1.CustomResourceDefinition) (string, error) {
	text, err := json.Marshal(definition.Spec)
	if err != nil {
		return "", fmt.Errorf("encoding the definition %s: %w", definition.Name, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

// mayWatchAll tells whether the process may see a resource of Argo CD's in all namespaces.
func (i *installer) mayWatchAll(ctx context.Context, resource string) (bool, error) {
	for _, verb := range []string{"list", "watch"} {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: verb, Group: v1alpha1.GroupVersion.Group, Resource: resource},
		}}
		if err := i.client.Create(ctx, review); err != nil {
			return false, fmt.Errorf("asking whether all %s may be listed: %w", resource, err)
		}
		if !review.Status.Allowed {
			return false, nil
		}
	}
	return true, nil
}

// namespace makes a namespace if it isn't there.
func (i *installer) namespace(ctx context.Context, name string) error {
	return i.create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

// defaults makes the project "default", which allows everything, and the empty ConfigMaps that people edit, if they
// aren't there. What is there is an operator's, and left alone.
func (i *installer) defaults(ctx context.Context, namespace string) error {
	objects := []client.Object{&v1alpha1.AppProject{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.DefaultProject, Namespace: namespace},
		Spec: v1alpha1.AppProjectSpec{
			SourceRepos:              []string{"*"},
			Destinations:             []v1alpha1.ApplicationDestination{{Server: "*", Namespace: "*"}},
			ClusterResourceWhitelist: []v1alpha1.ClusterResourceRestrictionItem{{Group: "*", Kind: "*"}},
		},
	}}
	// Upstream's clients that read the cluster themselves, such as its `admin export`, want all of these to be there.
	for _, name := range []string{
		settings.ConfigMapName, settings.RBACConfigMapName, settings.CmdParamsConfigMap, settings.TLSCertsConfigMap,
		settings.KnownHostsConfigMap, settings.GPGKeysConfigMap, settings.NotificationsConfigMap,
	} {
		objects = append(objects, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: namespace, Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"},
		}})
	}
	for _, object := range objects {
		if err := i.create(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// create makes an object if it isn't there. It looks first: a hub that starts again writes nothing.
func (i *installer) create(ctx context.Context, object client.Object) error {
	there := object.DeepCopyObject().(client.Object)
	err := i.client.Get(ctx, client.ObjectKeyFromObject(object), there)
	if apierrors.IsNotFound(err) {
		err = i.client.Create(ctx, object, fieldOwner)
	}
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making %T %q: %w", object, object.GetName(), err)
	}
	return nil
}

// newScheme is a scheme that knows the kinds of some packages.
func newScheme(adders ...func(*runtime.Scheme) error) (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range adders {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return scheme, nil
}
