package app

import (
	"net/http"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// rememberingMapper remembers how kinds are served. Each read of the manager's cache asks whether its kind is namespaced, and the
// answer takes several times as long as the read. What isn't served yet is asked again, and what is served of the hub's kinds
// stays as it is.
type rememberingMapper struct {
	meta.RESTMapper
	mappings sync.Map // of kind and versions → *meta.RESTMapping
}

// newMapper is a manager's MapperProvider.
func newMapper(config *rest.Config, client *http.Client) (meta.RESTMapper, error) {
	inner, err := apiutil.NewDynamicRESTMapper(config, client)
	if err != nil {
		return nil, err
	}
	return &rememberingMapper{RESTMapper: inner}, nil
}

// RESTMapping is how a kind is served.
func (m *rememberingMapper) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	type question struct {
		kind     schema.GroupKind
		versions string
	}
	asked := question{kind, strings.Join(versions, ",")}
	if known, ok := m.mappings.Load(asked); ok {
		return known.(*meta.RESTMapping), nil
	}
	mapping, err := m.RESTMapper.RESTMapping(kind, versions...)
	if err == nil {
		m.mappings.Store(asked, mapping)
	}
	return mapping, err
}
