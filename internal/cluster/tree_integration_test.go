//go:build integration

package cluster

import (
	"bufio"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/object"
	"fairlead.dev/fairlead/internal/settings"
	"fairlead.dev/fairlead/internal/testkube"
)

// world makes objects; `app: name` has one tracked, `owner: Kind/name` owned by one made before.
func world(t *testing.T, c *Cluster, namespace, manifests string) {
	t.Helper()
	made := map[string]*unstructured.Unstructured{}
	for _, text := range strings.Split(manifests, "---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(strings.ReplaceAll(text, "$NS", namespace)), &u.Object); err != nil {
			t.Fatal(err)
		}
		kind, err := c.Kind(t.Context(), u.GroupVersionKind())
		if err != nil {
			t.Fatal(err)
		}
		if kind.Namespaced {
			u.SetNamespace(namespace)
		}
		if u.Object["app"] != nil {
			object.Track(u, namespace, "", object.Tracking{})
		}
		if owner, _ := u.Object["owner"].(string); owner != "" {
			o := made[owner]
			u.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Name: o.GetName(), UID: o.GetUID()}})
		}
		status := u.Object["status"]
		delete(u.Object, "app")
		delete(u.Object, "owner")
		delete(u.Object, "status")
		client := admin(t).Resource(kind.Resource).Namespace(u.GetNamespace())
		answer, err := client.Create(t.Context(), u, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if status != nil {
			answer.Object["status"] = status
			if answer, err = client.UpdateStatus(t.Context(), answer, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		made[u.GetKind()+"/"+u.GetName()] = answer
	}
}

const shop = `
apiVersion: apps/v1
kind: Deployment
app: yes
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "web:1"}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
owner: Deployment/web
metadata: {name: web-1, annotations: {deployment.kubernetes.io/revision: "3"}}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "web:1"}]}}}
---
apiVersion: v1
kind: Node
metadata: {name: node-$NS, labels: {zone: a}}
status: {capacity: {cpu: "4", memory: 8Gi}, nodeInfo: {kernelVersion: "6.1", machineID: m, systemUUID: s, bootID: b, osImage: o, containerRuntimeVersion: c, kubeletVersion: k, kubeProxyVersion: p, operatingSystem: linux, architecture: amd64}}
---
apiVersion: v1
kind: Pod
owner: ReplicaSet/web-1
metadata: {name: web-1-a, labels: {app: web}}
spec:
  nodeName: node-$NS
  automountServiceAccountToken: false
  initContainers: [{name: i, image: "init:1"}]
  containers: [{name: c, image: "web:1", resources: {requests: {cpu: 100m, memory: 1Mi}}}, {name: d, image: "side:1"}]
status:
  phase: Running
  conditions: [{type: Initialized, status: "True"}]
  containerStatuses:
  - {name: c, ready: true, restartCount: 2, image: "web:1", imageID: x, state: {running: {startedAt: "2026-01-01T00:00:00Z"}}}
  - {name: d, ready: false, restartCount: 1, image: "side:1", imageID: x, state: {waiting: {reason: CrashLoopBackOff}}}
---
apiVersion: v1
kind: Pod
metadata: {name: neighbor}
spec: {nodeName: node-$NS, automountServiceAccountToken: false, containers: [{name: c, image: "x:1", resources: {requests: {cpu: 300m}}}]}
---
apiVersion: v1
kind: Service
app: yes
metadata: {name: web, annotations: {link.argocd.argoproj.io/docs: "Docs|https://docs.example.com", link.argocd.argoproj.io/bad: "javascript:alert(1)"}}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: web}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
owner: Service/web
addressType: IPv4
endpoints: []
metadata: {name: web-abc}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
app: yes
metadata: {name: web}
spec:
  tls: [{hosts: [shop.example.com], secretName: tls}]
  rules: [{host: shop.example.com, http: {paths: [{path: /cart, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
apiVersion: apps/v1
kind: StatefulSet
app: yes
metadata: {name: db-main}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: "db:1"}]}}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data-db-main-0}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data-other-0}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: ServiceAccount
app: yes
metadata: {name: deployer}
---
apiVersion: v1
kind: Secret
metadata: {name: deployer-token-x7k2p}
---
apiVersion: v1
kind: Event
metadata: {name: web-1-a.1}
involvedObject: {kind: Pod, name: web-1-a, namespace: $NS, uid: u}
reason: BackOff
message: it falls
`

func TestTreeOfAnApplication(t *testing.T) {
	c, _, _ := connectAs(t, settings.Cluster{HubConfig: testkube.Config(t)}, quick())
	namespace := testkube.Namespace(t)
	world(t, c, namespace, shop)
	var kinds []schema.GroupVersionKind
	for _, kind := range []schema.GroupKind{services, statefulSets, serviceAccounts, {Group: "apps", Kind: "Deployment"}, {Group: "networking.k8s.io", Kind: "Ingress"}} {
		kinds = append(kinds, kind.WithVersion(""))
	}
	if err := c.Watch(t.Context(), namespace, kinds...); err != nil {
		t.Fatal(err)
	}
	nodes, err := c.Tree(t.Context(), namespace)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, n := range nodes {
		line := n.Key.Kind + "/" + n.Key.Name
		for _, p := range n.Parents {
			line += " < " + p.Key.Kind + "/" + p.Key.Name
		}
		if n.Health != nil {
			line += " " + string(n.Health.Code)
		}
		for _, i := range n.Info {
			line += fmt.Sprintf(" %s=%s", i.Name, i.Value)
		}
		if w := n.Network; w != nil {
			line += fmt.Sprintf(" labels=%v to=%v targets=%d urls=%v", w.Labels, w.TargetLabels, len(w.Targets), w.ExternalURLs)
		}
		if n.Key.Kind == "Pod" {
			line += fmt.Sprint(" ", n.Images)
		}
		lines = append(lines, strings.ReplaceAll(line, namespace, "NS"))
		if n.CreatedAt.IsZero() || n.UID == "" || n.Version == "" {
			t.Errorf("%s lacks something: %+v", n.Key, n)
		}
	}
	slices.Sort(lines)
	want := []string{
		"Deployment/web Progressing",
		"EndpointSlice/web-abc < Service/web",
		"Endpoints/web < Service/web",
		"Ingress/web Progressing labels=map[] to=map[] targets=1 urls=[https://shop.example.com/cart]",
		"PersistentVolumeClaim/data-db-main-0 < StatefulSet/db-main Progressing",
		"Pod/web-1-a < ReplicaSet/web-1 Degraded Status Reason=CrashLoopBackOff Node=node-NS Containers=1/2 Restart Count=3 " +
			"cpu=100 memory=1048576000 labels=map[app:web] to=map[] targets=0 urls=[] [init:1 side:1 web:1]",
		"ReplicaSet/web-1 < Deployment/web Progressing Revision=Rev:3",
		"Secret/deployer-token-x7k2p < ServiceAccount/deployer",
		"Service/web Healthy labels=map[] to=map[app:web] targets=0 urls=[Docs|https://docs.example.com]",
		"ServiceAccount/deployer",
		"StatefulSet/db-main Progressing",
	}
	for i := range lines {
		lines[i] = strings.Replace(lines[i], "[web:1 side:1 init:1]", "[init:1 side:1 web:1]", 1)
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}

	hosts, err := c.Hosts(t.Context(), nodes)
	if err != nil {
		t.Fatal(err)
	}
	if len(hosts) != 1 || hosts[0].System.KernelVersion != "6.1" || hosts[0].Labels["zone"] != "a" || hosts[0].Resources[0] != (HostResource{"cpu", 100, 300, 4000}) {
		t.Errorf("hosts: %+v", hosts)
	}
	orphans, err := c.Orphans(t.Context(), Orphanage{Namespace: namespace, Rules: anyOrphan{}, Exists: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range orphans {
		names = append(names, n.Key.Kind+"/"+n.Key.Name)
	}
	if d := cmp.Diff([]string{"PersistentVolumeClaim/data-other-0", "Pod/neighbor"}, names); d != "" {
		t.Errorf("orphans: %s", d)
	}
	if events, err := c.Events(t.Context(), namespace, "web-1-a", "u"); err != nil || len(events) != 1 || events[0].Reason != "BackOff" {
		t.Errorf("events: %v %v", events, err)
	}
	if events, err := c.Events(t.Context(), namespace, "web-1-a", "another"); err != nil || len(events) != 0 {
		t.Errorf("events of another pod of the same name: %v %v", events, err)
	}
}

func TestLog(t *testing.T) {
	f, config := newFaulty(t)
	c, _, _ := connectAs(t, settings.Cluster{HubConfig: config}, quick())
	f.set(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/log") {
			return false
		}
		fmt.Fprintf(w, "2026-01-01T00:00:00Z %s?%s\n", r.URL.Path, r.URL.RawQuery)
		return true
	})
	log, err := c.Log(t.Context(), "dev", "web", LogOptions{Container: "c", Follow: true, Previous: true, Tail: 5, SinceSeconds: 60})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	line, _ := bufio.NewReader(log).ReadString('\n')
	want := "2026-01-01T00:00:00Z /api/v1/namespaces/dev/pods/web/log?container=c&follow=true&previous=true&sinceSeconds=60&tailLines=5&timestamps=true\n"
	if line != want {
		t.Errorf("%s, want %s", line, want)
	}
}
