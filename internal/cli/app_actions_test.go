package cli

import (
	"fmt"
	"testing"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
	"fairlead.dev/fairlead/internal/protocol"
)

// TestChooseObjects narrows down an application's objects as argocd's flags do.
func TestChooseObjects(t *testing.T) {
	app := &v1alpha1.Application{}
	app.Name, app.Namespace = "shop", "argocd"
	app.Status.Resources = []v1alpha1.ResourceStatus{
		{Group: "apps", Kind: "Deployment", Namespace: "a", Name: "web"}, {Group: "apps", Kind: "Deployment", Namespace: "b", Name: "web"},
		{Kind: "Service", Namespace: "a", Name: "web"}, {Group: "serving.knative.dev", Kind: "Service", Namespace: "a", Name: "web"},
		{Group: "apps", Kind: "Deployment", Namespace: "a", Name: "gone", Health: &v1alpha1.HealthStatus{Status: "Missing"}},
	}
	for _, test := range []struct {
		filter objectFilter
		want   string
		all    bool
		err    string
	}{
		{objectFilter{anyGroup: true, kind: "Deployment", namespace: "a"}, "[apps/Deployment/a/web]", false, "<nil>"},
		{objectFilter{anyGroup: true, kind: "Deployment"}, "[apps/Deployment/a/web apps/Deployment/b/web]", true, "<nil>"},
		{objectFilter{anyGroup: true, kind: "Deployment"}, "[apps/Deployment/a/web apps/Deployment/b/web]", false,
			"multiple resources match inputs, use the --all flag to patch multiple resources"},
		{objectFilter{anyGroup: true, kind: "Service"}, "[/Service/a/web serving.knative.dev/Service/a/web]", true,
			"Ambiguous resource group. Use flag --group to specify resource group explicitly."},
		{objectFilter{kind: "Service"}, "[/Service/a/web]", false, "<nil>"},
		{objectFilter{anyGroup: true, name: "shop"}, "[argoproj.io/Application/argocd/shop]", false, "<nil>"},
		{objectFilter{anyGroup: true, name: "gone"}, "[]", false, "<nil>"},
	} {
		var got []string
		var requests []protocol.ApplicationResourceRequest
		for _, o := range test.filter.choose(app) {
			got = append(got, o.Group+"/"+o.Kind+"/"+o.Namespace+"/"+o.Name)
			requests = append(requests, protocol.ApplicationResourceRequest{Group: o.Group})
		}
		if err := unambiguous(requests, test.all); fmt.Sprint(got) != test.want || fmt.Sprint(err) != test.err {
			t.Errorf("%+v: got %v, %v; want %s, %s", test.filter, got, err, test.want, test.err)
		}
	}
}

func TestActionParameters(t *testing.T) {
	got, err := actionParameters([]string{"replicas=3", "text=a=b", "empty="})
	if err != nil || len(got) != 3 || *got[1] != (protocol.ResourceActionParameters{Name: "text", Value: "a=b"}) || got[2].Value != "" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"replicas", "=3"} {
		if _, err := actionParameters([]string{text}); ExitCode(err) != ExitUsage {
			t.Errorf("%s: %v", text, err)
		}
	}
}
