package dependency

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/api/argo/v1alpha1"
)

func TestBlocked(t *testing.T) {
	ready := State{Known: true, Sync: v1alpha1.SyncStatusCodeSynced, Health: v1alpha1.HealthStatusHealthy}
	with := func(change func(*State)) State {
		s := ready
		change(&s)
		return s
	}
	outOfSync := with(func(s *State) { s.Sync = v1alpha1.SyncStatusCodeOutOfSync })
	progressing := with(func(s *State) { s.Health = v1alpha1.HealthStatusProgressing })
	operating := with(func(s *State) { s.Operating = true })
	for name, c := range map[string]struct {
		gate  v1alpha1.DependencyGate
		state State
		want  string
	}{
		"ready":                            {"", ready, ""},
		"out of sync":                      {"", outOfSync, "application db, which is OutOfSync and Healthy"},
		"progressing":                      {v1alpha1.DependencyReady, progressing, "application db, which is Synced and Progressing"},
		"being synced":                     {"", operating, "application db, which is being synced and is Healthy"},
		"missing":                          {v1alpha1.DependencyHealthy, State{Missing: true}, "application db, which does not exist"},
		"on its way out":                   {"", with(func(s *State) { s.Deleting = true }), "application db, which is being deleted"},
		"not looked at":                    {v1alpha1.DependencySynced, with(func(s *State) { s.Known = false }), "application db, whose state is being looked at"},
		"health alone, out of sync":        {v1alpha1.DependencyHealthy, outOfSync, ""},
		"health alone, progressing":        {v1alpha1.DependencyHealthy, progressing, "application db, which is Synced and Progressing"},
		"synced alone, progressing":        {v1alpha1.DependencySynced, progressing, ""},
		"synced alone, while it is synced": {v1alpha1.DependencySynced, operating, "application db, which is being synced and is Healthy"},
	} {
		if got := Blocked(v1alpha1.ApplicationDependency{Name: "db", Gate: c.gate}, c.state); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestCycle(t *testing.T) {
	graph := map[string][]string{
		"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": {"e"}, "e": {"c"}, // c → d → e → c
		"self": {"self"}, "x": {"y"}, "y": nil,
	}
	next := func(n types.NamespacedName) (all []types.NamespacedName) {
		for _, name := range graph[n.Name] {
			all = append(all, types.NamespacedName{Name: name})
		}
		return all
	}
	for name, want := range map[string]string{
		"a": "", "b": "", "x": "", "c": "c → d → e → c", "d": "d → e → c → d", "self": "self → self",
	} {
		if got := Path(Cycle(types.NamespacedName{Name: name}, next)); got != want {
			t.Errorf("from %s: %q, want %q", name, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for want, d := range map[string]v1alpha1.ApplicationDependency{
		"": {Name: "db", Gate: v1alpha1.DependencySynced},
		"spec.dependsOn: the name of an application is missing":                            {},
		`spec.dependsOn: gate "Green" of application db is none of Ready, Healthy, Synced`: {Name: "db", Gate: "Green"},
	} {
		if got := Validate([]v1alpha1.ApplicationDependency{d}); got != want {
			t.Errorf("%+v: %q, want %q", d, got, want)
		}
	}
}
