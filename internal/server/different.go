package server

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// differentSpec is upstream's refusal to replace what exists already.
func differentSpec(kind string, keys []string) error {
	text := fmt.Sprintf("existing %s spec is different; use upsert flag to force update", kind)
	if len(keys) > 0 {
		text += fmt.Sprintf("; difference in keys %q", strings.Join(keys, ","))
	}
	return invalid(text)
}

// differentFields names the fields in which two values of one type differ, with the fields and places that lead there, in
// upstream's form: names of Go fields in one flat list. Values are not in it. What is empty and what is missing are equal.
func differentFields(a, b any) []string {
	return differences(nil, reflect.ValueOf(a), reflect.ValueOf(b))
}

func differences(path []string, a, b reflect.Value) []string {
	for a.Kind() == reflect.Pointer || a.Kind() == reflect.Interface {
		if a.IsNil() || b.IsNil() {
			if a.IsNil() == b.IsNil() {
				return nil
			}
			return path
		}
		a, b = a.Elem(), b.Elem()
	}
	at := func(part string) []string { return append(path[:len(path):len(path)], part) }
	var keys []string
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if field := a.Type().Field(i); field.IsExported() {
				keys = append(keys, differences(at(field.Name), a.Field(i), b.Field(i))...)
			}
		}
	case reflect.Slice:
		for i := range max(a.Len(), b.Len()) {
			if i >= a.Len() || i >= b.Len() {
				keys = append(keys, at(strconv.Itoa(i))...)
				continue
			}
			keys = append(keys, differences(at(strconv.Itoa(i)), a.Index(i), b.Index(i))...)
		}
	default:
		if a.Kind() == reflect.Map && a.Len() == 0 && b.Len() == 0 {
			return nil
		}
		if !reflect.DeepEqual(a.Interface(), b.Interface()) {
			return path
		}
	}
	return keys
}
