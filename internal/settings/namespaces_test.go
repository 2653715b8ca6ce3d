package settings

import "testing"

func TestNamespaces(t *testing.T) {
	n := NamespacesFrom("argocd", " team-*, one ,,/^env-[0-9]+$/, /(/, [")
	for namespace, want := range map[string]bool{
		"argocd": true, "team-a": true, "team": false, "one": true, "onetwo": false, "env-12": true, "env-x": false, "(": false, "": false,
	} {
		if n.Has(namespace) != want {
			t.Errorf("%q: got %v", namespace, !want)
		}
	}
	if alone := NamespacesFrom("argocd", ""); !alone.Has("argocd") || alone.Has("other") {
		t.Errorf("without a list: %+v", alone)
	}
}
