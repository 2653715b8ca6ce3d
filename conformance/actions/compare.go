package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// stamps are what now looks like in objects.
var stamps = []string{now.Format(time.RFC3339), now.Format("2006-01-02T15:04:05"), now.Format("200601021504"), now.Format("0601021504")}

// compare tells where an object differs from the expected one. Numbers compare by value, null is like nothing, and what
// holds the time may be anything; with more, so may what the expected object doesn't mention.
func compare(path string, want, got any, more bool) []string {
	if text, ok := got.(string); ok && slices.ContainsFunc(stamps, func(stamp string) bool { return strings.Contains(text, stamp) }) {
		return nil
	}
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			break
		}
		keys := maps.Clone(want)
		if !more {
			maps.Copy(keys, object)
		}
		var differences []string
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			differences = append(differences, compare(path+"/"+key, want[key], object[key], more)...)
		}
		return differences
	case []any:
		items, ok := got.([]any)
		if !ok || len(items) != len(want) {
			break
		}
		var differences []string
		for i := range want {
			differences = append(differences, compare(fmt.Sprintf("%s/%d", path, i), want[i], items[i], more)...)
		}
		return differences
	default:
		if fmt.Sprint(want) == fmt.Sprint(got) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: is %v, want %v", path, got, want)}
}
