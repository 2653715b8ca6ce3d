package object

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Ports of one number and protocol with different names can't become one: Services may mean either. The API server takes them
// in an update, but server-side apply, which knows ports by number and protocol, does not. So Distinct has the first of them
// alone, and WithPorts puts the others back.

// NamesPortsTwice tells whether a manifest, or an object, has such ports.
func NamesPortsTwice(u *unstructured.Unstructured) bool {
	for _, ports := range containers(u) {
		if namesTwice(ports) {
			return true
		}
	}
	return false
}

// WithPorts is an object with all names that the manifest has for its ports, in the place of the first, and no other names for
// them. Neither argument is changed.
func WithPorts(u, manifest *unstructured.Unstructured) *unstructured.Unstructured {
	u = u.DeepCopy()
	for place, wanted := range containers(manifest) {
		container := place.in(u)
		ports, _ := container["ports"].([]any)
		var all []any
		seen := map[string]bool{}
		for _, port := range ports {
			key := portKey(port)
			names := wantedOf(wanted, key)
			switch {
			case !several(names, ofKey(ports, key)):
				all = append(all, port)
			case !seen[key]:
				for _, one := range names {
					completed := runtime.DeepCopyJSON(one)
					if completed["protocol"] == nil {
						completed["protocol"] = "TCP"
					}
					all = append(all, completed)
				}
			}
			seen[key] = true
		}
		if len(ports) > 0 {
			container["ports"] = all
		}
	}
	return u
}

// LackingPorts are the containers, as paths, in which a live object doesn't have the names that the manifest has for a port, or
// has others.
func LackingPorts(manifest, live *unstructured.Unstructured) (paths []string) {
	for place, wanted := range containers(manifest) {
		ports, _ := place.in(live)["ports"].([]any)
		for _, port := range wanted {
			names, others := wantedOf(wanted, portKey(port)), ofKey(ports, portKey(port))
			if several(names, others) && !slices.EqualFunc(names, others, hasAll) {
				paths = append(paths, fmt.Sprintf(".%s[name=%q].ports", place.list, place.container))
				break
			}
		}
	}
	return paths
}

// several tells whether a port that the manifest has goes by several names, there or in the object.
func several(manifest, object []map[string]any) bool {
	return len(manifest) > 1 || len(manifest) == 1 && len(object) > 1
}

// hasAll tells whether a live port has what the manifest's says.
func hasAll(want, have map[string]any) bool {
	for field, value := range want {
		if fmt.Sprint(have[field]) != fmt.Sprint(value) {
			return false
		}
	}
	return true
}

// containerPlace is where a container is in the specification of pods.
type containerPlace struct{ list, container string }

// in is the container; nil if there is none.
func (p containerPlace) in(u *unstructured.Unstructured) map[string]any {
	path := podSpecPath(u)
	if path == nil {
		return nil
	}
	for _, container := range named(podSpec(u, path)[p.list]) {
		if name, _ := container["name"].(string); name == p.container {
			return container
		}
	}
	return nil
}

// containers are those of a manifest, with their ports.
func containers(u *unstructured.Unstructured) func(func(containerPlace, []any) bool) {
	return func(yield func(containerPlace, []any) bool) {
		path := podSpecPath(u)
		if path == nil {
			return
		}
		spec := podSpec(u, path)
		for _, list := range []string{"initContainers", "containers"} {
			for _, container := range named(spec[list]) {
				ports, _ := container["ports"].([]any)
				name, _ := container["name"].(string)
				if !yield(containerPlace{list, name}, ports) {
					return
				}
			}
		}
	}
}

// namesTwice tells whether two ports of a list have the same number and different names.
func namesTwice(ports []any) bool {
	first := map[string]string{}
	for _, port := range named(ports) {
		key, name := portKey(port), portName(port)
		if name == "" {
			continue
		}
		if other, known := first[key]; known && other != name {
			return true
		}
		first[key] = name
	}
	return false
}

// portName is empty where a port has none.
func portName(port map[string]any) string {
	name, _ := port["name"].(string)
	return name
}

// firstOfEach leaves one port for each number and protocol.
func firstOfEach(ports []any) (left []any) {
	seen := map[string]bool{}
	for _, port := range ports {
		key := portKey(port)
		if _, ok := port.(map[string]any); ok && seen[key] {
			continue
		}
		left, seen[key] = append(left, port), true
	}
	return left
}

// ofKey are the ports of one number and protocol, in order.
func ofKey(ports []any, key string) (found []map[string]any) {
	for _, port := range named(ports) {
		if portKey(port) == key {
			found = append(found, port)
		}
	}
	return found
}

// wantedOf are those of a manifest. Such as have no more than one name between them are one port, as for Distinct.
func wantedOf(ports []any, key string) (found []map[string]any) {
	var all []any
	for _, port := range ofKey(ports, key) {
		all = append(all, port)
	}
	merged, _ := onePort(all)
	for _, port := range named(merged) {
		found = append(found, port)
	}
	return found
}

// portKey is what server-side apply knows a port by.
func portKey(port any) string {
	fields, _ := port.(map[string]any)
	protocol := fields["protocol"]
	if protocol == nil {
		protocol = "TCP"
	}
	return fmt.Sprintf("%v/%v", fields["containerPort"], protocol)
}
