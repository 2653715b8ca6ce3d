package protocol

import (
	"fmt"
	"reflect"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxDepth bounds how deep messages may sit in one another; the deepest real one is about 10.
const maxDepth = 64

// decoder is the decoding of one message; it counts down the elements that it may still make.
type decoder struct{ left int }

func (d *decoder) message(data []byte, into reflect.Value, l *layout, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: more than %d messages inside one another", ErrMalformed, maxDepth)
	}
	return eachField(data, func(number protowire.Number, typ protowire.Type, rest []byte) (int, error) {
		f, known := l.byNumber[number]
		if !known {
			return skip(number, typ, rest)
		}
		n, err := d.field(f, typ, rest, into.Field(f.index), depth)
		if err != nil {
			return 0, fmt.Errorf("field %s: %w", f.name, err)
		}
		return n, nil
	})
}

// eachField calls take with the number and type of each field and all that follows; take tells how much of it was the
// field's value.
func eachField(data []byte, take func(protowire.Number, protowire.Type, []byte) (int, error)) error {
	for len(data) > 0 {
		number, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			return fmt.Errorf("%w: %v", ErrMalformed, protowire.ParseError(n))
		}
		data = data[n:]
		n, err := take(number, typ, data)
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func skip(number protowire.Number, typ protowire.Type, data []byte) (int, error) {
	n := protowire.ConsumeFieldValue(number, typ, data)
	if n < 0 {
		return 0, fmt.Errorf("%w: field %d: %v", ErrMalformed, number, protowire.ParseError(n))
	}
	return n, nil
}

func delimited(typ protowire.Type, data []byte) ([]byte, int, error) {
	if typ != protowire.BytesType {
		return nil, 0, fmt.Errorf("%w: wire type %d where bytes are due", ErrMalformed, typ)
	}
	content, n := protowire.ConsumeBytes(data)
	if n < 0 {
		return nil, 0, fmt.Errorf("%w: %v", ErrMalformed, protowire.ParseError(n))
	}
	return content, n, nil
}

func (d *decoder) field(f *field, typ protowire.Type, data []byte, into reflect.Value, depth int) (int, error) {
	if f.wrapped {
		content, n, err := delimited(typ, data)
		if err != nil {
			return 0, err
		}
		inner := *f
		inner.wrapped = false
		return n, eachField(content, func(number protowire.Number, typ protowire.Type, rest []byte) (int, error) {
			if number != 1 {
				return skip(number, typ, rest)
			}
			return d.field(&inner, typ, rest, into, depth+1)
		})
	}
	switch f.shape {
	case shapePointer:
		if into.IsNil() {
			into.Set(reflect.New(f.value.typ))
		}
		return d.value(&f.value, typ, data, into.Elem(), depth)
	case shapeList:
		return d.list(f, typ, data, into, depth)
	case shapeMap:
		content, n, err := delimited(typ, data)
		if err != nil {
			return 0, err
		}
		return n, d.entry(f, content, into, depth)
	default:
		return d.value(&f.value, typ, data, into, depth)
	}
}

func (d *decoder) count() error {
	if d.left--; d.left < 0 {
		return fmt.Errorf("%w: too many elements", ErrMalformed)
	}
	return nil
}

// list appends one element, or several numbers in the packed form.
func (d *decoder) list(f *field, typ protowire.Type, data []byte, into reflect.Value, depth int) (int, error) {
	if f.value.kind.wireType() == protowire.VarintType && typ == protowire.BytesType {
		packed, n, err := delimited(typ, data)
		if err != nil {
			return 0, err
		}
		for len(packed) > 0 {
			m, err := d.element(f, protowire.VarintType, packed, into, depth)
			if err != nil {
				return 0, err
			}
			packed = packed[m:]
		}
		return n, nil
	}
	return d.element(f, typ, data, into, depth)
}

func (d *decoder) element(f *field, typ protowire.Type, data []byte, into reflect.Value, depth int) (int, error) {
	if err := d.count(); err != nil {
		return 0, err
	}
	element := reflect.New(f.value.typ)
	n, err := d.value(&f.value, typ, data, element.Elem(), depth)
	if err != nil {
		return 0, err
	}
	if !f.value.pointer {
		element = element.Elem()
	}
	into.Set(reflect.Append(into, element))
	return n, nil
}

func (d *decoder) entry(f *field, content []byte, into reflect.Value, depth int) error {
	if err := d.count(); err != nil {
		return err
	}
	key, entry := reflect.New(f.key.typ).Elem(), reflect.New(f.value.typ)
	err := eachField(content, func(number protowire.Number, typ protowire.Type, rest []byte) (int, error) {
		switch number {
		case 1:
			return d.value(&f.key, typ, rest, key, depth)
		case 2:
			return d.value(&f.value, typ, rest, entry.Elem(), depth)
		default:
			return skip(number, typ, rest)
		}
	})
	if err != nil {
		return err
	}
	if into.IsNil() {
		into.Set(reflect.MakeMap(into.Type()))
	}
	if !f.value.pointer {
		entry = entry.Elem()
	}
	into.SetMapIndex(key, entry)
	return nil
}

// value reads one value. Numbers that are too large for their type are cut, as protobuf prescribes.
func (d *decoder) value(v *value, typ protowire.Type, data []byte, into reflect.Value, depth int) (int, error) {
	if v.kind.wireType() == protowire.VarintType {
		if typ != protowire.VarintType {
			return 0, fmt.Errorf("%w: wire type %d where a number is due", ErrMalformed, typ)
		}
		number, n := protowire.ConsumeVarint(data)
		if n < 0 {
			return 0, fmt.Errorf("%w: %v", ErrMalformed, protowire.ParseError(n))
		}
		setNumber(v, number, into)
		return n, nil
	}
	content, n, err := delimited(typ, data)
	if err != nil {
		return 0, err
	}
	switch v.kind {
	case kindString:
		if !utf8.Valid(content) {
			return 0, fmt.Errorf("%w: text that isn't UTF-8", ErrMalformed)
		}
		into.SetString(string(content))
	case kindBytes:
		into.SetBytes(append([]byte{}, content...))
	case kindForeign:
		if err := d.foreign(content, into.Addr().Interface().(foreign)); err != nil {
			return 0, err
		}
	default:
		return n, d.message(content, into, v.layout, depth+1)
	}
	return n, nil
}

// maxForeign bounds a message that decodes itself, in bytes: an object's metadata, the largest of them, must fit into an API
// server, which takes 3 MiB.
const maxForeign = 4 << 20

// foreign lets a message decode itself. Its fields count as elements: an owner or a managed field is a hundred bytes in memory
// and two on the wire.
func (d *decoder) foreign(content []byte, into foreign) error {
	if len(content) > maxForeign {
		return fmt.Errorf("%w: more than %d bytes of metadata", ErrMalformed, maxForeign)
	}
	err := eachField(content, func(number protowire.Number, typ protowire.Type, rest []byte) (int, error) {
		if err := d.count(); err != nil {
			return 0, err
		}
		return skip(number, typ, rest)
	})
	if err != nil {
		return err
	}
	if err := into.Unmarshal(content); err != nil {
		return fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return nil
}

func setNumber(v *value, number uint64, into reflect.Value) {
	switch {
	case v.kind == kindBool:
		into.SetBool(protowire.DecodeBool(number))
	case v.kind == kindUint && v.typ.Kind() == reflect.Uint32:
		into.SetUint(uint64(uint32(number)))
	case v.kind == kindUint:
		into.SetUint(number)
	case v.typ.Kind() == reflect.Int32:
		into.SetInt(int64(int32(number)))
	default:
		into.SetInt(int64(number))
	}
}
