package diff

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Known says of a field of a custom resource that it is of a type which Kubernetes itself has. The API server stores custom
// resources as they were written; so whether 2000m is 2 there, only who knows the type can tell. The zero value is no field.
type Known struct {
	// steps lead to the field. Lists on the way, and the last, are of such values.
	steps []string
	typ   reflect.Type
	name  string
}

// NewKnown takes what argocd-cm's knownTypeFields say: a path with dots, and a type's name, such as core/v1/PodSpec,
// core/v1/ResourceList, core/Quantity or meta/v1/Duration. An error says that there is no such type.
func NewKnown(field, typeName string) (Known, error) {
	typ, ok := knownTypes()[typeName]
	if !ok || field == "" {
		return Known{}, fmt.Errorf("field %q: type %q is not supported", field, typeName)
	}
	return Known{strings.Split(field, "."), typ, typeName}, nil
}

// rollouts are known without being told: an Argo Rollout's template is a pod's, as in Argo CD.
var rollouts = schema.GroupKind{Group: "argoproj.io", Kind: "Rollout"}

var podOfRollout = []Known{{[]string{"spec", "template", "spec"}, reflect.TypeFor[corev1.PodSpec](), "core/v1/PodSpec"}}

// knownTypes are all types of the core group, whole objects and their parts, and two that stand alone.
var knownTypes = sync.OnceValue(func() map[string]reflect.Type {
	types := map[string]reflect.Type{
		"core/Quantity": reflect.TypeFor[resource.Quantity](), "meta/v1/Duration": reflect.TypeFor[metav1.Duration](),
	}
	core := reflect.TypeFor[corev1.Pod]().PkgPath()
	seen := map[reflect.Type]bool{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		if t.PkgPath() == core && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map) {
			types["core/v1/"+t.Name()] = t
		}
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			add(t.Elem())
		case reflect.Struct:
			for i := range t.NumField() {
				add(t.Field(i).Type)
			}
		}
	}
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return types // adding types of one group can't clash
	}
	for _, t := range scheme.KnownTypes(corev1.SchemeGroupVersion) {
		add(t)
	}
	return types
})

// rewrite writes the field in the content as Kubernetes would, in place. What isn't of the type stays as it is.
func (k Known) rewrite(content any, steps []string) {
	if items, ok := content.([]any); ok {
		for i, item := range items {
			if len(steps) == 0 {
				items[i] = k.written(item)
			} else {
				k.rewrite(item, steps)
			}
		}
		return
	}
	fields, ok := content.(map[string]any)
	if !ok || len(steps) == 0 {
		return
	}
	child, ok := fields[steps[0]]
	if !ok {
		return
	}
	if _, list := child.([]any); len(steps) > 1 || list && k.typ.Kind() != reflect.Slice {
		k.rewrite(child, steps[1:])
		return
	}
	fields[steps[0]] = k.written(child)
}

func (k Known) written(content any) any {
	data, err := json.Marshal(content)
	if err != nil {
		return content
	}
	typed := reflect.New(k.typ).Interface()
	if json.Unmarshal(data, typed) != nil {
		return content
	}
	if data, err = json.Marshal(typed); err != nil {
		return content
	}
	var again any
	if err := json.Unmarshal(data, &again); err != nil {
		return content
	}
	return rewritten(content, again)
}

// rewritten takes from again the values of content, but neither adds what the type has by default nor loses what it doesn't know:
// a field of a newer Kubernetes counts too.
func rewritten(content, again any) any {
	switch old := content.(type) {
	case map[string]any:
		if fresh, ok := again.(map[string]any); ok {
			for name, child := range old {
				if other, ok := fresh[name]; ok {
					old[name] = rewritten(child, other)
				}
			}
		}
		return old
	case []any:
		if fresh, ok := again.([]any); ok && len(fresh) == len(old) {
			for i, child := range old {
				old[i] = rewritten(child, fresh[i])
			}
		}
		return old
	case nil:
		return nil
	}
	switch again.(type) {
	case string, bool:
		return again
	}
	return content // numbers are as they are
}

// knownOf is what is known of a kind's fields.
func (d Defaults) knownOf(kind schema.GroupKind) []Known {
	if known, told := d.Known[kind]; told {
		return known
	}
	if kind == rollouts {
		return podOfRollout
	}
	return nil
}
