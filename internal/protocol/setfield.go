package protocol

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// ErrNoField is wrapped by SetField's error for a path that the message hasn't.
var ErrNoField = errors.New("no such field")

// FieldOf returns a pointer to the field of a message that a path of names names, such as "application.metadata.name",
// making the messages on the way. It is how REST paths, queries and bodies find their places in requests.
func FieldOf(message any, path string) (any, error) {
	v := reflect.ValueOf(message)
	for _, name := range strings.Split(path, ".") {
		for v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		next, ok := namedField(v, name)
		if !ok {
			return nil, fmt.Errorf("%w: %q", ErrNoField, path)
		}
		v = next
	}
	return v.Addr().Interface(), nil
}

// SetField sets a field from the text of a URL: a scalar from the last value, a list from all.
func SetField(message any, path string, values []string) error {
	pointer, err := FieldOf(message, path)
	if err != nil {
		return err
	}
	v := reflect.ValueOf(pointer).Elem()
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8 {
		list := reflect.MakeSlice(v.Type(), len(values), len(values))
		for i, value := range values {
			if err := setText(list.Index(i), value); err != nil {
				return fmt.Errorf("reading %s: %w", path, err)
			}
		}
		v.Set(list)
		return nil
	}
	if len(values) == 0 {
		return nil
	}
	if err := setText(v, values[len(values)-1]); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// namedField finds a field by the name in its protobuf or json tag; those of inlined structs count as the struct's own.
func namedField(v reflect.Value, name string) (reflect.Value, bool) {
	if v.Kind() != reflect.Struct {
		return reflect.Value{}, false
	}
	for i := range v.NumField() {
		structField := v.Type().Field(i)
		if !structField.IsExported() {
			continue
		}
		jsonName, options, _ := strings.Cut(structField.Tag.Get("json"), ",")
		if jsonName == name || protoName(structField.Tag.Get("protobuf")) == name {
			return v.Field(i), true
		}
		if structField.Anonymous && jsonName == "" && strings.Contains(options, "inline") {
			if inner, ok := namedField(v.Field(i), name); ok {
				return inner, true
			}
		}
	}
	return reflect.Value{}, false
}

func protoName(tag string) string {
	_, rest, _ := strings.Cut(tag, "name=")
	name, _, _ := strings.Cut(rest, ",")
	return name
}

func setText(v reflect.Value, text string) error {
	if v.Kind() == reflect.Pointer {
		pointer := reflect.New(v.Type().Elem())
		if err := setText(pointer.Elem(), text); err != nil {
			return err
		}
		v.Set(pointer)
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
		return nil
	case reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q isn't a number", text)
		}
		v.SetInt(n)
		return nil
	}
	if time, ok := v.Addr().Interface().(interface{ UnmarshalQueryParameter(string) error }); ok {
		return time.UnmarshalQueryParameter(text)
	}
	if unmarshaler, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return unmarshaler.UnmarshalText([]byte(text))
	}
	return fmt.Errorf("a value of type %s can't be given in a URL", v.Type())
}
