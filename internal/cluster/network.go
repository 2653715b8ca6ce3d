package cluster

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/internal/object"
)

// Annotations with links, Argo CD's.
const (
	linkPrefix        = "link.argocd.argoproj.io/"
	ignoreDefaultLink = "argocd.argoproj.io/ignore-default-links"
)

// Network is how traffic reaches an object, and where it goes from there.
type Network struct {
	// TargetLabels select the pods of a Service, Targets are the Services of an Ingress.
	TargetLabels map[string]string            `json:"l,omitempty"`
	Targets      []object.Key                 `json:"t,omitempty"`
	Labels       map[string]string            `json:"p,omitempty"`
	Ingress      []corev1.LoadBalancerIngress `json:"i,omitempty"`
	ExternalURLs []string                     `json:"u,omitempty"`
}

// networkOf reads it off the kinds that have any; nil for others.
func networkOf(u *unstructured.Unstructured) *Network {
	n := &Network{ExternalURLs: Links(u)}
	group, kind := u.GroupVersionKind().Group, u.GetKind()
	switch {
	case group == "" && kind == "Pod":
		n.Labels = u.GetLabels()
	case group == "" && kind == "Service":
		n.TargetLabels, _, _ = unstructured.NestedStringMap(u.Object, "spec", "selector")
		if t, _, _ := unstructured.NestedString(u.Object, "spec", "type"); t == string(corev1.ServiceTypeLoadBalancer) {
			n.Ingress = balancers(u)
		}
	case (group == "networking.k8s.io" || group == "extensions") && kind == "Ingress":
		n.ofIngress(u)
	case group == gatewayGroup && kind == "Gateway":
		n.ofGateway(u)
	case group == gatewayGroup && slices.Contains([]string{"HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"}, kind):
		n.ofRoute(u)
	case group == "networking.istio.io" && kind == "VirtualService":
		n.ofVirtualService(u)
	case group == "networking.istio.io" && kind == "ServiceEntry":
		labels, ok, _ := unstructured.NestedStringMap(u.Object, "spec", "workloadSelector", "labels")
		if ok {
			n.TargetLabels, n.Targets = labels, []object.Key{{Kind: "Pod"}}
		}
	}
	if n.TargetLabels == nil && n.Targets == nil && n.Labels == nil && n.Ingress == nil && n.ExternalURLs == nil {
		return nil
	}
	return n
}

// Links are the addresses in an object's own link annotations, either bare or after a title and "|". Only web addresses count: they become
// links in a browser.
func Links(u interface{ GetAnnotations() map[string]string }) []string {
	var all []string
	for name, value := range u.GetAnnotations() {
		if !strings.HasPrefix(name, linkPrefix) {
			continue
		}
		address := value
		if _, after, titled := strings.Cut(value, "|"); titled {
			address = after
		}
		if parsed, err := url.Parse(address); err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Host != "" {
			all = append(all, value)
		}
	}
	slices.Sort(all)
	return all
}

func balancers(u *unstructured.Unstructured) []corev1.LoadBalancerIngress {
	var all []corev1.LoadBalancerIngress
	for _, item := range listOfMaps(u.Object, "status", "loadBalancer", "ingress") {
		if host, _ := item["hostname"].(string); host != "" {
			all = append(all, corev1.LoadBalancerIngress{Hostname: host})
		} else if ip, _ := item["ip"].(string); ip != "" {
			all = append(all, corev1.LoadBalancerIngress{IP: ip})
		}
	}
	return all
}

// listOfMaps are the items of a list that are maps.
func listOfMaps(o map[string]any, fields ...string) []map[string]any {
	value, _, _ := unstructured.NestedFieldNoCopy(o, fields...)
	list, _ := value.([]any)
	var all []map[string]any
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}

func (n *Network) ofIngress(u *unstructured.Unstructured) {
	n.Ingress = balancers(u)
	for _, field := range []string{"backend", "defaultBackend"} {
		if backend, ok, _ := unstructured.NestedMap(u.Object, "spec", field); ok {
			n.target(u.GetNamespace(), backendService(backend))
		}
	}
	var urls []string
	for _, rule := range listOfMaps(u.Object, "spec", "rules") {
		host, _ := rule["host"].(string)
		for _, b := range n.Ingress {
			if host == "" {
				host = b.Hostname + b.IP
			}
		}
		for _, path := range listOfMaps(rule, "http", "paths") {
			if backend, ok := path["backend"].(map[string]any); ok {
				n.target(u.GetNamespace(), backendService(backend))
			}
			if host != "" {
				at, _ := path["path"].(string)
				urls = append(urls, ingressScheme(u, host)+"://"+host+strings.TrimSuffix(at, "*"))
			}
		}
	}
	if ignored, err := strconv.ParseBool(u.GetAnnotations()[ignoreDefaultLink]); err == nil && ignored {
		return
	}
	slices.Sort(urls)
	n.ExternalURLs = append(n.ExternalURLs, slices.Compact(urls)...)
}

// ingressScheme is https where TLS is configured for the host, or for all of them.
func ingressScheme(u *unstructured.Unstructured, host string) string {
	for _, tls := range listOfMaps(u.Object, "spec", "tls") {
		hosts, _ := tls["hosts"].([]any)
		if tls["secretName"] != nil || slices.ContainsFunc(hosts, func(h any) bool { return h == host }) {
			return "https"
		}
	}
	return "http"
}

func backendService(backend map[string]any) string {
	if name, ok := backend["serviceName"].(string); ok {
		return name
	}
	name, _, _ := unstructured.NestedString(backend, "service", "name")
	return name
}

func (n *Network) target(namespace, service string) {
	key := object.Key{Kind: "Service", Namespace: namespace, Name: service}
	if service != "" && !slices.Contains(n.Targets, key) {
		n.Targets = append(n.Targets, key)
	}
}

func (n *Network) ofVirtualService(u *unstructured.Unstructured) {
	for _, rule := range listOfMaps(u.Object, "spec", "http") {
		for _, route := range listOfMaps(rule, "route") {
			host, _, _ := unstructured.NestedString(route, "destination", "host")
			parts := strings.Split(host, ".")
			namespace := u.GetNamespace()
			if len(parts) > 1 {
				namespace = parts[1]
			}
			n.target(namespace, parts[0])
		}
	}
}
