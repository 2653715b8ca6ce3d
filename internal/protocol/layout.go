package protocol

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// kind is how one value looks on the wire.
type kind uint8

const (
	kindBool kind = iota
	kindInt
	kindUint
	kindString
	kindBytes
	kindMessage // a struct with a layout
	kindForeign // a struct that encodes itself
)

func (k kind) wireType() protowire.Type {
	if k <= kindUint {
		return protowire.VarintType
	}
	return protowire.BytesType
}

// shape is how often a value occurs and where it is kept.
type shape uint8

const (
	shapeSingle  shape = iota
	shapePointer       // nil means absent
	shapeList
	shapeMap
)

// value describes one value: a field's, a list's element, a map's key or value.
type value struct {
	kind kind
	// typ is the type without pointer; pointer says that the element of a list is *typ.
	typ     reflect.Type
	pointer bool
	// layout is set for kindMessage. It may be incomplete while layouts are being made, because messages are recursive.
	layout *layout
}

// field is one field of a message.
type field struct {
	number protowire.Number
	name   string
	index  int
	shape  shape
	value  value
	key    value // of a map
	// required fields are written even when zero, because upstream's readers insist on them.
	required bool
	// wrapped fields sit in field 1 of a message of their own (upstream's OptionalMap and OptionalArray).
	wrapped bool
}

// layout is the wire form of a struct, read once from its tags.
type layout struct {
	typ      reflect.Type
	fields   []field
	byNumber map[protowire.Number]*field
	byName   map[string]*field
}

var (
	layouts     sync.Map // reflect.Type → *layout
	foreignType = reflect.TypeFor[foreign]()
)

// layoutOf reads the tags of a struct, and of the structs in it.
func layoutOf(t reflect.Type) (*layout, error) {
	if known, ok := layouts.Load(t); ok {
		return known.(*layout), nil
	}
	making := map[reflect.Type]*layout{}
	made, err := makeLayout(t, making)
	if err != nil {
		return nil, err
	}
	for typ, l := range making {
		layouts.LoadOrStore(typ, l)
	}
	return made, nil
}

func makeLayout(t reflect.Type, making map[reflect.Type]*layout) (*layout, error) {
	if known, ok := making[t]; ok {
		return known, nil
	}
	l := &layout{typ: t, byNumber: map[protowire.Number]*field{}, byName: map[string]*field{}}
	making[t] = l
	for i := range t.NumField() {
		structField := t.Field(i)
		tag, tagged := structField.Tag.Lookup("protobuf")
		if !tagged || !structField.IsExported() {
			continue
		}
		f, err := makeField(structField, tag, making)
		if err != nil {
			return nil, fmt.Errorf("reading the tag of %s.%s: %w", t.Name(), structField.Name, err)
		}
		f.index = i
		l.fields = append(l.fields, f)
	}
	for i := range l.fields {
		f := &l.fields[i]
		if other, taken := l.byNumber[f.number]; taken {
			return nil, fmt.Errorf("reading the tags of %s: fields %s and %s have the same number", t.Name(), other.name, f.name)
		}
		l.byNumber[f.number], l.byName[f.name] = f, f
	}
	return l, nil
}

// makeField reads a tag of the form that protobuf generators write: wire type, number, label, name=….
func makeField(structField reflect.StructField, tag string, making map[reflect.Type]*layout) (field, error) {
	parts := strings.Split(tag, ",")
	if len(parts) < 3 {
		return field{}, fmt.Errorf("%q lacks wire type, number or label", tag)
	}
	number, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil || !protowire.Number(number).IsValid() {
		return field{}, fmt.Errorf("%q has no valid number", tag)
	}
	f := field{number: protowire.Number(number), name: structField.Name, required: parts[2] == "req"}
	for _, part := range parts[3:] {
		if name, ok := strings.CutPrefix(part, "name="); ok {
			f.name = name
		}
		f.wrapped = f.wrapped || part == "wrapped"
	}
	t := structField.Type
	switch {
	case t.Kind() == reflect.Map:
		f.shape = shapeMap
		if f.key, err = makeValue(t.Key(), making); err != nil {
			return field{}, err
		}
		f.value, err = makeValue(t.Elem(), making)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		f.shape = shapeList
		f.value, err = makeValue(t.Elem(), making)
	case t.Kind() == reflect.Pointer:
		f.shape = shapePointer
		f.value, err = makeValue(t.Elem(), making)
	default:
		f.value, err = makeValue(t, making)
	}
	if err != nil {
		return field{}, err
	}
	isNumber := f.shape != shapeMap && f.value.kind.wireType() == protowire.VarintType
	if (parts[0] == "varint") != isNumber {
		return field{}, fmt.Errorf("%q doesn't suit type %s", tag, t)
	}
	return f, nil
}

func makeValue(t reflect.Type, making map[reflect.Type]*layout) (value, error) {
	v := value{typ: t}
	if t.Kind() == reflect.Pointer {
		v.pointer, v.typ = true, t.Elem()
	}
	switch v.typ.Kind() {
	case reflect.Bool:
		v.kind = kindBool
	case reflect.Int32, reflect.Int64:
		v.kind = kindInt
	case reflect.Uint32, reflect.Uint64:
		v.kind = kindUint
	case reflect.String:
		v.kind = kindString
	case reflect.Slice:
		if v.typ.Elem().Kind() != reflect.Uint8 {
			return v, fmt.Errorf("lists of %s aren't supported", t)
		}
		v.kind = kindBytes
	case reflect.Struct:
		if encodesItself(v.typ) {
			v.kind = kindForeign
			return v, nil
		}
		v.kind = kindMessage
		var err error
		v.layout, err = makeLayout(v.typ, making)
		return v, err
	default:
		return v, fmt.Errorf("type %s isn't supported", t)
	}
	return v, nil
}

// encodesItself tells whether a struct is foreign in its own right, and not because it embeds a foreign struct.
func encodesItself(t reflect.Type) bool {
	if !reflect.PointerTo(t).Implements(foreignType) {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct && reflect.PointerTo(f.Type).Implements(foreignType) {
			return false
		}
	}
	return true
}
