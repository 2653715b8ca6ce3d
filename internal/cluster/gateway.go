package cluster

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/internal/object"
)

const gatewayGroup = "gateway.networking.k8s.io"

// ofGateway reads a Gateway's addresses, and how its listeners are reached: by their host name, else by the addresses.
func (n *Network) ofGateway(u *unstructured.Unstructured) {
	var hosts []string
	for _, address := range listOfMaps(u.Object, "status", "addresses") {
		value, _ := address["value"].(string)
		kind, _ := address["type"].(string)
		switch {
		case value == "":
			continue
		case kind == "Hostname":
			n.Ingress = append(n.Ingress, corev1.LoadBalancerIngress{Hostname: value})
		case kind == "IPAddress", kind == "":
			n.Ingress = append(n.Ingress, corev1.LoadBalancerIngress{IP: value})
		default:
			continue
		}
		hosts = append(hosts, value)
	}
	if ignored, err := strconv.ParseBool(u.GetAnnotations()[ignoreDefaultLink]); err == nil && ignored {
		return
	}
	var urls []string
	for _, listener := range listOfMaps(u.Object, "spec", "listeners") {
		reached := hosts
		if host, _ := listener["hostname"].(string); host != "" && host != "*" {
			reached = []string{host}
		}
		scheme, usual := "http", "80"
		if protocol := listener["protocol"]; protocol == "HTTPS" || protocol == "TLS" {
			scheme, usual = "https", "443"
		}
		suffix := ""
		if port := fmt.Sprint(listener["port"]); port != usual {
			suffix = ":" + port
		}
		for _, host := range reached {
			urls = append(urls, scheme+"://"+host+suffix)
		}
	}
	slices.Sort(urls)
	n.ExternalURLs = append(n.ExternalURLs, slices.Compact(urls)...)
}

// ofRoute reads which Gateways a route belongs to, and which Services it leads to.
func (n *Network) ofRoute(u *unstructured.Unstructured) {
	add := func(ref map[string]any, group, kind string) {
		key := object.Key{Group: group, Kind: kind, Namespace: u.GetNamespace()}
		for field, to := range map[string]*string{"group": &key.Group, "kind": &key.Kind, "namespace": &key.Namespace, "name": &key.Name} {
			if value, _ := ref[field].(string); value != "" {
				*to = value
			}
		}
		if key.Name != "" && !slices.Contains(n.Targets, key) {
			n.Targets = append(n.Targets, key)
		}
	}
	for _, parent := range listOfMaps(u.Object, "spec", "parentRefs") {
		add(parent, gatewayGroup, "Gateway")
	}
	for _, rule := range listOfMaps(u.Object, "spec", "rules") {
		for _, backend := range listOfMaps(rule, "backendRefs") {
			add(backend, "", "Service")
		}
	}
}

// ExternalURLs are the addresses by which people reach an object: those that its annotations name, and those that Ingresses
// and Gateways tell of themselves.
func ExternalURLs(u *unstructured.Unstructured) []string {
	if n := networkOf(u); n != nil {
		return n.ExternalURLs
	}
	return nil
}
