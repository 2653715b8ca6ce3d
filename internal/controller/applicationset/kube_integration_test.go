//go:build integration

package applicationset

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func contains(text, words string) bool { return strings.Contains(text, words) }

const template = `
template:
  metadata: {name: '{{name}}', labels: {env: '{{env}}'}, annotations: {from: template}}
  spec:
    project: default
    source: {repoURL: https://git.example/apps, path: '{{name}}', targetRevision: HEAD}
    destination: {server: https://kubernetes.default.svc, namespace: '{{name}}'}
`

const directories = `
generators: [{git: {repoURL: https://git.example/apps.git, revision: main, directories: [{path: apps/*}]}}]
template:
  metadata: {name: '{{path.basename}}'}
  spec: {project: default, source: {repoURL: https://git.example/apps, path: '{{path}}'}, destination: {server: https://kubernetes.default.svc, namespace: n}}
`

func list(elements string) string { return "generators: [{list: {elements: [" + elements + "]}}]\n" }

func TestApplicationsFollowTheGenerator(t *testing.T) {
	h := newHub(t)
	h.set("s", list("{name: a, env: dev}, {name: b, env: dev}")+template)
	h.untilNames("[a b]")
	h.untilHealth("s", v1alpha1.HealthStatusHealthy, "All applications have been generated successfully")
	a := h.app("a")
	if owner := metav1.GetControllerOf(a); owner == nil || owner.Name != "s" || owner.Kind != "ApplicationSet" {
		t.Errorf("the owner is %v", owner)
	}
	if a.Spec.Source.Path != "a" || a.Labels["env"] != "dev" || fmt.Sprint(a.Finalizers) != "[resources-finalizer.argocd.argoproj.io]" {
		t.Errorf("the application is %+v", a)
	}
	status := h.get("s").Status
	if status.ResourcesCount != 2 || status.Resources[0].Name != "a" || status.Resources[0].Kind != "Application" || len(status.Conditions) != 3 {
		t.Errorf("the status is %+v", status)
	}

	// What a person changes is taken back, except for what is preserved.
	h.edit("s", func(s *v1alpha1.ApplicationSet) {
		s.Spec.PreservedFields = &v1alpha1.ApplicationPreservedFields{Annotations: []string{"keep"}}
		s.Spec.IgnoreApplicationDifferences = v1alpha1.ApplicationSetIgnoreDifferences{{Name: "a", JSONPointers: []string{"/spec/source/targetRevision"}}}
		s.Spec.Template.Labels["known"] = "yes"
	})
	h.until("the controller knows of it", func(context.Context) bool {
		return h.app("a").Labels["known"] == "yes" && h.app("b").Labels["known"] == "yes"
	})
	for _, name := range []string{"a", "b"} {
		h.editApp(name, func(app *v1alpha1.Application) {
			app.Spec.Source.TargetRevision, app.Spec.Source.Path = "other", "other"
			app.Annotations["keep"], app.Annotations["lose"] = "x", "x"
			app.Finalizers = append(app.Finalizers, v1alpha1.PostDeleteFinalizer)
		})
	}
	h.until("the change is taken back", func(context.Context) bool {
		a, b := h.app("a"), h.app("b")
		return a.Spec.Source.Path == "a" && a.Spec.Source.TargetRevision == "other" && b.Spec.Source.TargetRevision == "HEAD" &&
			a.Annotations["keep"] == "x" && a.Annotations["lose"] == "" && len(a.Finalizers) == 2
	})

	h.edit("s", func(s *v1alpha1.ApplicationSet) {
		s.Spec.Generators[0].List.Elements = s.Spec.Generators[0].List.Elements[1:]
	})
	h.untilNames("[b]")
	h.until("events tell of it", func(ctx context.Context) bool {
		var all eventsv1.EventList
		if h.client.List(ctx, &all, client.InNamespace(h.namespace)) != nil {
			return false
		}
		notes := ""
		for _, e := range all.Items {
			notes += e.Reason + ": " + e.Note + "\n"
		}
		return contains(notes, `created: created Application "a"`) && contains(notes, `Deleted: Deleted Application "a"`)
	})
}

func TestFailingGeneratorDeletesNothing(t *testing.T) {
	h := newHub(t)
	h.push(nil, "apps/a/x", "apps/b/x")
	h.set("s", directories)
	h.untilNames("[a b]")
	a, b := h.app("a").UID, h.app("b").UID
	same := func(why string) {
		t.Helper()
		if one, two := h.app("a"), h.app("b"); one == nil || two == nil || one.UID != a || two.UID != b || one.DeletionTimestamp != nil || two.DeletionTimestamp != nil {
			t.Errorf("%s: applications were deleted", why)
		}
	}
	h.push(errors.New("the host is away"))
	h.untilHealth("s", v1alpha1.HealthStatusDegraded, "error generating params from git: the host is away")
	same("the host is away")
	if c := h.get("s").Status.Conditions; c[0].Reason != "ApplicationGenerationFromParamsError" || c[1].Status != "False" || c[1].Message != c[0].Message {
		t.Errorf("conditions are %+v", c)
	}

	h.edit("s", func(s *v1alpha1.ApplicationSet) {
		s.Spec.Generators = append(s.Spec.Generators, v1alpha1.ApplicationSetGenerator{List: &v1alpha1.ListGenerator{ElementsYaml: "[{path.basename: c}]"}})
	})
	h.until("the second generator is seen too", func(context.Context) bool { return h.get("s").Generation > 1 })
	same("one of two generators fails")

	h.push(nil, "apps/a/x", "apps/b/x")
	h.untilNames("[a b c]")
	same("the host is back")
	h.edit("s", func(s *v1alpha1.ApplicationSet) {
		s.Spec.GoTemplate, s.Spec.GoTemplateOptions = true, []string{"missingkey=error"}
		s.Spec.Template.Name = "{{.no.such}}"
	})
	h.untilHealth("s", v1alpha1.HealthStatusDegraded, "failed to execute go template {{.no.such}}")
	if h.names() != "[a b c]" {
		t.Errorf("a mistake in the template has left %s", h.names())
	}
	h.edit("s", func(s *v1alpha1.ApplicationSet) {
		s.Spec.GoTemplate, s.Spec.GoTemplateOptions = false, nil
		s.Spec.Template.Name = "{{path.basename}}"
		s.Spec.Template.Spec.Project = "none"
		s.Spec.Generators = s.Spec.Generators[:1]
	})
	h.untilHealth("s", v1alpha1.HealthStatusDegraded, "application references project none which does not exist (and 1 more)")
	h.until("what no generator names goes", func(context.Context) bool { return h.names() == "[a b]" })
	same("the project is missing")
	h.create(&v1alpha1.AppProject{ObjectMeta: metav1.ObjectMeta{Name: "none"}})
	h.untilHealth("s", v1alpha1.HealthStatusHealthy, "")
	same("the project came")
	h.push(nil, "README.md")
	h.untilNames("[]")
}

func TestNamesAndDestinationsAreChecked(t *testing.T) {
	h := newHub(t)
	h.set("twins", list("{name: twin, env: a}, {name: twin, env: b}, {name: single, env: a}")+template)
	h.untilHealth("twins", v1alpha1.HealthStatusDegraded, "ApplicationSet twins contains applications with duplicate name: twin")
	h.untilNames("[single]")
	h.set("far", list("{name: far, env: a}")+strings.Replace(template, "server: https://kubernetes.default.svc", "name: nowhere", 1))
	h.untilHealth("far", v1alpha1.HealthStatusDegraded, "application destination spec is invalid: unable to find destination server: there are no clusters with this name: nowhere")
	h.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "nowhere", Labels: map[string]string{"argocd.argoproj.io/secret-type": "cluster"}},
		StringData: map[string]string{"name": "nowhere", "server": "https://nowhere.example", "config": "{}"}})
	h.untilHealth("far", v1alpha1.HealthStatusHealthy, "")
	h.untilNames("[far single]")
	h.set("empty", list("{name: '', env: a}")+template)
	h.untilHealth("empty", v1alpha1.HealthStatusDegraded, "ApplicationSet empty contains an application with no name")
}

func TestPolicies(t *testing.T) {
	for policy, want := range map[v1alpha1.ApplicationsSyncPolicy]string{
		"create-only": "[a b c] dev", "create-update": "[a b c] prod", "create-delete": "[b c] dev", "sync": "[b c] prod",
	} {
		t.Run(string(policy), func(t *testing.T) {
			h := newHub(t)
			h.set("s", list("{name: a, env: dev}, {name: b, env: dev}")+template)
			h.untilNames("[a b]")
			h.edit("s", func(s *v1alpha1.ApplicationSet) {
				s.Spec.SyncPolicy = &v1alpha1.ApplicationSetSyncPolicy{ApplicationsSync: &policy}
				s.Spec.Generators[0].List.Elements = nil
				s.Spec.Generators[0].List.ElementsYaml = "[{name: b, env: prod}, {name: c, env: dev}]"
			})
			h.until("it is "+want, func(context.Context) bool {
				b := h.app("b")
				return h.app("c") != nil && b != nil && h.names()+" "+b.Labels["env"] == want
			})
		})
	}
}

func TestOperatorsPolicyAndDryRun(t *testing.T) {
	h := newHub(t)
	h.params(map[string]string{"applicationsetcontroller.policy": "create-only"})
	h.set("s", list("{name: a, env: dev}, {name: b, env: dev}")+template)
	h.untilNames("[a b]")
	sync := v1alpha1.ApplicationsSyncPolicySync
	h.edit("s", func(s *v1alpha1.ApplicationSet) {
		s.Spec.SyncPolicy = &v1alpha1.ApplicationSetSyncPolicy{ApplicationsSync: &sync}
		s.Spec.Generators[0].List.Elements = nil
		s.Spec.Generators[0].List.ElementsYaml = "[{name: b, env: dev}, {name: c, env: dev}]"
	})
	h.untilNames("[a b c]") // the operator's policy wins
	var params corev1.ConfigMap
	if err := h.client.Get(t.Context(), client.ObjectKey{Namespace: h.namespace, Name: "argocd-cmd-params-cm"}, &params); err != nil {
		t.Fatal(err)
	}
	params.Data["applicationsetcontroller.enable.policy.override"] = "true"
	if err := h.client.Update(t.Context(), &params); err != nil {
		t.Fatal(err)
	}
	h.untilNames("[b c]")
}

func TestRefresh(t *testing.T) {
	h := newHub(t)
	h.push(nil, "apps/a/x")
	h.set("s", directories)
	h.untilNames("[a]")
	h.mu.Lock()
	h.tree["apps/b/x"] = h.tree["apps/a/x"] // nobody tells
	h.mu.Unlock()
	h.edit("s", func(s *v1alpha1.ApplicationSet) {
		s.Annotations = map[string]string{v1alpha1.ApplicationSetRefreshAnnotation: "true"}
	})
	h.untilNames("[a b]")
	h.until("the request is gone", func(context.Context) bool { return len(h.get("s").Annotations) == 0 })
}

func TestDeletion(t *testing.T) {
	h := newHub(t)
	h.params(map[string]string{"applicationsetcontroller.enable.progressive.syncs": "true"})
	keep := `syncPolicy: {applicationsSync: create-update}` + "\n"
	h.set("kept", keep+list("{name: kept, env: dev}")+template)
	h.set("ordered", list("{name: a, env: dev}, {name: b, env: dev}, {name: c, env: prod}")+strings.Replace(template, "annotations", "finalizers: [test/hold], annotations", 1)+`
strategy:
  type: RollingSync
  deletionOrder: Reverse
  rollingSync: {steps: [{matchExpressions: [{key: env, operator: In, values: [dev]}]}, {matchExpressions: [{key: env, operator: In, values: [prod]}]}]}
`)
	h.untilNames("[a b c kept]")
	h.until("the set is held", func(context.Context) bool { return len(h.get("ordered").Finalizers) == 1 })
	h.edit("kept", func(s *v1alpha1.ApplicationSet) { s.Finalizers = []string{v1alpha1.ResourcesFinalizer} })
	for _, name := range []string{"kept", "ordered"} {
		if err := h.client.Delete(t.Context(), h.get(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ gone, left string }{{"c", "[a b kept]"}, {"a", "[b kept]"}, {"b", "[kept]"}} {
		h.untilNames(step.left)
		h.editApp(step.gone, func(app *v1alpha1.Application) { app.Finalizers = nil })
	}
	h.until("both sets are gone", func(ctx context.Context) bool {
		var sets v1alpha1.ApplicationSetList
		return h.client.List(ctx, &sets, client.InNamespace(h.namespace)) == nil && len(sets.Items) == 0
	})
	if app := h.app("kept"); app == nil || len(app.OwnerReferences) > 0 || app.DeletionTimestamp != nil {
		t.Errorf("the application that was to be kept is %+v", app)
	}
}

// TestTwoThousandApplications: each is created once, and a change of the template is written once to each. How fast that is, `make
// bench` says.
func TestTwoThousandApplications(t *testing.T) {
	h := newHub(t)
	const count = 2000
	h.patience = 10 * time.Minute // for a machine that does much else; nothing is measured here
	var elements []string
	for i := range count {
		elements = append(elements, fmt.Sprintf("{name: app-%04d, env: dev}", i))
	}
	h.set("many", list(strings.Join(elements, ", "))+template)
	h.until("all are there", func(context.Context) bool { return h.get("many").Status.ResourcesCount == count })
	if created, changed := h.writes.created.Load(), h.writes.changed.Load(); created != count || changed != 0 {
		t.Errorf("%d applications were created and %d changed", created, changed)
	}
	h.untilEnvironment("dev", count)

	h.edit("many", func(s *v1alpha1.ApplicationSet) { s.Spec.Template.Labels = map[string]string{"env": "prod"} })
	h.until("all have been written to", func(context.Context) bool { return h.writes.changed.Load() >= count })
	h.untilEnvironment("prod", count)
	// While the cache lags behind, an application that has changed may be written to again, which changes nothing.
	if created, changed := h.writes.created.Load(), h.writes.changed.Load(); created != count || changed >= 2*count {
		t.Errorf("%d applications were created; they were written to %d times", created, changed)
	}
}
