package health

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The kinds of the Gateway API say how they do once for each parent, ancestor or listener. What a parent says of an older
// spec doesn't count.

// parts are the entries of a list in the status.
func parts(u *unstructured.Unstructured, field string) []map[string]any {
	return list(u, "status."+field)
}

func conditionsOf(part map[string]any) []map[string]any {
	var all []map[string]any
	for _, item := range items(part["conditions"]) {
		if fields, ok := item.(map[string]any); ok {
			all = append(all, fields)
		}
	}
	return all
}

func named(part map[string]any, kind string) map[string]any {
	for _, c := range conditionsOf(part) {
		if c["type"] == kind {
			return c
		}
	}
	return nil
}

// isOfNow tells whether a part has conditions, and all are of the newest spec. Conditions without a generation count as such.
func isOfNow(u *unstructured.Unstructured, part map[string]any) bool {
	all := conditionsOf(part)
	for _, c := range all {
		if staleCondition(u, c) {
			return false
		}
	}
	return len(all) > 0 || u.GetGeneration() == 0
}

func staleCondition(u *unstructured.Unstructured, c map[string]any) bool {
	seen, found := numeric(c["observedGeneration"])
	return found && u.GetGeneration() != 0 && seen != u.GetGeneration()
}

func why(c map[string]any, prefix, otherwise string) string {
	if message, _ := c["message"].(string); message != "" {
		return prefix + message
	}
	return prefix + otherwise
}

func nameIn(part map[string]any, reference string) string {
	fields, _ := part[reference].(map[string]any)
	name, _ := fields["name"].(string)
	return name
}

// gatewayPart is what one parent or listener says; nil if it has nothing against the object.
func gatewayPart(part map[string]any, prefix, kind string) *Status {
	for _, name := range []string{"ResolvedRefs", "Accepted"} {
		if c := named(part, name); c != nil && c["status"] == "False" {
			return degraded(why(c, prefix, "Failed condition: "+name))
		}
	}
	if c := named(part, "Conflicted"); c != nil && c["status"] == "True" {
		return degraded(why(c, prefix, kind+" is conflicted"))
	}
	if c := named(part, "Programmed"); c != nil && c["status"] != "True" {
		return progressing(why(c, prefix, kind+" is still being programmed"))
	}
	return nil
}

func gatewayRoute(u *unstructured.Unstructured) *Status {
	var worst *Status
	accepted, strict := false, u.GetKind() == "TLSRoute"
	for _, parent := range parts(u, "parents") {
		if !isOfNow(u, parent) {
			continue
		}
		status := gatewayPart(parent, "Parent "+nameIn(parent, "parentRef")+": ", "Route")
		if status != nil && (worst == nil || Worse(status.Code, worst.Code)) {
			worst = status
		}
		known := named(parent, "Accepted") != nil && named(parent, "ResolvedRefs") != nil
		accepted = accepted || status == nil && len(conditionsOf(parent)) > 0 && (known || !strict)
	}
	switch {
	case worst != nil:
		return worst
	case accepted:
		return healthy(u.GetKind() + " is healthy")
	}
	return progressing("Waiting for " + u.GetKind() + " status")
}

func gateway(u *unstructured.Unstructured) *Status {
	status, _ := u.Object["status"].(map[string]any)
	if u.GetKind() == "ListenerSet" {
		for _, c := range conditionsOf(status) {
			if staleCondition(u, c) {
				return progressing("Waiting for ListenerSet status")
			}
		}
	}
	if s := gatewayPart(status, "", u.GetKind()); s != nil {
		return s
	}
	listeners := parts(u, "listeners")
	for _, listener := range listeners {
		if s := gatewayPart(listener, "Listener: ", "Listener"); s != nil {
			return s
		}
	}
	waits := status["conditions"] == nil && len(listeners) == 0
	if u.GetKind() == "ListenerSet" {
		waits = len(listeners) == 0
	}
	if waits {
		return progressing("Waiting for " + u.GetKind() + " status")
	}
	return healthy(u.GetKind() + " is healthy")
}

// envoyPolicy is healthy when an ancestor has looked at it, and none has refused it.
func envoyPolicy(u *unstructured.Unstructured) *Status {
	seen := false
	for _, ancestor := range parts(u, "ancestors") {
		if !isOfNow(u, ancestor) {
			continue
		}
		if c := named(ancestor, "Accepted"); c != nil && c["status"] == "False" {
			return degraded(why(c, "", ""))
		}
		seen = seen || len(conditionsOf(ancestor)) > 0
	}
	if seen {
		return healthy(u.GetKind() + " is healthy")
	}
	return progressing("Waiting for " + u.GetKind() + " status")
}

// attachedPolicy needs every ancestor to have looked at it and to accept it.
func attachedPolicy(u *unstructured.Unstructured) *Status {
	airlock := strings.HasPrefix(u.GroupVersionKind().Group, "microgateway.")
	if airlock && !strings.HasSuffix(u.GetKind(), "Policy") {
		return healthy(u.GetKind() + " is healthy")
	}
	accepted := false
	ancestors := parts(u, "ancestors")
	for _, ancestor := range ancestors {
		for _, c := range conditionsOf(ancestor) {
			if _, found := numeric(c["observedGeneration"]); staleCondition(u, c) || airlock && !found {
				return progressing("Waiting for Ancestor " + nameIn(ancestor, "ancestorRef") + " to update " + u.GetKind() + " status")
			}
		}
	}
	for _, ancestor := range ancestors {
		prefix := "Ancestor " + nameIn(ancestor, "ancestorRef") + ": "
		for _, name := range []string{"Accepted", "ResolvedRefs"} {
			if c := named(ancestor, name); c != nil && c["status"] != "True" {
				return degraded(why(c, prefix, name))
			}
		}
		if named(ancestor, "Accepted") != nil {
			accepted = true
		} else if airlock {
			return degraded(prefix + u.GetKind() + " is not accepted")
		}
	}
	if accepted {
		return healthy(u.GetKind() + " is healthy")
	}
	return progressing("Waiting for " + u.GetKind() + " status")
}
