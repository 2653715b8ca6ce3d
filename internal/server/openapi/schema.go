package openapi

import (
	"encoding/json"
	"path"
	"reflect"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// known are types that encode themselves, and what comes out.
var known = map[reflect.Type]map[string]any{
	reflect.TypeFor[metav1.Time]():            {"type": "string", "format": "date-time"},
	reflect.TypeFor[metav1.MicroTime]():       {"type": "string", "format": "date-time"},
	reflect.TypeFor[metav1.Duration]():        {"type": "string"},
	reflect.TypeFor[resource.Quantity]():      {"type": "string"},
	reflect.TypeFor[intstr.IntOrString]():     {"type": "string", "format": "int-or-string"},
	reflect.TypeFor[metav1.FieldsV1]():        {"type": "object"},
	reflect.TypeFor[runtime.RawExtension]():   {"type": "object"},
	reflect.TypeFor[json.RawMessage]():        {"type": "object"},
	reflect.TypeFor[apiextensionsv1.JSON]():   {"type": "object"},
	reflect.TypeFor[map[string]interface{}](): {"type": "object"},
}

func reference(name string) map[string]any { return map[string]any{"$ref": "#/definitions/" + name} }

func indirect(typ reflect.Type) reflect.Type {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	return typ
}

var marshaler = reflect.TypeFor[json.Marshaler]()

// schema describes a type; what encodes itself and isn't known can be anything.
func (b *builder) schema(typ reflect.Type) map[string]any {
	typ = indirect(typ)
	if s, ok := known[typ]; ok {
		return copyOf(s)
	}
	if typ.Implements(marshaler) || reflect.PointerTo(typ).Implements(marshaler) {
		return map[string]any{}
	}
	switch typ.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int32, reflect.Uint32, reflect.Int16, reflect.Uint16, reflect.Int8, reflect.Uint8:
		return map[string]any{"type": "integer", "format": "int32"}
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64:
		return map[string]any{"type": "integer", "format": "int64"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number", "format": "double"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Slice, reflect.Array:
		if typ.Elem().Kind() == reflect.Uint8 {
			return map[string]any{"type": "string", "format": "byte"}
		}
		return map[string]any{"type": "array", "items": b.schema(typ.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": b.schema(typ.Elem())}
	case reflect.Struct:
		return b.structure(typ)
	}
	return map[string]any{}
}

// structure refers to a struct's definition, and makes it when it is first met: types refer to themselves.
func (b *builder) structure(typ reflect.Type) map[string]any {
	if name, done := b.names[typ]; done {
		return reference(name)
	}
	name := b.name(typ)
	b.names[typ] = name
	properties := map[string]any{}
	definition := map[string]any{"type": "object"}
	b.definitions[name] = definition
	for _, field := range fields(typ) {
		properties[field.name] = b.schema(field.typ)
	}
	if len(properties) > 0 {
		definition["properties"] = properties
	}
	return reference(name)
}

// name is the definition's: the last part of the Go package and the type, v1alpha1Application. Messages of the API itself are in
// one Go package; they have the proto package of the call in which they first occur.
func (b *builder) name(typ reflect.Type) string {
	typ = indirect(typ)
	if name, done := b.names[typ]; done {
		return name
	}
	pkg := path.Base(typ.PkgPath())
	if pkg == "protocol" {
		pkg = b.pkg
	}
	name := pkg + strings.NewReplacer("[", "", "]", "", ".", "", "/", "", "*", "").Replace(typ.Name())
	for unique := name; ; unique += "_" {
		if _, taken := b.definitions[unique]; !taken {
			return unique
		}
	}
}

// field is one of a struct, by its name in JSON.
type field struct {
	name string
	typ  reflect.Type
}

// fields are those that encoding/json writes, with those of embedded structs.
func fields(typ reflect.Type) (all []field) {
	typ = indirect(typ)
	if typ.Kind() != reflect.Struct {
		return nil
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && name == "":
			all = append(all, fields(f.Type)...)
		case name == "":
			all = append(all, field{f.Name, f.Type})
		default:
			all = append(all, field{name, f.Type})
		}
	}
	return all
}

func fieldNamed(typ reflect.Type, name string) (reflect.Type, bool) {
	for _, f := range fields(typ) {
		if f.name == name {
			return f.typ, true
		}
	}
	return nil, false
}

func copyOf(schema map[string]any) map[string]any {
	c := make(map[string]any, len(schema))
	for key, value := range schema {
		c[key] = value
	}
	return c
}
