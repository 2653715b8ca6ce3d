package application

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/health"
	"fairlead.dev/fairlead/internal/object"
)

func TestHealthOfAnApplication(t *testing.T) {
	live := func(kind, name string, code v1alpha1.HealthStatusCode) compared {
		o := compared{key: object.Key{Kind: kind, Namespace: "argocd", Name: name}, live: &unstructured.Unstructured{Object: map[string]any{}}}
		if kind == "Application" {
			o.key.Group = v1alpha1.GroupVersion.Group
		}
		if code != "" {
			o.health = &health.Status{Code: code}
		}
		return o
	}
	ignored := live("Pod", "ignored", "Degraded")
	ignored.live.SetAnnotations(map[string]string{"argocd.argoproj.io/ignore-healthcheck": "true"})
	absent := compared{key: object.Key{Kind: "Pod", Name: "absent"}, target: &unstructured.Unstructured{}}

	for name, test := range map[string]struct {
		want    string
		objects []compared
	}{
		"nothing in Git":                   {"Healthy", nil},
		"all is missing":                   {"Missing", []compared{absent, absent}},
		"one is missing":                   {"Healthy", []compared{absent, live("Pod", "a", "Healthy")}},
		"only what has no health is there": {"Healthy", []compared{absent, live("ConfigMap", "a", "")}},
		"the worst counts":                 {"Degraded: Caused by Pod:argocd/b", []compared{live("Pod", "a", "Progressing"), live("Pod", "b", "Degraded"), live("Job", "c", "Suspended")}},
		"unknown is worst":                 {"Unknown: Caused by Pod:argocd/b", []compared{live("Pod", "a", "Degraded"), live("Pod", "b", "Unknown")}},
		"annotated to be ignored":          {"Healthy", []compared{ignored}},
		"itself":                           {"Healthy", []compared{live("Application", "root", "Degraded")}},
		"a child nothing is known of":      {"Healthy", []compared{live("Application", "child", "Unknown"), live("Application", "other", "Missing")}},
		"many": {"Degraded: Caused by Job:argocd/c, Pod:argocd/a, Pod:argocd/b and 2 more", []compared{
			live("Pod", "d", "Degraded"), live("Pod", "e", "Degraded"), live("Pod", "b", "Degraded"), live("Pod", "a", "Degraded"), live("Job", "c", "Degraded"),
		}},
		"a degraded child": {"Degraded: Caused by argoproj.io/Application:argocd/child", []compared{live("Application", "child", "Degraded")}},
	} {
		t.Run(name, func(t *testing.T) {
			app := &v1alpha1.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "root"}}
			code, message := (&comparison{objects: test.objects}).health(app)
			if got := strings.TrimSuffix(string(code)+": "+message, ": "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
