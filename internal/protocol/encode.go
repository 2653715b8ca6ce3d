package protocol

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// append writes the fields of a struct in the order of its declaration.
func (l *layout) append(b []byte, message reflect.Value, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("encoding %s: more than %d messages inside one another", l.typ.Name(), maxDepth)
	}
	var err error
	for i := range l.fields {
		f := &l.fields[i]
		if b, err = f.append(b, message.Field(f.index), depth); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (f *field) append(b []byte, v reflect.Value, depth int) ([]byte, error) {
	if f.wrapped {
		if v.IsZero() {
			return b, nil
		}
		inner := *f
		inner.number, inner.wrapped = 1, false
		return appendDelimited(protowire.AppendTag(b, f.number, protowire.BytesType), func(b []byte) ([]byte, error) {
			return inner.append(b, v, depth)
		})
	}
	switch f.shape {
	case shapePointer:
		if v.IsNil() {
			return b, nil
		}
		return f.value.append(b, f.number, v.Elem(), depth)
	case shapeList:
		var err error
		start, length := len(b), v.Len()
		for i := range length {
			if i == sample && f.value.kind == kindMessage {
				b = slices.Grow(b, expected(len(b)-start, length))
			}
			element := v.Index(i)
			if f.value.pointer {
				if element.IsNil() {
					continue
				}
				element = element.Elem()
			}
			if b, err = f.value.append(b, f.number, element, depth); err != nil {
				return nil, err
			}
		}
		return b, nil
	case shapeMap:
		return f.appendMap(b, v, depth)
	default:
		if !f.required && v.IsZero() {
			return b, nil
		}
		return f.value.append(b, f.number, v, depth)
	}
}

// sample is how many elements of a list are written before the size of the others is guessed from theirs. A buffer that grows
// to a list of ten thousand applications bit by bit is copied, and thrown away, several times over.
const sample = 64

// expected is how much room the rest of a list takes, a tenth more than the sample lets expect.
func expected(sampled, length int) int { return sampled / sample * (length - sample) / 10 * 11 }

// appendMap writes each entry as a message of key (1) and value (2), sorted by key, so that equal messages are equal
// bytes.
func (f *field) appendMap(b []byte, v reflect.Value, depth int) ([]byte, error) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	var err error
	for _, key := range keys {
		entry := v.MapIndex(key)
		if f.value.pointer {
			if entry.IsNil() {
				continue
			}
			entry = entry.Elem()
		}
		b, err = appendDelimited(protowire.AppendTag(b, f.number, protowire.BytesType), func(b []byte) ([]byte, error) {
			b, err := f.key.append(b, 1, key, depth)
			if err != nil {
				return nil, err
			}
			return f.value.append(b, 2, entry, depth)
		})
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (value *value) append(b []byte, number protowire.Number, v reflect.Value, depth int) ([]byte, error) {
	b = protowire.AppendTag(b, number, value.kind.wireType())
	switch value.kind {
	case kindBool:
		return protowire.AppendVarint(b, protowire.EncodeBool(v.Bool())), nil
	case kindInt:
		return protowire.AppendVarint(b, uint64(v.Int())), nil
	case kindUint:
		return protowire.AppendVarint(b, v.Uint()), nil
	case kindString:
		return protowire.AppendString(b, v.String()), nil
	case kindBytes:
		return protowire.AppendBytes(b, v.Bytes()), nil
	case kindForeign:
		encoded, err := addressable(v).Interface().(foreign).Marshal()
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", value.typ.Name(), err)
		}
		return protowire.AppendBytes(b, encoded), nil
	default:
		return appendDelimited(b, func(b []byte) ([]byte, error) { return value.layout.append(b, v, depth+1) })
	}
}

// addressable returns a pointer to a value, to a copy of it where the value has no address (in a map).
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v.Addr()
	}
	pointer := reflect.New(v.Type())
	pointer.Elem().Set(v)
	return pointer
}

// appendDelimited appends what inner appends, with its length in front. The length is guessed to be one byte, as it
// mostly is; otherwise the content moves.
func appendDelimited(b []byte, inner func([]byte) ([]byte, error)) ([]byte, error) {
	start := len(b)
	b, err := inner(append(b, 0))
	if err != nil {
		return nil, err
	}
	size := len(b) - start - 1
	if extra := protowire.SizeVarint(uint64(size)) - 1; extra > 0 {
		for range extra {
			b = append(b, 0)
		}
		copy(b[start+1+extra:], b[start+1:start+1+size])
	}
	protowire.AppendVarint(b[:start], uint64(size))
	return b, nil
}
