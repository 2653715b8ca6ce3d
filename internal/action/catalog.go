package action

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"fairlead.dev/fairlead/internal/protocol"
)

// Catalog are the actions there are. A nil Catalog has the built-in ones.
type Catalog struct{ custom map[string]*Custom }

// NewCatalog makes a Catalog of an operator's actions by kind, as argocd-cm writes kinds.
func NewCatalog(custom map[string]*Custom) *Catalog { return &Catalog{custom} }

func (c *Catalog) customOf(kind schema.GroupKind) *Custom {
	if c == nil {
		return nil
	}
	if kind.Group == "" {
		return c.custom[kind.Kind]
	}
	return c.custom[kind.Group+"/"+kind.Kind]
}

// Discover tells which actions an object has, those that its state doesn't allow disabled: the operator's by name, and
// the built-in ones where the operator wrote none or wants both. An operator's action wins over a built-in one of its
// name. The error is that of the operator's script.
func (c *Catalog) Discover(object *unstructured.Unstructured) ([]*protocol.ResourceAction, error) {
	kind := object.GroupVersionKind().GroupKind()
	custom := c.customOf(kind)
	if custom == nil {
		return discoverBuiltin(kind, object.Object), nil
	}
	found, err := custom.discover(object.Object)
	if err != nil {
		return nil, fmt.Errorf("discovering actions of %s '%s': %w", object.GetKind(), object.GetName(), err)
	}
	if custom.mergeBuiltin {
		for _, builtin := range discoverBuiltin(kind, object.Object) {
			if found[builtin.Name] == nil {
				found[builtin.Name] = builtin
			}
		}
	}
	actions := make([]*protocol.ResourceAction, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		actions = append(actions, found[name])
	}
	return actions, nil
}

func discoverBuiltin(kind schema.GroupKind, object map[string]any) []*protocol.ResourceAction {
	var actions []*protocol.ResourceAction
	for _, b := range builtinOf(kind) {
		a := &protocol.ResourceAction{Name: b.name, DisplayName: b.display, IconClass: b.icon}
		for _, name := range b.params {
			a.Params = append(a.Params, protocol.ResourceActionParam{Name: name})
		}
		if b.offer == nil || b.offer(object, a) {
			actions = append(actions, a)
		}
	}
	return actions
}

// Run tells what an action changes. A built-in one runs also where the operator's discovery leaves it out, as in Argo CD:
// whether a person may is a question of policies. The object isn't changed. The error says that there is no such action,
// or is the action's own.
func (c *Catalog) Run(object *unstructured.Unstructured, name string, params map[string]string, now time.Time) ([]Change, error) {
	kind := object.GroupVersionKind().GroupKind()
	if custom := c.customOf(kind); custom != nil && custom.actions[name] != nil {
		return custom.run(object, name, params)
	}
	for _, b := range builtinOf(kind) {
		if b.name != name {
			continue
		}
		copied := object.DeepCopy()
		if b.create != nil {
			return []Change{{Operation: Create, Object: &unstructured.Unstructured{Object: b.create(copied, now)}}}, nil
		}
		if err := b.change(copied.Object, input{now: now, params: params}); err != nil {
			return nil, err
		}
		return []Change{{Operation: Patch, Object: copied}}, nil
	}
	return nil, fmt.Errorf("the action %s isn't known for %s", name, object.GetKind())
}
