package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/csaupgrade"

	"fairlead.dev/fairlead/internal/diff"
	"fairlead.dev/fairlead/internal/object"
)

// ApplyOptions are the ways to apply a manifest.
type ApplyOptions struct {
	// DryRun changes nothing, and answers what would be.
	DryRun bool
	// SkipValidation accepts fields that the API server doesn't know.
	SkipValidation bool
	// Replace puts the manifest in place of the object.
	Replace bool
	// SkipMigration leaves the fields of an earlier client-side apply to its manager; without it they become ours, so that
	// what the manifest loses goes. MigrateFrom is one more manager whose fields become ours.
	SkipMigration bool
	MigrateFrom   string
	// Force deletes the object and creates it anew where the update is refused as invalid (an immutable field).
	Force bool
}

// resource is the client for objects of a kind in a namespace.
func (c *Cluster) resource(ctx context.Context, gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	kind, err := c.Kind(ctx, gvk)
	if err != nil {
		return nil, err
	}
	client, err := c.client(ctx)
	if err != nil {
		return nil, err
	}
	if kind.Namespaced {
		return client.Resource(kind.Resource).Namespace(namespace), nil
	}
	return client.Resource(kind.Resource), nil
}

// Apply makes the cluster have the manifest, by server-side apply as diff.Manager, and returns the object as it is now (or
// would be). The cache knows it at once; no Change tells of it, for whoever syncs an application looks at it anyway.
func (c *Cluster) Apply(ctx context.Context, manifest *unstructured.Unstructured, o ApplyOptions) (*unstructured.Unstructured, error) {
	ctx, cancel := c.request(ctx)
	defer cancel()
	resource, err := c.resource(ctx, manifest.GroupVersionKind(), manifest.GetNamespace())
	if err != nil {
		return nil, err
	}
	whole := manifest
	manifest, _ = object.Distinct(manifest)
	var answer *unstructured.Unstructured
	if o.Replace {
		answer, err = c.replaceObject(ctx, resource, object.WithPorts(manifest, whole), o)
	} else {
		if !o.DryRun && !o.SkipMigration {
			if err := c.adopt(ctx, resource, manifest, o.MigrateFrom); err != nil {
				return nil, c.explain("adopting", object.KeyOf(manifest), err)
			}
		}
		answer, err = c.patchWithPorts(ctx, resource, manifest, whole, o)
	}
	if err != nil && o.Force && !o.DryRun && (apierrors.IsInvalid(err) || apierrors.IsConflict(err)) {
		answer, err = c.recreate(ctx, resource, whole, o)
	}
	if err != nil {
		return nil, c.explain("applying", object.KeyOf(manifest), err)
	}
	if !o.DryRun {
		c.wrote(answer, c.store.putWritten)
	}
	return answer, nil
}

// patch is the server-side apply itself.
func (c *Cluster) patch(ctx context.Context, resource dynamic.ResourceInterface, manifest *unstructured.Unstructured, o ApplyOptions) (*unstructured.Unstructured, error) {
	answer, err := c.patchOnce(ctx, resource, manifest, o)
	if !isUntyped(err) {
		return answer, err
	}
	if manifest, err = c.fit(ctx, resource, manifest, o, err); err != nil {
		return nil, err
	}
	return c.patchOnce(ctx, resource, manifest, o)
}

func (c *Cluster) patchOnce(ctx context.Context, resource dynamic.ResourceInterface, manifest *unstructured.Unstructured, o ApplyOptions) (*unstructured.Unstructured, error) {
	body, err := manifest.MarshalJSON()
	if err != nil {
		return nil, err
	}
	force := true
	options := metav1.PatchOptions{FieldManager: diff.Manager, Force: &force, FieldValidation: validation(o)}
	if o.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return resource.Patch(ctx, manifest.GetName(), types.ApplyPatchType, body, options)
}

func validation(o ApplyOptions) string {
	if o.SkipValidation {
		return metav1.FieldValidationIgnore
	}
	return metav1.FieldValidationStrict
}

// replaceObject updates what is there, whatever its version, or creates it.
func (c *Cluster) replaceObject(ctx context.Context, resource dynamic.ResourceInterface, manifest *unstructured.Unstructured, o ApplyOptions) (*unstructured.Unstructured, error) {
	var dryRun []string
	if o.DryRun {
		dryRun = []string{metav1.DryRunAll}
	}
	manifest = manifest.DeepCopy()
	live, err := resource.Get(ctx, manifest.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return resource.Create(ctx, manifest, metav1.CreateOptions{FieldManager: diff.Manager, DryRun: dryRun, FieldValidation: validation(o)})
	}
	if err != nil {
		return nil, err
	}
	manifest.SetResourceVersion(live.GetResourceVersion())
	return resource.Update(ctx, manifest, metav1.UpdateOptions{FieldManager: diff.Manager, DryRun: dryRun, FieldValidation: validation(o)})
}

// recreate deletes the object, waits until it is gone, and creates it.
func (c *Cluster) recreate(ctx context.Context, resource dynamic.ResourceInterface, manifest *unstructured.Unstructured, o ApplyOptions) (*unstructured.Unstructured, error) {
	propagation := metav1.DeletePropagationForeground
	if err := resource.Delete(ctx, manifest.GetName(), metav1.DeleteOptions{PropagationPolicy: &propagation}); err != nil && !apierrors.IsNotFound(err) {
		return nil, err
	}
	err := until(ctx, func() (bool, error) {
		_, err := resource.Get(ctx, manifest.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for its deletion: %w", err)
	}
	distinct, _ := object.Distinct(manifest)
	return c.patchWithPorts(ctx, resource, distinct, manifest, ApplyOptions{SkipValidation: o.SkipValidation})
}

// until asks again every tenth of a second; the context bounds it.
func until(ctx context.Context, done func() (bool, error)) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// adopt hands the fields of an object that was made by client-side apply (kubectl's, or Argo CD's) over to us, so that
// fields that the manifest loses are taken away. It asks nothing of the API server for objects that are ours or new.
func (c *Cluster) adopt(ctx context.Context, resource dynamic.ResourceInterface, manifest *unstructured.Unstructured, from string) error {
	live, exists := c.Live(object.KeyOf(manifest))
	if !exists || live != nil && slices.ContainsFunc(live.GetManagedFields(), diff.Ours) {
		return nil
	}
	whole, err := resource.Get(ctx, manifest.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && slices.ContainsFunc(whole.GetManagedFields(), diff.Ours) {
		return nil
	}
	if err != nil {
		return err
	}
	clientSide := sets.New("kubectl-client-side-apply", "kubectl", diff.Manager)
	if from != "" {
		clientSide.Insert(from)
	}
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(whole, clientSide, diff.Manager)
	if err != nil || patch == nil {
		return err
	}
	_, err = resource.Patch(ctx, manifest.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{})
	return err
}

// wrote lets the cache know the answer to a write, by put if applications are to be told of it.
func (c *Cluster) wrote(answer *unstructured.Unstructured, take func(*node)) {
	if answer.GroupVersionKind().GroupKind() == (schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}) {
		c.kinds.invalidate()
	}
	if c.running(answer.GroupVersionKind().GroupKind(), true) != nil {
		take(c.store.whole(answer))
	}
}

// Create makes an object that must not exist yet, such as a hook.
func (c *Cluster) Create(ctx context.Context, manifest *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	ctx, cancel := c.request(ctx)
	defer cancel()
	resource, err := c.resource(ctx, manifest.GroupVersionKind(), manifest.GetNamespace())
	if err != nil {
		return nil, err
	}
	answer, err := resource.Create(ctx, manifest, metav1.CreateOptions{FieldManager: diff.Manager, FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		return nil, c.explain("creating", object.KeyOf(manifest), err)
	}
	c.wrote(answer, c.store.putWritten)
	return answer, nil
}

// CreateByAction makes an object that a person's action asks for, or has the API server only check it. Unlike with what
// is deployed, fields that the API server doesn't know are dropped: so it is with Argo CD, whose scripts count on it.
func (c *Cluster) CreateByAction(ctx context.Context, manifest *unstructured.Unstructured, dryRun bool) error {
	ctx, cancel := c.request(ctx)
	defer cancel()
	resource, err := c.resource(ctx, manifest.GroupVersionKind(), manifest.GetNamespace())
	if err != nil {
		return err
	}
	options := metav1.CreateOptions{FieldManager: "fairlead"}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	answer, err := resource.Create(ctx, manifest, options)
	if err != nil {
		return c.explain("creating", object.KeyOf(manifest), err)
	}
	if !dryRun {
		c.wrote(answer, c.store.put)
	}
	return nil
}

// Delete deletes an object; one that isn't there is no error. Propagation is foreground, background, orphan, force
// (background, with no grace for pods), or empty for the kind's own. A UID makes sure that it is that object, and not another of the same name.
func (c *Cluster) Delete(ctx context.Context, gvk schema.GroupVersionKind, key object.Key, propagation string, uid types.UID) error {
	ctx, cancel := c.request(ctx)
	defer cancel()
	resource, err := c.resource(ctx, gvk, key.Namespace)
	if err != nil {
		return err
	}
	var options metav1.DeleteOptions
	switch strings.ToLower(propagation) {
	case "foreground":
		policy := metav1.DeletePropagationForeground
		options.PropagationPolicy = &policy
	case "background":
		policy := metav1.DeletePropagationBackground
		options.PropagationPolicy = &policy
	case "orphan":
		policy := metav1.DeletePropagationOrphan
		options.PropagationPolicy = &policy
	case "force":
		policy, now := metav1.DeletePropagationBackground, int64(0)
		options.PropagationPolicy, options.GracePeriodSeconds = &policy, &now
	}
	if uid != "" {
		options.Preconditions = &metav1.Preconditions{UID: &uid}
	}
	err = resource.Delete(ctx, key.Name, options)
	if err != nil && !apierrors.IsNotFound(err) && !(uid != "" && apierrors.IsConflict(err)) {
		return c.explain("deleting", key, err)
	}
	return nil
}

// Get asks the API server for an object, past the cache; nil if there is none.
func (c *Cluster) Get(ctx context.Context, gvk schema.GroupVersionKind, key object.Key) (*unstructured.Unstructured, error) {
	ctx, cancel := c.request(ctx)
	defer cancel()
	resource, err := c.resource(ctx, gvk, key.Namespace)
	if err != nil {
		return nil, err
	}
	u, err := resource.Get(ctx, key.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, c.explain("reading", key, err)
	}
	return u, nil
}

// Patch changes an object, or a subresource of it ("status"), by a patch of the given type. A Change tells of it.
func (c *Cluster) Patch(ctx context.Context, u *unstructured.Unstructured, kind types.PatchType, body []byte, subresources ...string) (*unstructured.Unstructured, error) {
	ctx, cancel := c.request(ctx)
	defer cancel()
	resource, err := c.resource(ctx, u.GroupVersionKind(), u.GetNamespace())
	if err != nil {
		return nil, err
	}
	answer, err := resource.Patch(ctx, u.GetName(), kind, body, metav1.PatchOptions{FieldManager: "fairlead"}, subresources...)
	if err != nil {
		return nil, c.explain("patching", object.KeyOf(u), err)
	}
	c.wrote(answer, c.store.put)
	return answer, nil
}

// explain says what was tried with what, and where. What the API server says of a Secret may quote its data, which is
// left out.
func (c *Cluster) explain(doing string, key object.Key, err error) error {
	var status apierrors.APIStatus
	if key.Group == "" && key.Kind == "Secret" && errors.As(err, &status) && apierrors.IsInvalid(err) {
		return &apierrors.StatusError{ErrStatus: metav1.Status{
			Status: metav1.StatusFailure, Code: status.Status().Code, Reason: status.Status().Reason,
			Message: fmt.Sprintf("%s %s in cluster %q: the API server finds its data invalid", doing, key, c.settings.Name),
		}}
	}
	return fmt.Errorf("%s %s in cluster %q: %w", doing, key, c.settings.Name, err)
}
