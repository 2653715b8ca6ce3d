package crd

import "testing"

func TestNamed(t *testing.T) {
	definitions, err := Named("applications.argoproj.io", "builds.fairlead.dev")
	if err != nil || len(definitions) != 2 || definitions[1].Spec.Names.Kind != "Build" {
		t.Errorf("got %v, %v", definitions, err)
	}
	if _, err := Named("nothing.example"); err == nil {
		t.Error("a name without a definition is no error")
	}
}
