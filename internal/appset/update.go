package appset

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/diff"
)

// kept are annotations that others write on applications: they stay although no template has them.
var kept = []string{"notified.notifications.argoproj.io", v1alpha1.RefreshAnnotation, "argocd.argoproj.io/hydrate"}

// Kind is that of ApplicationSets.
const Kind = "ApplicationSet"

// Ignored is what an ApplicationSet leaves alone of its applications.
type Ignored struct{ rules *diff.Rules }

// NewIgnored reads ignoreApplicationDifferences; an error names the expression at fault.
func NewIgnored(list v1alpha1.ApplicationSetIgnoreDifferences) (Ignored, error) {
	var all []v1alpha1.ResourceIgnoreDifferences
	for _, item := range list {
		all = append(all, v1alpha1.ResourceIgnoreDifferences{
			Group: v1alpha1.GroupVersion.Group, Kind: "Application", Name: item.Name,
			JSONPointers: item.JSONPointers, JQPathExpressions: item.JQPathExpressions,
		})
	}
	rules, err := diff.Compile(all, diff.Defaults{})
	if err != nil {
		return Ignored{}, fmt.Errorf("failed to build ignore diff config: %w", err)
	}
	return Ignored{rules}, nil
}

// Created is a generated application as it is made: normalized, and owned by the set.
func Created(set *v1alpha1.ApplicationSet, generated *v1alpha1.Application) *v1alpha1.Application {
	application := generated.DeepCopy()
	normalize(&application.Spec)
	application.OwnerReferences = []metav1.OwnerReference{owner(set)}
	return application
}

func owner(set *v1alpha1.ApplicationSet) metav1.OwnerReference {
	return *metav1.NewControllerRef(set, v1alpha1.GroupVersion.WithKind(Kind))
}

// Updated is a live application as the set wants it, and whether that differs. What others write (status, preserved and
// ignored fields, finalizers of deletion hooks) stays. It is an error if another controller owns the application.
func (o Operator) Updated(set *v1alpha1.ApplicationSet, ignored Ignored, live, generated *v1alpha1.Application) (*v1alpha1.Application, bool, error) {
	if other := metav1.GetControllerOf(live); other != nil && other.UID != set.UID {
		//lint:ignore ST1005 Argo CD's text
		return nil, false, fmt.Errorf("Object %s/%s is already owned by another %s controller %s", live.Namespace, live.Name, other.Kind, other.Name)
	}
	want := generated.DeepCopy()
	normalize(&want.Spec)
	var annotations, labels []string
	if fields := set.Spec.PreservedFields; fields != nil {
		annotations, labels = fields.Annotations, fields.Labels
	}
	want.Annotations = preserve(want.Annotations, live.Annotations, annotations, o.Annotations, kept)
	want.Labels = preserve(want.Labels, live.Labels, labels, o.Labels)
	for _, finalizer := range live.Finalizers {
		if strings.HasPrefix(finalizer, v1alpha1.PreDeleteFinalizer) || strings.HasPrefix(finalizer, v1alpha1.PostDeleteFinalizer) {
			want.Finalizers = append(want.Finalizers, finalizer)
		}
	}
	want, err := ignored.keep(want, live)
	if err != nil {
		return nil, false, fmt.Errorf("failed to apply ignore differences: %w", err)
	}
	updated := live.DeepCopy()
	updated.Spec, updated.Annotations, updated.Labels, updated.Finalizers = want.Spec, want.Annotations, want.Labels, want.Finalizers
	if generated.Operation != nil {
		updated.Operation = generated.Operation.DeepCopy()
	}
	updated.OwnerReferences = adopt(live.OwnerReferences, owner(set))
	before := live.DeepCopy()
	normalize(&before.Spec)
	return updated, !equality.Semantic.DeepEqual(before, updated), nil
}

// Differs tells whether the spec of a live application is not what the set wants.
func (i Ignored) Differs(live, generated *v1alpha1.Application) (bool, error) {
	want := generated.DeepCopy()
	normalize(&want.Spec)
	want, err := i.keep(want, live)
	if err != nil {
		return false, err
	}
	have := live.DeepCopy()
	normalize(&have.Spec)
	return !equality.Semantic.DeepEqual(have.Spec, want.Spec), nil
}

// keep is what is wanted with the live values of what is ignored.
func (i Ignored) keep(want, live *v1alpha1.Application) (*v1alpha1.Application, error) {
	wanted, err := plain(want)
	if err != nil {
		return nil, err
	}
	ignore := i.rules.For(wanted)
	if ignore.Empty() {
		return want, nil
	}
	actual, err := plain(live)
	if err != nil {
		return nil, err
	}
	if wanted, err = ignore.Keep(wanted, actual); err != nil {
		return nil, err
	}
	result := &v1alpha1.Application{}
	if err := into(wanted.Object, result); err != nil {
		return nil, err
	}
	normalize(&result.Spec)
	return result, nil
}

// plain is the part of an application that a template can say.
func plain(application *v1alpha1.Application) (*unstructured.Unstructured, error) {
	said := v1alpha1.Application{Spec: application.Spec}
	said.Name, said.Namespace, said.Finalizers = application.Name, application.Namespace, application.Finalizers
	said.Labels, said.Annotations = application.Labels, application.Annotations
	data, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(data, &u.Object); err != nil {
		return nil, err
	}
	delete(u.Object, "status")
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Application"))
	return u, nil
}

func preserve(want, live map[string]string, lists ...[]string) map[string]string {
	for _, list := range lists {
		for _, key := range list {
			if value, ok := live[key]; ok {
				if want == nil {
					want = map[string]string{}
				}
				want[key] = value
			}
		}
	}
	return want
}

func adopt(references []metav1.OwnerReference, own metav1.OwnerReference) []metav1.OwnerReference {
	adopted := append([]metav1.OwnerReference(nil), references...)
	for i := range adopted {
		if adopted[i].UID == own.UID {
			adopted[i] = own
			return adopted
		}
	}
	return append(adopted, own)
}

// normalize gives one form to what means the same, as upstream's API does: what is empty is not there.
func normalize(spec *v1alpha1.ApplicationSpec) {
	spec.Project = spec.ProjectName()
	if spec.SyncPolicy != nil && equality.Semantic.DeepEqual(*spec.SyncPolicy, v1alpha1.SyncPolicy{}) {
		spec.SyncPolicy = nil
	}
	for i := range spec.Sources {
		normalizeSource(&spec.Sources[i])
	}
	if len(spec.Sources) == 0 && spec.Source != nil {
		normalizeSource(spec.Source)
	}
}

func normalizeSource(source *v1alpha1.ApplicationSource) {
	source.Kustomize = unlessZero(source.Kustomize)
	source.Helm = unlessZero(source.Helm)
	source.Directory = unlessZero(source.Directory)
}

func unlessZero[T any](value *T) *T {
	var zero T
	if value != nil && equality.Semantic.DeepEqual(*value, zero) {
		return nil
	}
	return value
}
