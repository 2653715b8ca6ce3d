package object

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Distinct is a manifest without the repetitions that client-side apply takes and server-side apply refuses: an environment
// variable, a container's port or a pull secret that is there twice. Of variables and secrets the last counts, as for the
// kubelet; ports become one. Repetitions tells what was left out. The manifest is returned as it is where nothing is
// repeated, and it keeps repetitions whose end would change what it means: a variable that another one uses before it is
// set again. The API server then refuses it. Of ports of one number with different names it has the first, without a word: see
// WithPorts.
func Distinct(u *unstructured.Unstructured) (distinct *unstructured.Unstructured, repetitions []string) {
	path := podSpecPath(u)
	if path == nil || !repeats(podSpec(u, path)) && !NamesPortsTwice(u) {
		return u, nil
	}
	distinct = u.DeepCopy()
	spec := podSpec(distinct, path)
	for _, list := range []string{"initContainers", "containers"} {
		for _, container := range named(spec[list]) {
			for field, once := range containerLists {
				repetitions = append(repetitions, shorten(container, field, once, fmt.Sprintf(" of container %v", container["name"]))...)
			}
			if ports, _ := container["ports"].([]any); namesTwice(ports) {
				container["ports"] = firstOfEach(ports)
			}
		}
	}
	repetitions = append(repetitions, shorten(spec, "imagePullSecrets", lastSecret, "")...)
	slices.Sort(repetitions)
	return distinct, repetitions
}

// once makes one of all items of a list that have the same key. It returns what is left, in order, and what was repeated;
// nothing of the latter if the list has to stay as it is.
type once func(items []any) (left []any, repeated []string)

var containerLists = map[string]once{"env": lastVariable, "ports": onePort}

// shorten replaces a list of the parent's, and says what was repeated.
func shorten(parent map[string]any, field string, once once, where string) (repetitions []string) {
	items, _ := parent[field].([]any)
	left, repeated := once(items)
	if len(repeated) == 0 {
		return nil
	}
	parent[field] = left
	for _, name := range repeated {
		repetitions = append(repetitions, field+" "+name+where+" is repeated, the last counts")
	}
	return repetitions
}

// repeats tells whether any of the lists has something twice.
func repeats(spec map[string]any) bool {
	for _, list := range []string{"initContainers", "containers"} {
		for _, container := range named(spec[list]) {
			for field, once := range containerLists {
				items, _ := container[field].([]any)
				if _, repeated := once(items); len(repeated) > 0 {
					return true
				}
			}
		}
	}
	secrets, _ := spec["imagePullSecrets"].([]any)
	_, repeated := lastSecret(secrets)
	return len(repeated) > 0
}

// named are the items of a list that are maps.
func named(list any) func(func(int, map[string]any) bool) {
	items, _ := list.([]any)
	return func(yield func(int, map[string]any) bool) {
		for i, item := range items {
			if m, ok := item.(map[string]any); ok && !yield(i, m) {
				return
			}
		}
	}
}

func lastVariable(items []any) (left []any, repeated []string) {
	left, repeated = lastNamed(items)
	for _, name := range repeated {
		if usedBefore(items, name) {
			return items, nil
		}
	}
	return left, repeated
}

// usedBefore tells whether a variable's value depends on a definition of another that isn't its last.
func usedBefore(items []any, name string) bool {
	defined, used := false, false
	for _, variable := range named(items) {
		value, _ := variable["value"].(string)
		used = used || defined && strings.Contains(value, "$("+name+")")
		if variable["name"] == name {
			if used {
				return true
			}
			defined = true
		}
	}
	return false
}

func lastSecret(items []any) (left []any, repeated []string) { return lastNamed(items) }

// lastNamed keeps the last item of each name.
func lastNamed(items []any) (left []any, repeated []string) {
	last := map[string]int{}
	for i, item := range named(items) {
		name, _ := item["name"].(string)
		if _, known := last[name]; known && !slices.Contains(repeated, name) {
			repeated = append(repeated, name)
		}
		last[name] = i
	}
	if len(repeated) == 0 {
		return items, nil
	}
	for i, item := range items {
		m, ok := item.(map[string]any)
		if name, _ := m["name"].(string); !ok || last[name] == i {
			left = append(left, item)
		}
	}
	return left, repeated
}

// onePort merges ports of the same number and protocol. Two names can't become one: Services may mean either.
func onePort(items []any) (left []any, repeated []string) {
	at := map[string]int{}
	for _, item := range items {
		port, ok := item.(map[string]any)
		if !ok {
			return items, nil
		}
		key := portKey(port)
		i, known := at[key]
		if !known {
			at[key] = len(left)
			left = append(left, item)
			continue
		}
		merged := maps.Clone(left[i].(map[string]any))
		if one, other := portName(merged), portName(port); one != "" && other != "" && one != other {
			return items, nil
		}
		maps.Copy(merged, port)
		left[i] = merged
		if !slices.Contains(repeated, key) {
			repeated = append(repeated, key)
		}
	}
	return left, repeated
}

// podSpecPath is where a kind that Kubernetes itself has keeps the specification of its pods; nil where it has none.
func podSpecPath(u *unstructured.Unstructured) []string {
	switch kind := KeyOf(u).GroupKind().String(); kind {
	case "Pod":
		return []string{"spec"}
	case "PodTemplate":
		return []string{"template", "spec"}
	case "ReplicationController", "Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "ReplicaSet.apps", "Job.batch":
		return []string{"spec", "template", "spec"}
	case "CronJob.batch":
		return []string{"spec", "jobTemplate", "spec", "template", "spec"}
	}
	return nil
}

func podSpec(u *unstructured.Unstructured, path []string) map[string]any {
	value, _, _ := unstructured.NestedFieldNoCopy(u.Object, path...)
	spec, _ := value.(map[string]any)
	return spec
}
