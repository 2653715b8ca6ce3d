package app

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	scheme, err := newScheme(apiextensionsv1.AddToScheme, corev1.AddToScheme, v1alpha1.AddToScheme)
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

func (i *installer) serve(ctx context.Context, definition *apiextensionsv1.CustomResourceDefinition) (bool, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(definition)
	if err != nil {
		return false, err
	}
	delete(object, "status")
	desired := &unstructured.Unstructured{Object: object}
	desired.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	if err := i.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), fieldOwner, client.ForceOwnership); err != nil {
		return false, err
	}
	var live apiextensionsv1.CustomResourceDefinition
	if err := i.client.Get(ctx, client.ObjectKeyFromObject(desired), &live); err != nil {
		return false, err
	}
	for _, condition := range live.Status.Conditions {
		if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
			return true, nil
		}
	}
	return false, nil
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
	for _, name := range []string{settings.ConfigMapName, settings.RBACConfigMapName} {
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

func (i *installer) create(ctx context.Context, object client.Object) error {
	err := i.client.Create(ctx, object, fieldOwner)
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
