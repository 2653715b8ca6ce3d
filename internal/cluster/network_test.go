package cluster

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestHowTrafficReachesGatewaysAndRoutes(t *testing.T) {
	for name, test := range map[string]struct{ manifest, urls, targets string }{
		"gateway, by name and by address": {`
kind: Gateway
spec:
  listeners: [{hostname: shop.example.com, port: 443, protocol: HTTPS}, {port: 8080, protocol: HTTP}]
status: {addresses: [{type: IPAddress, value: 10.0.0.1}, {type: NamedAddress, value: odd}]}`,
			"[http://10.0.0.1:8080 https://shop.example.com]", "[]"},
		"gateway whose own links don't count": {`
kind: Gateway
metadata: {annotations: {argocd.argoproj.io/ignore-default-links: "true", link.argocd.argoproj.io/docs: "Docs|https://docs.example.com"}}
spec: {listeners: [{hostname: shop.example.com, port: 80, protocol: HTTP}]}`,
			"[Docs|https://docs.example.com]", "[]"},
		"route": {`
kind: HTTPRoute
metadata: {namespace: dev}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  rules: [{backendRefs: [{name: web}, {name: web}, {kind: Bucket, group: example.com, name: files}]}]`,
			"[]", "[gateway.networking.k8s.io/Gateway infra/edge Service dev/web example.com/Bucket dev/files]"},
		"a script is no link": {`
kind: GRPCRoute
metadata: {annotations: {link.argocd.argoproj.io/x: "javascript:alert(1)"}}`, "[]", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			u := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte("apiVersion: gateway.networking.k8s.io/v1"+test.manifest), &u.Object); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(ExternalURLs(u)); got != test.urls {
				t.Errorf("URLs are %s instead of %s", got, test.urls)
			}
			n := networkOf(u)
			if n == nil {
				n = &Network{}
			}
			if got := fmt.Sprint(n.Targets); got != test.targets {
				t.Errorf("targets are %s instead of %s", got, test.targets)
			}
		})
	}
}
